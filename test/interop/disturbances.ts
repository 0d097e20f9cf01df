/** What pylance may commit while segmentd builds. */
import { expect, test } from 'vitest';
import { gaps, wrongAnswers } from './report.ts';
import type { Shape, TableUnderTest } from './table-under-test.ts';
import type { NewTable } from './tables.ts';
import { fill, INDEXED, named, PLAIN, REWRITE } from './tables.ts';

/** What pylance commits between a build and its commit; `gone` are the columns whose index it takes away. */
const CHANGES: readonly { action: string; args?: Record<string, unknown>; gone?: readonly string[] }[] = [
  { action: 'append', args: { start: 8000, count: 100 } },
  { action: 'delete', args: { where: 'id >= 5400 AND id < 5700' } },
  { action: 'update', args: { where: 'id % 3 = 0', values: { n: 'n + 100', s: "'changed'" } } },
  { action: 'merge_insert', args: { start: 5600, count: 500 } },
  { action: 'compact_files' },
  { action: 'create_index', args: { columns: ['s'], replace: true } },
  { action: 'optimize_indices' },
  { action: 'drop_index', args: { name: 's_idx' }, gone: ['s'] },
  { action: 'restore', args: { version: 4 }, gone: ['s', 'a.b'] },
];

export function concurrentChanges(newTable: NewTable, shape: Shape = PLAIN): void {
  test.each(CHANGES)('pylance may $action $args', async ({ action, args = {}, gone = [] }) => {
    const table = await newTable();
    if (!table) return;
    await fill(table, shape);
    let changed = false;
    await table.catchUp('existing', async () => {
      await table.ask(action, args);
      changed = true;
    });
    expect(changed).toBe(true);
    const left = INDEXED.filter((column) => !gone.includes(column));
    const report = await table.check(left);
    expect(new Set(report.listed)).toEqual(new Set(left.map((column) => `${column}_idx`)));
    expect([...wrongAnswers(report), ...gaps(report)]).toEqual([]);
    expect(await table.disagreements(report)).toEqual([]);
  });
}

/**
 * Lance masks the segments of an index by the union of their bitmaps, not each by its own: what a segment holds for a fragment
 * that left its bitmap comes back as soon as another segment covers that fragment. A fragment that is removed never comes
 * back, but one whose column was rewritten in place does, so there the index is replaced whole.
 */
export function rewrittenColumns(newTable: NewTable, shape: Shape = PLAIN): void {
  const filled = async () => {
    const table = await newTable();
    if (!table) return;
    await table.create(shape, 0, 5000);
    await table.append('pylance', 5000, 400);
    return table;
  };
  const expectRight = async (table: TableUnderTest) => {
    const report = await table.check(['n']);
    expect([...wrongAnswers(report), ...gaps(report)]).toEqual([]);
    expect(await table.disagreements(report)).toEqual([]);
  };

  test('is answered right when it happened before the index', async () => {
    const table = await filled();
    if (!table) return;
    await table.ask(...REWRITE);
    await table.catchUp(named(['n']));
    await expectRight(table);
  });

  test('is answered right when it happened between build and commit', async () => {
    const table = await filled();
    if (!table) return;
    await table.catchUp(named(['n']), () => table.ask(...REWRITE));
    await expectRight(table);
  });

  test('is answered right when it took the fragment out of a segment that stays', async () => {
    const table = await filled();
    if (!table) return;
    await table.createIndexes('pylance', ['n']);
    await table.ask(...REWRITE);
    expect((await table.check([])).indexes[0]?.unindexed_fragments).toBe(1);
    await table.catchUp('existing');
    await expectRight(table);
  });
}
