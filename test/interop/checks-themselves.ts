/** A check counts once it has been seen to fail: on tables that are broken on purpose. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { gaps, wrongAnswers } from './report.ts';
import type { NewTable } from './tables.ts';
import { fill, PLAIN } from './tables.ts';

export function checksThemselves(newTable: NewTable): void {
  const indexed = async () => {
    const table = await newTable();
    if (!table) return;
    await fill(table, PLAIN);
    await table.catchUp('existing');
    return table;
  };

  test('notice a segment that claims a fragment it was not built over', async () => {
    const table = await indexed();
    if (!table) return;
    await table.append('pylance', 6000, 100);
    const { fragments } = await table.check([]);
    const newest = fragments.at(-1) as number;
    // The maker's segment covers 0 and 1, so this forges ours alone.
    await table.forgeCoverage('id_idx', (ids) => (ids.includes(0) ? [...ids] : [...ids, newest]));
    const report = await table.check(['id']);
    expect(wrongAnswers(report)).toContain('id = 6050: 0 rows by index, 1 by scan, or others');
    expect(gaps(report)).toContain('id = 6050: the index alone does not know');
    expect(await table.disagreements(report)).toContain('id = 6050');
  });

  test('notice a segment that forgets a fragment', async () => {
    const table = await indexed();
    if (!table) return;
    await table.forgeCoverage('s_idx', (ids) => ids.filter((id) => id !== 3));
    const report = await table.check(['s']);
    expect(wrongAnswers(report)).toEqual([]);
    expect(gaps(report)).toContain('s_idx: fragments 3 are in no segment');
    expect(gaps(report)).toContain('s_idx: 1 fragments counted as unindexed');
  });

  test('notice a segment without its files', async () => {
    const table = await indexed();
    if (!table) return;
    const { indexes } = await table.open().latest();
    const ours = indexes.findLast((index) => index.name === 'f_idx');
    await rm(join(table.uri, '_indices', ours?.uuid ?? '', 'page_data.lance'));
    await expect(table.check(['f'])).rejects.toThrow(/page_data\.lance/);
  });
}
