import { expect, test } from 'vitest';
import type { DatabaseReport } from '../../../../src/commands/tables/database-status.ts';
import { formatDatabaseStatus } from '../../../../src/commands/tables/database-status.ts';
import { PLAIN, styleOf } from '../../../../src/commands/terminal/style.ts';

type Table = DatabaseReport['tables'][number];

const table = (name: string, more: Partial<Exclude<Table, { error: unknown }>> = {}): Table => ({
  ...{ table: name, version: 1, rows: 1_234_567_890, fragments: 1, coverage: 1, missing_rows: 0, missing_fragments: 0 },
  ...{
    held_rows: 0,
    declined: null,
    indexes: ['i'],
    left_alone: [],
    tiers: { 0: 7, mature: 3 },
    requests_per_lookup: null,
  },
  ...more,
});
const LONG = 'a_table_with_a_name_that_is_longer_than_most_terminals_are_wide_and_still_matters_to_its_owner';
const REPORT: DatabaseReport = {
  database: '/lake',
  tables: [
    table('fine'),
    table('b_behind', { coverage: 0.999_999, missing_rows: 1_234_567, held_rows: 9_999, requests_per_lookup: 31 }),
    table('a_declined', { declined: { code: 'table_fragment_reuse_index', message: 'no' } }),
    table(LONG, { left_alone: [{ index: 'x', code: 'index_kind_by_name', message: 'm' }] }),
    { table: 'evil\x1b[2J', error: { code: 'table_unreadable', message: 'bad' } },
    table('bare', { coverage: null, indexes: [], tiers: {} }),
  ],
};

test('problems come first, below a line with the sums, and everything fits 80 columns uncut', () => {
  const lines = formatDatabaseStatus(REPORT, PLAIN).split('\n');
  expect(lines.filter((line) => line.length > 80)).toEqual([LONG]);
  expect(lines).toEqual([
    '/lake',
    '6 tables: 1 unreadable, 1 declined, 1 behind, 1 left alone, 1 covered,',
    '  1 no index, 6,172,839,450 rows, 1,234,567 missing',
    '',
    expect.stringMatching(/^table +state +covered +missing +rows +segments$/),
    expect.stringContaining('evil\\u001b[2J'),
    '    table_unreadable',
    expect.stringMatching(/^a_declined +declined +100\.00 % +0 +1,234,567,890 +10$/),
    '    table_fragment_reuse_index',
    expect.stringMatching(/^b_behind +behind +99\.99 % +1,234,567 /),
    '    9,999 rows held, 31 requests per lookup',
    LONG,
    expect.stringMatching(/^ +left alone +100\.00 % .* 10$/),
    '    1 left alone',
    expect.stringMatching(/^fine +covered/),
    expect.stringMatching(/^bare +no index +- +- +1,234,567,890 +-$/),
  ]);
});

test('on a wide terminal notes stand beside the numbers, and states have colours', () => {
  const style = styleOf({ write: () => undefined, isTTY: true, columns: 200 }, {});
  const lines = formatDatabaseStatus(REPORT, style).split('\n');
  expect(lines).toHaveLength(10);
  expect(lines[4]).toContain('\x1b[31munreadable\x1b[39m ');
  expect(lines[4]).toMatch(/ {2}table_unreadable$/);
});
