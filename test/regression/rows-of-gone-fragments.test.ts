/**
 * A segment whose build read a fragment that was gone when it landed. The fragment was left out of its bitmap; Lance heeds that for filters,
 * but among the nearest vectors and the best texts the dead rows took the places of live ones, so that a search found too few.
 */
import type { Table } from '@lancedb/lancedb';
import { MatchQuery } from '@lancedb/lancedb';
import { expect, test } from 'vitest';
import { catchUp } from '../../src/commands/catch-up.ts';
import { lanceSegmentBuilder } from '../../src/lance/engine/segment-builder.ts';
import type { SegmentBuilder } from '../../src/lance/segment.ts';
import { LanceTable } from '../../src/lance/table/table.ts';
import { localStore } from '../../src/store/local-store.ts';
import { kindRows, MIN_ROWS } from '../../testing/kind-rows.ts';
import { kindUnderTest } from '../../testing/kinds.ts';
import { realTable } from '../../testing/lance-table.ts';
import { tempDir } from '../../testing/temp-dir.ts';

const nearest = (table: Table, limit: number) =>
  table.query().nearestTo(Array(8).fill(0)).column('vector').nprobes(1000).limit(limit);
const best = (table: Table, limit: number) => table.query().fullTextSearch(new MatchQuery('many', 'note')).limit(limit);

test.each([
  ['ivf_flat', 'vector', nearest],
  ['fts', 'note', best],
] as const)('a search by an %s finds as many as it is to', async (kind, column, search) => {
  const { uri, table } = await realTable(kindRows(0, 10));
  await table.createIndex(column, { config: kindUnderTest(kind).make() });
  await table.add(kindRows(10, 1));
  await table.add(kindRows(13, 9));
  const inner = lanceSegmentBuilder(await tempDir());
  const builder: SegmentBuilder = {
    async build(...request) {
      const built = await inner.build(...request);
      await table.delete('id IN (10, 14)');
      return built;
    },
  };
  await catchUp(new LanceTable(localStore(uri)), builder, {
    wanted: 'existing',
    minRows: MIN_ROWS,
    limits: { maxRows: 1_000_000, maxFragments: 100 },
    commit: { maxAttempts: 20, initialBackoffMs: 5, writer: { library: 'segmentd', version: '0.0.0-test' } },
    properties: {},
  });
  await table.checkoutLatest();
  for (let limit = 1; limit <= 18; limit++) expect(await search(table, limit).toArray()).toHaveLength(limit);
});
