/** Of a packed struct a data file lists the struct alone, so what a column below it rests on has to be looked for above it. */
import { describe, expect, test } from 'vitest';
import { LONG } from '../../testing/long.ts';
import { versionsFor } from '../../testing/pylance.ts';
import { answersOf, tablesOfPylance } from './pylance-table.ts';
import { named } from './tables.ts';

const FILTERS = ['st.x >= 1000', 'st.x < 1000'];

describe.each(versionsFor(LONG))('a BTREE over a field of a packed struct, pylance %s,', (version) => {
  const newTable = tablesOfPylance(version);

  test('is right when the struct was rewritten between build and commit', async () => {
    const table = await newTable();
    if (!table) return;
    await table.ask('append_structs', { start: 0, count: 100 });
    await table.ask('append_structs', { start: 100, count: 100 });
    await table.catchUp(named(['st.x']), () => table.ask('rewrite_structs', { fragment: 0, shift: 1000 }));
    expect(await answersOf(table, FILTERS)).toEqual([
      'st.x >= 1000: 100 by index, 100 by scan',
      'st.x < 1000: 100 by index, 100 by scan',
    ]);
  });

  test('is right when the struct was rewritten in a fragment that it misses', async () => {
    const table = await newTable();
    if (!table) return;
    await table.ask('append_structs', { start: 0, count: 100 });
    await table.catchUp(named(['st.x']));
    await table.ask('append_structs', { start: 100, count: 100 });
    await table.ask('rewrite_structs', { fragment: 1, shift: 1000 });
    await table.catchUp('existing');
    expect(await answersOf(table, FILTERS)).toEqual([
      'st.x >= 1000: 100 by index, 100 by scan',
      'st.x < 1000: 100 by index, 100 by scan',
    ]);
  });

  // Lance looks for the column itself among the rewritten fields, and finds the struct.
  test('is wrong by Lance itself when the struct was rewritten under its segment, until the index is created again', async () => {
    const table = await newTable();
    if (!table) return;
    await table.ask('append_structs', { start: 0, count: 100 });
    await table.createIndexes('pylance', ['st.x']);
    await table.ask('rewrite_structs', { fragment: 0, shift: 1000 });
    expect(await answersOf(table, FILTERS.slice(0, 1))).toEqual(['st.x >= 1000: 0 by index, 100 by scan']);
    expect((await table.findings()).join()).toContain('answer_wrong');
    await table.ask('create_index', { columns: ['st.x'], replace: true });
    expect(await answersOf(table, FILTERS.slice(0, 1))).toEqual(['st.x >= 1000: 100 by index, 100 by scan']);
  });
});
