/** Segments that segmentd merged, used by pylance: read, written beside, compacted, joined, replaced, dropped. */
import { beforeAll, expect, test } from 'vitest';
import type { Report } from './report.ts';
import { gaps, wrongAnswers } from './report.ts';
import type { Shape, TableUnderTest } from './table-under-test.ts';
import { PROPERTIES } from './table-under-test.ts';
import type { NewTable } from './tables.ts';
import { fill, INDEXED, PLAIN } from './tables.ts';

type Transaction = { operation: string; properties: Record<string, string> };

const segmentCounts = ({ indexes }: Report) => indexes.map(({ segments }) => segments.length);
const each = (count: number) => INDEXED.map(() => count);

/** Four segments per index: one of the maker's over two fragments, and three of ours over the rest. */
async function segmented(newTable: NewTable, shape: Shape): Promise<TableUnderTest | undefined> {
  const table = await newTable();
  if (!table) return;
  await fill(table, shape);
  await table.catchUp('existing');
  for (const start of [6000, 6300]) {
    await table.append('pylance', start, 300);
    await table.catchUp('existing');
  }
  return table;
}

/** Uuids of the segments that have files. Lance 7 leaves their empty folders behind. */
async function segmentsOnDisk(table: TableUnderTest): Promise<Set<string>> {
  const paths = Object.keys(await table.files()).map((path) => path.split('/'));
  return new Set(paths.flatMap((path) => (path.includes('_indices') ? (path.at(-2) ?? []) : [])));
}

export function mergedSegments(newTable: NewTable, shape: Shape = PLAIN): void {
  afterAMerge(newTable, shape);
  concurrentMerges(newTable, shape);
}

/** The life of one table. */
function afterAMerge(newTable: NewTable, shape: Shape): void {
  let table: TableUnderTest | undefined;

  beforeAll(async () => {
    table = await segmented(newTable, shape);
  });

  const complete = async (columns = INDEXED) => {
    const report = await (table as TableUnderTest).check(columns);
    expect([...wrongAnswers(report), ...gaps(report)]).toEqual([]);
    return report;
  };

  test('answers as before while only some of its segments are merged', async () => {
    if (!table) return;
    const before = await complete();
    expect(segmentCounts(before)).toEqual(each(4));
    expect(await table.merge(2)).toMatchObject({ kind: 'landed', version: before.version + 1 });
    const after = await complete();
    expect(segmentCounts(after)).toEqual(each(2));
    expect(after.queries).toEqual(before.queries);
    expect(await table.disagreements(after)).toEqual([]);
  });

  test('answers from a single segment, with the statistics of one, and an older handle can still write', async () => {
    if (!table) return;
    const before = await table.check(INDEXED);
    expect(await table.ask('hold')).toBe(before.version);
    const merged = await table.merge(1);
    expect(merged).toMatchObject({ kind: 'landed', version: before.version + 1 });
    const after = await complete();
    expect(segmentCounts(after)).toEqual(each(1));
    expect(after.queries).toEqual(before.queries);
    for (const { segments, unindexed_fragments: unindexed } of after.indexes) {
      expect([segments[0]?.fragments, segments[0]?.dataset_version, unindexed]).toEqual([
        after.fragments,
        before.version,
        0,
      ]);
    }
    expect(await table.disagreements(after)).toEqual([]);
    const [transaction] = await table.ask<Transaction[]>('transactions', { last: 1 });
    expect(transaction).toMatchObject({ operation: 'CreateIndex', properties: PROPERTIES });
    await table.ask('delete_with_held', { where: 'id % 100 = 56' });
    expect((await complete()).version).toBe(after.version + 1);
  });

  test('is maintained by every pylance, for which a single segment is no obstacle', async () => {
    if (!table) return;
    await table.append('pylance', 7000, 200);
    expect((await table.check([])).indexes.map((index) => index.unindexed_fragments)).toEqual(each(1));
    // Lance 7 cannot do this with several segments (CANNOT_JOIN).
    await table.ask('optimize_indices');
    const { fragments } = await complete();
    const { removed, added } = await table.ask<{ removed: number; added: number }>('compact_files');
    expect(removed).toBe(fragments.length);
    expect((await complete()).fragments).toHaveLength(added);
    await table.ask('delete', { where: 'id % 40 = 12' });
    await table.ask('update', { where: 'id % 40 = 13', values: { f: '2.5', s: "'updated'" } });
    expect(wrongAnswers(await table.check(INDEXED))).toEqual([]);
  });

  test('is merged again, and a cleanup takes away what was replaced and nothing else', async () => {
    if (!table) return;
    await table.catchUp('existing');
    expect(await table.merge(1)).toMatchObject({ kind: 'landed' });
    const before = await segmentsOnDisk(table);
    await table.ask('cleanup', { older_than_seconds: 0 });
    const { indexes } = await complete();
    const named = indexes.flatMap(({ segments }) => segments.map(({ uuid }) => uuid));
    expect(named).toHaveLength(INDEXED.length);
    expect(await segmentsOnDisk(table)).toEqual(new Set(named));
    // Everything ever merged was still there.
    expect(before.size).toBeGreaterThan(5 * named.length);
  });

  test('lets its indexes be replaced, dropped and made anew', async () => {
    if (!table) return;
    await table.ask('create_index', { columns: ['s'], replace: true });
    await table.ask('drop_index', { name: 'id_idx' });
    expect((await complete(INDEXED.slice(1))).listed).not.toContain('id_idx');
    await table.ask('create_index', { columns: ['id'] });
    await table.append('pylance', 7200, 100);
    await table.catchUp('existing');
    expect(await table.merge(1)).toMatchObject({ kind: 'landed' });
    expect(segmentCounts(await complete())).toEqual(each(1));
  });
}

/** What pylance commits between the build of a merge and its commit, and what becomes of the merge. */
const CHANGES: readonly { action: string; args?: Record<string, unknown>; result: object }[] = [
  { action: 'append', args: { start: 8000, count: 100 }, result: { kind: 'landed' } },
  { action: 'delete', args: { where: 'id >= 5400 AND id < 5700' }, result: { kind: 'landed' } },
  {
    action: 'update',
    args: { where: 'id % 3 = 0', values: { n: 'n + 100', s: "'changed'" } },
    result: { kind: 'landed' },
  },
  { action: 'compact_files', result: { kind: 'rejected', cause: 'input_gone' } },
  {
    action: 'create_index',
    args: { columns: ['s'], replace: true },
    result: { kind: 'rejected', cause: 'input_gone' },
  },
];

function concurrentMerges(newTable: NewTable, shape: Shape): void {
  test.each(CHANGES)('while pylance may $action $args', async ({ action, args = {}, result }) => {
    const table = await segmented(newTable, shape);
    if (!table) return;
    let changed = false;
    const merged = await table.merge(1, async () => {
      await table.ask(action, args);
      changed = true;
    });
    expect([changed, merged]).toEqual([true, expect.objectContaining(result)]);
    const after = await table.check(INDEXED);
    expect(wrongAnswers(after)).toEqual([]);
    // A merge that was overtaken leaves nothing behind.
    if (merged?.kind === 'rejected') expect(segmentCounts(after)).not.toEqual(each(1));
    await table.catchUp('existing');
    await table.merge(1);
    const report = await table.check(INDEXED);
    expect(segmentCounts(report)).toEqual(each(1));
    expect([...wrongAnswers(report), ...gaps(report)]).toEqual([]);
    expect(await table.disagreements(report)).toEqual([]);
  });
}
