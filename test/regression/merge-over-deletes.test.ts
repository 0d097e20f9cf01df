/**
 * A row that was deleted while a merge was built rejected the merge as a whole, where its fragment had deleted rows already: on a
 * table that is upserted all the time no merge ever landed. The rule was there for restores, which bring deleted rows back.
 */
import { Index } from '@lancedb/lancedb';
import { expect, test } from 'vitest';
import { lanceSegmentBuilder } from '../../src/lance/engine/segment-builder.ts';
import { DEFAULT_POLICY } from '../../src/lance/plan/row-ids.ts';
import { LanceTable } from '../../src/lance/table/table.ts';
import { planMerges } from '../../src/merge/merge-plan.ts';
import { mergeTable } from '../../src/merge/merge-table.ts';
import { planMergeTo } from '../../src/merge/policy/reduce-to.ts';
import { localStore } from '../../src/store/local-store.ts';
import { index, realTable } from '../../testing/lance-table.ts';
import { people } from '../../testing/people.ts';
import { tempDir } from '../../testing/temp-dir.ts';

type Theirs = Awaited<ReturnType<typeof realTable>>['table'];

/** Merges two segments whose fragments have deleted rows; `meanwhile` happens between the build and its commit. */
async function mergeWhile(meanwhile: (theirs: Theirs, whole: number) => Promise<unknown>) {
  const { table: theirs, uri } = await realTable(people(0, 10));
  await theirs.createIndex('id', { config: Index.btree() });
  await theirs.add(people(10, 10));
  await index(uri);
  await theirs.checkoutLatest();
  const whole = await theirs.version();
  await theirs.delete('id = 3 OR id = 13');
  const table = new LanceTable(localStore(uri));
  const manifest = await table.latest();
  const plan = planMerges(manifest, DEFAULT_POLICY, (segments) => planMergeTo(segments, 1));
  const merged = await mergeTable(table, manifest, plan, {
    builder: lanceSegmentBuilder(await tempDir()),
    commit: { maxAttempts: 3, initialBackoffMs: 1, writer: { library: 'segmentd', version: '0.0.0' } },
    properties: {},
    withSlot: async (land) => {
      await meanwhile(theirs, whole);
      return land();
    },
  });
  await theirs.checkoutLatest();
  const find = (id: number) => theirs.countRows(`id = ${id}`);
  return { merged, stats: await theirs.indexStats('id_idx'), found: await Promise.all([3, 4, 13, 14].map(find)) };
}

test('a merge lands over deletes and upserts, and finds what is left', async () => {
  const { merged, stats, found } = await mergeWhile(async (theirs) => {
    await theirs.delete('id = 4');
    await theirs.mergeInsert('id').whenMatchedUpdateAll().whenNotMatchedInsertAll().execute(people(14, 1));
  });
  expect(merged).toMatchObject({ kind: 'landed', segments: [{ fragments: [0, 1] }] });
  expect(stats).toMatchObject({ numIndices: 1, numUnindexedRows: 1 });
  expect(found).toEqual([0, 0, 0, 1]);
});

test('a merge does not land over a restore, though as many rows are deleted after it as before', async () => {
  const { merged, found } = await mergeWhile(async (theirs, whole) => {
    await theirs.checkout(whole);
    await theirs.restore();
    await theirs.delete('id = 4 OR id = 14');
  });
  expect(merged).toEqual({ kind: 'rejected', cause: 'nothing_left' });
  expect(found).toEqual([1, 0, 1, 0]);
});
