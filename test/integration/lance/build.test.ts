import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { Index } from '@lancedb/lancedb';
import { expect, onTestFinished, test } from 'vitest';
import { lanceSegmentBuilder } from '../../../src/lance/engine/segment-builder.ts';
import { maintainedIndexes } from '../../../src/lance/plan/index-plan.ts';
import { nextSegments } from '../../../src/lance/plan/next-segments.ts';
import { ENGINE } from '../../../src/lance/plan/supported.ts';
import { digests, latest, realTable } from '../../../testing/lance-table.ts';
import { localPlace } from '../../../testing/local-place.ts';
import { tempDir } from '../../../testing/temp-dir.ts';
import { people } from './people.ts';

const LIMITS = { maxRows: 1e9, maxFragments: 1e9 };

/** A table with an appended fragment, what a plan asks for, and a builder with a scratch folder of its own. */
async function planned() {
  const { table, uri } = await realTable(people(0, 1000));
  await table.createIndex('id', { config: Index.btree() });
  await table.add(people(1000, 1000));
  const manifest = await latest(uri);
  const requests = nextSegments(manifest, maintainedIndexes(manifest, [{ column: 'id' }, { column: 'name' }]), LIMITS);
  const scratch = await tempDir();
  return { table, uri, manifest, requests, scratch, builder: lanceSegmentBuilder(scratch) };
}

test('a build reads the table and writes only to the scratch folder, which is empty again afterwards', async () => {
  const { uri, manifest, requests, scratch, builder } = await planned();
  const before = await digests(uri);
  {
    await using build = await builder.build(manifest, localPlace(uri), requests);
    expect(build.segments.map(({ index, rows }) => [index, rows])).toEqual([
      ['id_idx', 1000],
      ['name_idx', 2000],
    ]);
    for (const { folder, files } of build.segments) {
      expect((await readdir(folder)).sort()).toEqual(files.map(({ path }) => path).sort());
    }
    expect(await readdir(scratch)).not.toEqual([]);
  }
  expect(await readdir(scratch)).toEqual([]);
  expect(await digests(uri)).toEqual(before);
});

/** A folder in memory for views, as `openScratch` makes one. */
async function memory(): Promise<string> {
  const folder = await mkdtemp('/dev/shm/segmentd-test-');
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

test('the views lie in memory where there is room, the segments on disk, and of both nothing is left', async () => {
  const { uri, manifest, requests, scratch } = await planned();
  const memoryDir = await memory();
  const builder = lanceSegmentBuilder(scratch, { memoryDir });
  const folders = new Set<string>();
  for (let round = 0; round < 2; round++) {
    await using build = await builder.build(manifest, localPlace(uri), requests);
    expect(build.segments.map(({ index, rows }) => [index, rows])).toEqual([
      ['id_idx', 1000],
      ['name_idx', 2000],
    ]);
    expect(await readdir(memoryDir)).toHaveLength(2);
    for (const { folder, files } of build.segments) {
      expect(dirname(dirname(folder))).toBe(scratch);
      folders.add(dirname(folder));
      expect((await readdir(folder)).sort()).toEqual(files.map(({ path }) => path).sort());
    }
  }
  expect(await readdir(memoryDir)).toEqual([]);
  // What was left in them was removed with them: they are not those of the first round.
  expect(folders.size).toBe(4);
  expect(await readdir(scratch)).toEqual([]);
});

test.each([
  ['is gone', (folder: string) => rm(folder, { recursive: true })],
  ['is a file', (folder: string) => rm(folder, { recursive: true }).then(() => writeFile(folder, ''))],
])('a place in memory that %s is done without', async (_, spoil) => {
  const { uri, manifest, requests, scratch } = await planned();
  const memoryDir = await memory();
  await spoil(memoryDir);
  await using build = await lanceSegmentBuilder(scratch, { memoryDir }).build(manifest, localPlace(uri), requests);
  expect(build.segments).toHaveLength(2);
});

test.each([
  ['bytes', 'size=64k'],
  ['files', 'size=64m,nr_inodes=8'],
])('a place in memory with hardly any %s left is done without', async (_, options) => {
  // A small file system needs a mount, so it lives in a name space of its own, in a process of its own.
  const { uri } = await planned();
  const script = new URL('./full-memory.ts', import.meta.url).pathname;
  const { stdout } = await promisify(execFile)('unshare', [
    '-Urm',
    process.execPath,
    script,
    uri,
    await tempDir(),
    options,
  ]);
  expect(JSON.parse(stdout)).toEqual({ segments: 1, left: 0 });
});

test('a data file that vanishes under a build makes it stale, and its scratch files are deleted', async () => {
  const { uri, manifest, requests, scratch, builder } = await planned();
  for (const name of await readdir(join(uri, 'data'))) await rm(join(uri, 'data', name));
  await expect(builder.build(manifest, localPlace(uri), requests)).rejects.toMatchObject({ code: 'build_stale' });
  expect(await readdir(scratch)).toEqual([]);
});

test('a build from a manifest that compaction and cleanup have overtaken is stale', async () => {
  const { table, uri, manifest, requests, builder } = await planned();
  await table.dropIndex('id_idx');
  await table.optimize();
  await table.optimize({ cleanupOlderThan: new Date(), deleteUnverified: true });
  await expect(builder.build(manifest, localPlace(uri), requests)).rejects.toMatchObject({ code: 'build_stale' });
});

test('a fragment that the manifest does not have makes a build stale', async () => {
  const { uri, manifest, requests, builder } = await planned();
  const wrong = requests.map((request) => ({ ...request, fragments: Uint32Array.of(77) }));
  await expect(builder.build(manifest, localPlace(uri), wrong)).rejects.toMatchObject({ code: 'build_stale' });
});

test('the engine is the Lance that segmentd takes it for', async () => {
  const { uri } = await realTable(people(0, 1));
  expect((await latest(uri)).writer).toEqual(ENGINE);
});
