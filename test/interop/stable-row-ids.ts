/**
 * Tables with stable row ids whose indexes record these, as those of Lance before 14 do, when segmentd was asked to index them: a row
 * keeps its id when it is updated, so an older segment would still find it under its old value, and every catch-up has to replace the
 * whole index.
 */
import { expect, test } from 'vitest';
import { gaps, wrongAnswers } from './report.ts';
import type { NewTable } from './tables.ts';
import { INDEXED } from './tables.ts';

const CHANGE = { where: 'id % 20 = 5', values: { f: 'f + 1e6', s: "concat('new-', s)" } };

export function rebuiltWhole(newTable: NewTable): void {
  test('are answered right after updates before, during and after a rebuild', async () => {
    const table = await newTable();
    if (!table) return;
    await table.ask('create', { start: 0, count: 5000, v2_names: true, data_format: '2.1', stable_row_ids: true });
    await table.append('pylance', 5000, 400);
    await table.createIndexes('LanceDB', INDEXED);
    const expectRight = async () => {
      const report = await table.check(INDEXED);
      expect(report.indexes.map(({ segments }) => segments.length)).toEqual(INDEXED.map(() => 1));
      expect([...wrongAnswers(report), ...gaps(report)]).toEqual([]);
      expect(await table.disagreements(report)).toEqual([]);
    };
    await table.ask('update', CHANGE);
    await table.append('pylance', 5400, 300);
    await table.catchUp('existing', () => table.ask('update', CHANGE), 'rebuild');
    await expectRight();
    await table.ask('update', CHANGE);
    await table.catchUp('existing', undefined, 'rebuild');
    await expectRight();
  });
}
