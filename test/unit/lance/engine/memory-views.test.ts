import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { MemoryViews } from '../../../../src/lance/engine/memory-views.ts';
import { tempDir } from '../../../../testing/temp-dir.ts';

async function open() {
  const memoryDir = await mkdtemp('/dev/shm/segmentd-test-');
  onTestFinished(() => rm(memoryDir, { recursive: true, force: true }));
  const scratch = await tempDir();
  return { scratch, memoryDir, views: new MemoryViews(scratch, memoryDir) };
}

test('a folder whose segments were moved away is used again, by one view at a time', async () => {
  const { scratch, views } = await open();
  const [one, other] = [views.takeFolder(), views.takeFolder()];
  expect(one).not.toBe(other);
  expect(dirname(one)).toBe(scratch);
  views.returnFolder(one);
  expect(views.takeFolder()).toBe(one);
  expect(views.takeFolder()).not.toBe(one);
});

test('one with something left in it goes, and one that is gone is not used again', async () => {
  const { scratch, views } = await open();
  const [left, gone] = [views.takeFolder(), views.takeFolder()];
  await mkdir(join(left, 'segment'));
  await writeFile(join(left, 'segment', 'page_data.lance'), 'x');
  await rm(gone, { recursive: true });
  views.returnFolder(left);
  views.returnFolder(gone);
  expect(await readdir(scratch)).toEqual([]);
  expect(existsSync(views.takeFolder())).toBe(true);
});

test('one that was deleted while nobody used it, as temporary folders are when they grow old, is made again', async () => {
  const { scratch, views } = await open();
  const folders = [views.takeFolder(), views.takeFolder()];
  for (const folder of folders) views.returnFolder(folder);
  await rm(scratch, { recursive: true });
  expect([views.takeFolder(), views.takeFolder()].map((folder) => existsSync(folder))).toEqual([true, true]);
});

test('no more are kept than builds may run at once', async () => {
  const { scratch, views } = await open();
  const taken = Array.from({ length: 100 }, () => views.takeFolder());
  for (const folder of taken) views.returnFolder(folder);
  expect(await readdir(scratch)).toHaveLength(64);
});

test('large manifests and a place that is gone are left to the disk', async () => {
  const { memoryDir, views } = await open();
  expect([views.hasRoomFor(1_000), views.hasRoomFor(2_000_000)]).toEqual([true, false]);
  await rm(memoryDir, { recursive: true });
  expect(views.hasRoomFor(1_000)).toBe(false);
});
