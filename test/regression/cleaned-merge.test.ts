/**
 * Files that no version names yet may be taken by a cleanup with delete_unverified, even between segmentd's last look at them and
 * the version that names them. Such a commit is rolled back in the next version; but when it had replaced others, as a merge does,
 * these did not come back: what they covered was uncovered, and an index that was merged into one segment was gone.
 */
import type { Table } from '@lancedb/lancedb';
import { Index } from '@lancedb/lancedb';
import { expect, test } from 'vitest';
import { lanceSegmentBuilder } from '../../src/lance/engine/segment-builder.ts';
import { DEFAULT_POLICY } from '../../src/lance/plan/row-ids.ts';
import { LanceTable } from '../../src/lance/table/table.ts';
import { planMerges } from '../../src/merge/merge-plan.ts';
import { mergeTable } from '../../src/merge/merge-table.ts';
import { planMergeTo } from '../../src/merge/policy/reduce-to.ts';
import { localStore } from '../../src/store/local-store.ts';
import { idsWhere, index, latest, realClone, realTable, usesIndex } from '../../testing/lance-table.ts';
import { nameOf, people } from '../../testing/people.ts';
import { tempDir } from '../../testing/temp-dir.ts';

const COMMIT = { maxAttempts: 3, initialBackoffMs: 1, writer: { library: 'segmentd', version: '0.0.0' } };

async function threeSegments(): Promise<{ theirs: Table; uri: string }> {
  const { table: theirs, uri } = await realTable(people(0, 10));
  await theirs.createIndex('id', { config: Index.btree() });
  for (const from of [10, 20]) {
    await theirs.add(people(from, 10));
    await index(uri);
  }
  await theirs.checkoutLatest();
  return { theirs, uri };
}

/** A shallow clone of such a table, which has the files of its segments in the other one. */
async function cloneOfThreeSegments(): Promise<{ theirs: Table; uri: string }> {
  const { uri: source } = await threeSegments();
  return realClone(source);
}

/** A table of three segments is merged into one, whose files are gone when it appears. `meanwhile` happens before the rollback. */
async function cleanedMerge(meanwhile: (theirs: Table) => Promise<unknown>, setUp = threeSegments) {
  const { theirs, uri } = await setUp();
  await theirs.createIndex('name', { config: Index.btree() });
  const store = localStore(uri);
  let puts = 0;
  const table = new LanceTable({
    ...store,
    async putIfAbsent(key, parts, after) {
      await after;
      await theirs.checkoutLatest();
      puts += 1;
      if (puts === 1) await theirs.optimize({ cleanupOlderThan: new Date(0), deleteUnverified: true });
      const outcome = await store.putIfAbsent(key, parts);
      await theirs.checkoutLatest();
      if (puts === 1) await meanwhile(theirs);
      return outcome;
    },
  });
  const manifest = await table.latest();
  const plan = planMerges(manifest, DEFAULT_POLICY, (segments) => planMergeTo(segments, 1));
  expect(plan.remove).toHaveLength(3);
  const builder = lanceSegmentBuilder(await tempDir());
  const parts = { builder, commit: COMMIT, properties: {}, withSlot: <T>(land: () => Promise<T>) => land() };
  expect(await mergeTable(table, manifest, plan, parts)).toEqual({ kind: 'rejected', cause: 'files_gone' });
  await theirs.checkoutLatest();
  return { theirs, uri, before: manifest.indexes.map(({ raw }) => raw) };
}

const entries = async (uri: string) => (await latest(uri)).indexes.map(({ raw }) => raw);

test('an index outlives a merge whose files a cleanup took', async () => {
  const { theirs, uri, before } = await cleanedMerge((table) => table.add(people(30, 5)));
  expect(await entries(uri)).toEqual(before);
  expect(await idsWhere(theirs, 'id = 14')).toEqual([14]);
  expect(await usesIndex(theirs, 'id = 14')).toBe(true);
});

test('so does one whose segments lie in the table of which this one is a clone', async () => {
  const { theirs, uri, before } = await cleanedMerge(async () => undefined, cloneOfThreeSegments);
  expect(await entries(uri)).toEqual(before);
  expect(await idsWhere(theirs, 'id = 14')).toEqual([14]);
  expect(await usesIndex(theirs, 'id = 14')).toBe(true);
});

test('without the segments whose fragments were changed meanwhile', async () => {
  const { theirs, uri, before } = await cleanedMerge((table) =>
    table.update({ where: `name = '${nameOf(14)}'`, valuesSql: { id: '1014' } }),
  );
  expect(await entries(uri)).toEqual([before[0], before[2], expect.anything()]);
  expect(await idsWhere(theirs, 'id = 14 OR id = 1014')).toEqual([1014]);
});
