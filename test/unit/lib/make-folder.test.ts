import { existsSync } from 'node:fs';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeFolder } from '../../../src/lib/make-folder.ts';
import { tempDir } from '../../../testing/temp-dir.ts';

test('makes every folder that is missing, and again does nothing', async () => {
  const path = join(await tempDir(), 'a', 'b', 'c');
  for (let round = 0; round < 2; round++) {
    makeFolder(path);
    expect(existsSync(path)).toBe(true);
  }
  makeFolder(`${path}/`);
  makeFolder('/');
});

test('a link to a folder is a folder', async () => {
  const dir = await tempDir();
  await mkdir(join(dir, 'real'));
  await symlink('real', join(dir, 'link'));
  makeFolder(join(dir, 'link'));
  makeFolder(join(dir, 'link', 'below'));
  expect(existsSync(join(dir, 'real', 'below'))).toBe(true);
});

test('a file or a link to nowhere in the way is an error', async () => {
  const dir = await tempDir();
  await writeFile(join(dir, 'file'), '');
  await symlink('nowhere', join(dir, 'link'));
  const errno = (code: string) => expect.objectContaining({ code });
  expect(() => makeFolder(join(dir, 'file'))).toThrow(errno('EEXIST'));
  expect(() => makeFolder(join(dir, 'file', 'below'))).toThrow(errno('ENOTDIR'));
  expect(() => makeFolder(join(dir, 'link'))).toThrow(errno('ENOENT'));
  expect(() => makeFolder(join(dir, 'link', 'below'))).toThrow(errno('ENOENT'));
});
