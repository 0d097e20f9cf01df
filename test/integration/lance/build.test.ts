import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Index } from '@lancedb/lancedb';
import { expect, test } from 'vitest';
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
