import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { secretOf } from '../../../src/lib/secret.ts';
import { tempDir } from '../../../testing/temp-dir.ts';

async function file(content: string): Promise<string> {
  const path = join(await tempDir(), 'secret');
  await writeFile(path, content);
  return path;
}

test('a secret is the value, else what the file holds without its last line end', async () => {
  expect(secretOf('value', '/nowhere')).toBe('value');
  expect(secretOf(undefined, undefined)).toBeUndefined();
  for (const end of ['', '\n', '\r\n']) expect(secretOf(undefined, await file(` s3 cret${end}`))).toBe(' s3 cret');
});

test.each([
  ['', 'is empty'],
  ['\n', 'is empty'],
  ['  \n', 'is empty'],
  ['a\n\n', 'more than one line'],
  ['a\nb', 'more than one line'],
])('a file that holds %j holds no secret', async (content, says) => {
  const path = await file(content);
  const refused = expect.objectContaining({ code: 'config_invalid', message: expect.stringContaining(`${path} `) });
  expect(() => secretOf(undefined, path)).toThrow(refused);
  expect(() => secretOf(undefined, path)).toThrow(says);
});

test('a file that is not there holds no secret', () => {
  expect(() => secretOf(undefined, '/nowhere/secret')).toThrow(
    expect.objectContaining({ code: 'config_invalid', message: expect.stringContaining('ENOENT') }),
  );
});
