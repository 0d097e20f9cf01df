import { expect, test } from 'vitest';
import type { TopStatus, TopView } from '../../../../src/commands/daemons/top-screen.ts';
import { afterKey, FIRST_VIEW, sorted, staleLine, topLines } from '../../../../src/commands/daemons/top-screen.ts';
import { PLAIN } from '../../../../src/commands/terminal/style.ts';
import { createPauses } from '../../../../src/control/pauses.ts';
import type { TableStatus } from '../../../../src/control/table-states.ts';
import { TableStates } from '../../../../src/control/table-states.ts';

const BARE = new TableStates(createPauses()).of('lake/x');
const table = (name: string, more: Partial<TableStatus> = {}): TableStatus => ({ ...BARE, table: name, ...more });
const many = Array.from({ length: 40 }, (_, at) => table(`lake/t${String(at).padStart(2, '0')}`, { segments: at }));

const status = (tables: readonly TableStatus[]): TopStatus => ({
  ...{ state: 'running', version: '1.0.0', member: 'm', group: 'g', partitions: [0, 1], tables },
  totals: {
    ...{ tables: tables.length, covered: 1, indexed: 1, served: 1, retrying: 1, declined: 1, paused: 0, left_alone: 0 },
    ...{
      worst_lag: { table: 'lake/a', seconds: 3.21 },
      dead_letters_24h: 2,
      unacked_records: 0,
      oldest_unacked_seconds: null,
    },
  },
});

function press(keys: readonly string[], view: TopView | null = FIRST_VIEW): TopView | null {
  return keys.reduce((so, key) => so && afterKey(so, key), view);
}

test('problems come first, with their reason, below the sums', () => {
  const tables = [
    table('lake/a', { lag_seconds: 3.21, missing_fragments: 1 }),
    table('lake/b', { coverage: 1 }),
    table('lake/c', {
      state: 'declined',
      segments: null,
      declined: { code: 'table_unreadable', message: 'm', accepted: false },
    }),
  ];
  const lines = topLines(status(tables), FIRST_VIEW, { ...PLAIN, width: 120 });
  expect(lines[0]).toBe('segmentd 1.0.0  running  m  group g, 2 partitions');
  expect(lines[1]).toBe('3 tables, 1 covered, 1 declined, 1 retrying, 2 dead letters in 24 h, behind by 3.2 s at most');
  expect(lines[3]?.split(/ +/)).toEqual(['table', 'state', 'covered', 'lag', 'missing', 'segments', 'reason']);
  expect(lines[4]).toMatch(/^lake\/c +declined +not known +- +- +- +table_unreadable$/);
  expect(lines[5]).toMatch(/^lake\/a +served +no index +3\.2 s/);
  expect(lines[6]).toMatch(/^lake\/b +served +100\.00 %/);
  expect(lines.at(-1)).toBe('all 3, by problems');
});

test('what does not fit is said, and can be scrolled to', () => {
  const lines = topLines(status(many), FIRST_VIEW, PLAIN, 16);
  expect(lines).toHaveLength(16);
  expect(lines.at(-1)).toBe('1 to 10 of 40, by problems  / filter, s sort, j k scroll, q quit');
  const view = press([' ', 'j', 'j', 'k']) as TopView;
  expect(topLines(status(many), view, PLAIN, 16)[4]).toMatch(/^lake\/t11 /);
  const end = press(Array(20).fill(' ')) as TopView;
  expect(topLines(status(many), end, PLAIN, 16).at(-1)).toMatch(/^31 to 40 of 40/);
});

test('a filter is typed, corrected and given up; tables are sorted by more than one thing', () => {
  const typing = press(['/', 't', '1', '2', '\x7f']) as TopView;
  expect(typing).toMatchObject({ isTyping: true, filter: 't1' });
  expect(topLines(status(many), typing, PLAIN).at(-1)).toBe('filter: t1_');
  // While it is typed, q is a letter.
  expect(press(['q'], typing)).toMatchObject({ filter: 't1q' });
  const set = press(['\r'], typing) as TopView;
  expect(topLines(status(many), set, PLAIN).at(-1)).toBe('all 10 of 40 that match "t1", by problems');
  expect(press(['\x1b'], set)).toMatchObject({ filter: '' });
  const bySegments = press(['s', 's', 's', 's']) as TopView;
  expect(bySegments.sort).toBe('segments');
  expect(sorted(many, bySegments)[0]?.table).toBe('lake/t39');
  expect(press(['s'], bySegments)?.sort).toBe('problems');
});

test('q, the end of input and an interrupt end it; other keys do nothing', () => {
  for (const key of ['q', '\x04', '\x03']) expect(press([key])).toBeNull();
  expect(press(['/', '\x03'])).toBeNull();
  expect(press(['x', '\x1b[C'])).toEqual(FIRST_VIEW);
});

test('a narrow terminal does without columns before it cuts, and a name cannot steer it', () => {
  const lines = topLines(status([table('lake/e\x1b[2J')]), FIRST_VIEW, { ...PLAIN, width: 50 });
  expect(lines.every((line) => line.length <= 50)).toBe(true);
  expect(lines[3]).toBe('table            state   covered   lag  reason');
  expect(lines[4]).toContain('lake/e\\u001b[2J');
});

test('an answer that is late is told of within two seconds, and so is how old the last one is', () => {
  const seen = { status: status([]), atMs: 10_000, isAsking: true, problem: undefined };
  // Asked again after a second, drawn every half of one.
  for (const nowMs of [10_500, 11_000, 11_400]) expect(staleLine(seen, nowMs)).toBeUndefined();
  expect(staleLine(seen, 11_500)).toBe('NO ANSWER: what stands below is 1.5 s old');
  expect(staleLine(seen, 75_000)).toBe('NO ANSWER: what stands below is 65 s old');
  expect(staleLine({ ...seen, isAsking: false }, 11_500)).toBeUndefined();
  expect(staleLine({ ...seen, isAsking: false, problem: 'no\x1b[2J' }, 12_000)).toBe(
    'STALE: what stands below is 2.0 s old: no\\u001b[2J',
  );
});

test('one of a thing is called one', () => {
  const one = status([table('lake/a')]);
  const lines = topLines(
    { ...one, partitions: [3], totals: { ...one.totals, dead_letters_24h: 1 } },
    FIRST_VIEW,
    PLAIN,
  );
  expect(lines.slice(0, 2).join()).toMatch(/, 1 partition,1 table, .*, 1 dead letter in/);
});
