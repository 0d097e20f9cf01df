import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { heardStream } from '../../../src/store/heard-stream.ts';
import { tempDir } from '../../../testing/temp-dir.ts';

test('it has what is in the file', async () => {
  const path = join(await tempDir(), 'file');
  await writeFile(path, 'content');
  expect(await text(heardStream(path))).toBe('content');
});

test('a file that is gone by then ends no process, and whoever reads is told', async () => {
  const path = join(await tempDir(), 'gone');
  // Vitest fails on an error of a stream that nobody hears; `once` of node:events would hear it.
  await new Promise<void>((resolve) => heardStream(path).on('close', () => resolve()));
  await expect(text(heardStream(path))).rejects.toThrow('ENOENT');
});
