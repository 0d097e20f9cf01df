import { expect, test } from 'vitest';
import { memoryFolder } from '../../../src/lib/memory-folder.ts';
import { tempDir } from '../../../testing/temp-dir.ts';

test('it is of this user alone', () => {
  expect(memoryFolder()).toBe(`/dev/shm/segmentd-${process.getuid?.()}`);
});

test('there is none where no memory is mounted, and none where nothing is', async () => {
  expect(memoryFolder(await tempDir())).toBeNull();
  expect(memoryFolder('/none/such')).toBeNull();
});
