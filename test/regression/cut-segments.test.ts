/**
 * A segment whose build read a fragment that it may not answer for when it lands: the fragment has gone, or another worker's segment has taken
 * it. The fragment was left out of its bitmap; Lance heeds that for filters, but not where it ranks: among the nearest vectors dead rows took
 * the places of live ones, and a text that two segments held was found twice.
 */
import type { Table } from '@lancedb/lancedb';
import { MatchQuery } from '@lancedb/lancedb';
import { expect, test } from 'vitest';
import { lanceSegmentBuilder } from '../../src/lance/engine/segment-builder.ts';
import type { SegmentBuilder } from '../../src/lance/segment.ts';
import { answerOf, KIND_COLUMNS, kindRows, MIN_ROWS } from '../../testing/kind-rows.ts';
import { KINDS_UNDER_TEST, kindUnderTest } from '../../testing/kinds.ts';
import { index, realTable } from '../../testing/lance-table.ts';
import { tempDir } from '../../testing/temp-dir.ts';

const nearest = (table: Table, limit: number) =>
  table.query().nearestTo(Array(8).fill(0)).column('vector').nprobes(1000).limit(limit);
const best = (table: Table, limit: number) => table.query().fullTextSearch(new MatchQuery('many', 'note')).limit(limit);

/** Indexes what the table misses; `between` runs after the first build, before it is committed. */
async function indexWith(uri: string, between: () => Promise<unknown>): Promise<void> {
  const inner = lanceSegmentBuilder(await tempDir());
  let isFirst = true;
  const builder: SegmentBuilder = {
    async build(...request) {
      const built = await inner.build(...request);
      if (isFirst) await between();
      isFirst = false;
      return built;
    },
  };
  await index(uri, { minRows: MIN_ROWS }, builder);
}

test.each([
  ['ivf_flat', 'vector', nearest],
  ['fts', 'note', best],
] as const)('a search by an %s finds as many as it is to', async (kind, column, search) => {
  const { uri, table } = await realTable(kindRows(0, 10));
  await table.createIndex(column, { config: kindUnderTest(kind).make() });
  await table.add(kindRows(10, 1));
  await table.add(kindRows(13, 9));
  await indexWith(uri, () => table.delete('id IN (10, 14)'));
  await table.checkoutLatest();
  for (let limit = 1; limit <= 18; limit++) expect(await search(table, limit).toArray()).toHaveLength(limit);
});

test.each(KINDS_UNDER_TEST.map(({ kind }) => kind))('%s finds a row once that two workers have built', async (kind) => {
  const question = KIND_COLUMNS.find((it) => it.kind === kind);
  if (!question) throw new Error(`no column of testing/kind-rows.ts has a ${kind}`);
  const { uri, table } = await realTable(kindRows(0, 10));
  await table.createIndex(question.column, { config: kindUnderTest(kind).make() });
  await table.add(kindRows(10, 10));
  await table.add(kindRows(20, 10));
  const isDelegated = (fragment: number) => fragment === 2;
  await indexWith(uri, () => index(uri, { minRows: MIN_ROWS, scope: { isDelegated } }));
  await table.checkoutLatest();
  for (let id = 0; id < 30; id++) {
    const { asked, indexed, scanned, usesIndex } = await answerOf(table, question, id);
    expect(indexed, asked).toEqual(scanned);
    expect(usesIndex, asked).toBe(true);
  }
});
