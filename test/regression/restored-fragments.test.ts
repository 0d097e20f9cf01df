/**
 * A fragment whose rows were all deleted is no longer in the table, though the segment that covered it still names it. A merge
 * of that segment did not read the fragment; when the table was then restored to a version that has it, the merge landed all the
 * same, and the fragment, covered until then, was in no segment any more.
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

test('a merge takes no fragment out of the index that a restore has brought back', async () => {
  const { table: theirs, uri } = await realTable(people(0, 10));
  await theirs.createIndex('id', { config: Index.btree() });
  await theirs.add(people(10, 10));
  await theirs.add(people(20, 10));
  await index(uri);
  await theirs.checkoutLatest();
  const whole = await theirs.version();
  await theirs.delete('id >= 10 AND id < 20');

  const table = new LanceTable(localStore(uri));
  const manifest = await table.latest();
  const plan = planMerges(manifest, DEFAULT_POLICY, (segments) => planMergeTo(segments, 1));
  expect(plan.merges).toMatchObject([{ rows: 20 }]);
  const merged = mergeTable(table, manifest, plan, {
    builder: lanceSegmentBuilder(await tempDir()),
    commit: { maxAttempts: 3, initialBackoffMs: 1, writer: { library: 'segmentd', version: '0.0.0' } },
    properties: {},
    withSlot: async (land) => {
      await theirs.checkout(whole);
      await theirs.restore();
      return land();
    },
  });
  expect(await merged).toEqual({ kind: 'rejected', cause: 'rows_moved' });
  await theirs.checkoutLatest();
  expect(await theirs.indexStats('id_idx')).toMatchObject({ numIndexedRows: 30, numUnindexedRows: 0 });
});
