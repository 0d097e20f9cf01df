import { expect, test } from 'vitest';
import { createPauses } from '../../../src/control/pauses.ts';
import { TableStates } from '../../../src/control/table-states.ts';
import { SegmentdError } from '../../../src/lib/errors.ts';

const unreadable = new SegmentdError('table_unreadable', 'damaged');
const full = new SegmentdError('store_full', 'no room');
const index = {
  name: 'id_idx',
  kind: 'btree' as const,
  segmentList: [],
  coverage: 0.5,
  missingRows: 10,
  missingFragments: 2,
  heldRows: 0,
  segments: 3,
  lagSeconds: 1,
};

function setUp() {
  const now = () => Date.UTC(2026, 0);
  const pauses = createPauses(now);
  return { pauses, states: new TableStates(pauses, { now }) };
}

test('what was read of a table stands until more is known', () => {
  const { states } = setUp();
  states.observed('lake/t', 7, [index, { ...index, missingFragments: 5, heldRows: 7 }]);
  expect(states.of('lake/t').held_rows).toBe(7);
  states.observed('lake/t', 8, [{ ...index, missingFragments: 0 }], 8);
  states.failed('lake/t', full, 500);
  states.failed('lake/t', full, 1_000);
  expect(states.of('lake/t')).toEqual({
    ...{ rows: null, coverage: 0.5, lag_seconds: 0, observed_at: '2026-01-01T00:00:00.000Z', last_change: null },
    ...{ docs: 'errors.md#store_full', indexes: [expect.objectContaining({ name: 'id_idx', kind: 'BTREE' })] },
    ...{ table: 'lake/t', state: 'retrying', version: 8, covered_version: 8, missing_fragments: 0, segments: 3 },
    ...{ held_rows: 0, left_alone: [], self_check: null },
    pause: null,
    declined: null,
    failure: { code: 'store_full', message: 'no room', count: 2, next_try_at: '2026-01-01T00:00:01.000Z' },
  });
  states.succeeded('lake/t');
  expect(states.of('lake/t')).toMatchObject({ state: 'served', failure: null, version: 8 });
});

test('messages of errors, and who paused, hide nothing', () => {
  const pauses = createPauses();
  pauses.pause('lake/t', 'night\u202eshift\n');
  const states = new TableStates(pauses);
  const [evil, shown] = ['a\u202eb\u001b[31m\nc', 'a\\u{202e}b\\u{1b}[31m\nc'];
  states.failed('lake/t', new SegmentdError('store_full', evil), 500);
  states.leftAlone('lake/t', [{ index: 'i', code: 'index_kind_unsupported', message: evil }]);
  expect(states.of('lake/t')).toMatchObject({
    ...{ failure: { message: shown }, left_alone: [{ message: shown }] },
    pause: { by: 'night\\u{202e}shift\\u{a}' },
  });
  states.declined('lake/t', { code: 'table_unreadable', message: evil });
  expect(states.of('lake/t').declined?.message).toBe(shown);
});

test('a table is known from its first news until it is forgotten', () => {
  const { states } = setUp();
  expect(states.knows('lake/t')).toBe(false);
  states.observed('lake/t', 7, [index]);
  expect(states.knows('lake/t')).toBe(true);
  expect(states.forget('lake/t')).toBe(true);
  expect([states.knows('lake/t'), states.forget('lake/t')]).toEqual([false, false]);
});

test('declining a table is news once per reason, serving it again once', () => {
  const { states } = setUp();
  expect(states.served('lake/t')).toBe(false);
  expect([states.declined('lake/t', unreadable), states.declined('lake/t', unreadable)]).toEqual([true, false]);
  expect(states.declined('lake/t', new SegmentdError('table_mem_wal_index', 'x'))).toBe(true);
  expect([...states.declinedByReason]).toEqual([['table_mem_wal_index', 1]]);
  expect([states.served('lake/t'), states.served('lake/t')]).toEqual([true, false]);
  expect([...states.declinedByReason]).toEqual([]);
});

test('a declined table that the configuration accepts is listed and not counted', () => {
  const states = new TableStates(createPauses(), { acceptsDecline: (table) => table === 'lake/t' });
  const foreign = new SegmentdError('table_mem_wal_index', 'x');
  for (const table of ['lake/t', 'lake/u']) expect(states.declined(table, foreign)).toBe(true);
  expect([...states.declinedByReason]).toEqual([['table_mem_wal_index', 1]]);
  expect(states.of('lake/t')).toMatchObject({ state: 'declined', declined: { accepted: true } });
  expect(states.of('lake/u')).toMatchObject({ state: 'declined', declined: { accepted: false } });
});

test.each(['table_unreadable', 'table_data_file_missing', 'table_index_unreadable'] as const)(
  'nobody accepts %s',
  (code) => {
    const states = new TableStates(createPauses(), { acceptsDecline: () => true });
    states.declined('lake/t', new SegmentdError(code, 'x'));
    expect(states.of('lake/t').declined?.accepted).toBe(false);
    expect([...states.declinedByReason]).toEqual([[code, 1]]);
  },
);

test('a paused table is listed as paused, also an unknown one', () => {
  const { states, pauses } = setUp();
  states.failed('lake/b', full, 1);
  pauses.pause('lake/b', 'me');
  pauses.pause('lake/a', 'me');
  expect(states.all().map(({ table, state }) => [table, state])).toEqual([
    ['lake/a', 'paused'],
    ['lake/b', 'paused'],
  ]);
  expect(states.retrying).toBe(0);
  expect(states.of('lake/a').pause).toEqual({ since: '2026-01-01T00:00:00.000Z', by: 'me' });
  pauses.resume('lake/b');
  expect([states.retrying, states.of('lake/b').state]).toEqual([1, 'retrying']);
});

test('a forgotten table is like an unknown one, and no more than 10,000 are remembered', () => {
  const { states } = setUp();
  states.declined('lake/t', unreadable);
  expect([states.forget('lake/t'), states.forget('lake/t')]).toEqual([true, false]);
  expect(states.all()).toEqual([]);
  for (let at = 0; at <= 10_000; at++) states.observed(`lake/t${at}`, 1, []);
  expect(states.all()).toHaveLength(10_000);
  expect(states.of('lake/t0').version).toBeNull();
});

test('indexes that are left alone are news when they, or the reasons, are others', () => {
  const states = new TableStates(createPauses());
  const zone = { index: 'zone_idx', code: 'index_kind_unsupported', message: 'no' } as const;
  expect(states.leftAlone('lake/t', [])).toBe(false);
  expect(states.leftAlone('lake/t', [zone])).toBe(true);
  expect(states.leftAlone('lake/t', [{ ...zone, message: 'no, at another version' }])).toBe(false);
  expect(states.of('lake/t').left_alone).toEqual([zone]);
  expect(states.leftAlone('lake/t', [{ ...zone, code: 'index_parameters_mixed' }])).toBe(true);
  expect(states.leftAlone('lake/t', [])).toBe(true);
  expect(states.of('lake/t').left_alone).toEqual([]);
});

const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();

/** States with a clock that is turned by hand. */
function overTime() {
  let second = 0;
  const now = () => Date.UTC(2026, 0, 1, 0, 0, second);
  const states = new TableStates(createPauses(now), {
    now,
    tierOf: (table, kind, rows) => (table === 'lake/t' && kind === 'btree' ? rows : -1),
  });
  return { states, pass: (seconds: number) => (second += seconds) };
}

test('lag goes on while nothing is read, from the begin of the gap, and ends with it', () => {
  const { states, pass } = overTime();
  const other = { ...index, name: 'v_idx', coverage: 0.25, missingFragments: 0, lagSeconds: 0 };
  states.observed('lake/t', 7, [index, other], undefined, 40);
  pass(9);
  expect(states.of('lake/t')).toMatchObject({ rows: 40, lag_seconds: 10, coverage: 0.25, observed_at: at(0) });
  expect(states.of('lake/t').indexes.map(({ lag_seconds: lag }) => lag)).toEqual([10, 0]);
  // A commit of another writer shows a younger gap.
  states.observed('lake/t', 8, [{ ...index, lagSeconds: 0 }]);
  expect(states.of('lake/t')).toMatchObject({ rows: 40, lag_seconds: 10 });
  pass(50);
  states.observed('lake/t', 9, [{ ...index, missingFragments: 0 }], 9);
  expect(states.of('lake/t').lag_seconds).toBe(0);
  expect(states.detail('lake/t')?.history.map(({ lag_seconds: lag }) => lag)).toEqual([60, 0]);
  pass(60);
  expect(states.detail('lake/t')?.history.map(({ at, lag_seconds: lag }) => [at, lag])).toEqual([
    [at(0), 60],
    [at(60), 0],
    [at(119), 0],
  ]);
});

test('a segment has the tier of its rows; without an index there is no coverage and no lag', () => {
  const { states } = overTime();
  states.observed('lake/t', 7, [{ ...index, segmentList: [{ uuid: 'u', fragments: 2, rows: 3, version: 4 }] }]);
  expect(states.of('lake/t').indexes[0]?.segments).toEqual([{ uuid: 'u', fragments: 2, rows: 3, version: 4, tier: 3 }]);
  states.observed('lake/none', 1, []);
  expect(states.of('lake/none')).toMatchObject({ coverage: null, lag_seconds: null, indexes: [], docs: null });
});

test('changes show with their table until it is forgotten, and among the newest of all', () => {
  const { states, pass } = overTime();
  const change = { table: 'lake/t', kind: 'append', version: 8, rows: 5, segments: 1, duration_ms: 3 } as const;
  states.observed('lake/t', 7, [index]);
  pass(5);
  states.changed(change);
  states.changed({ ...change, table: 'lake/unknown' });
  const told = { at: at(5), ...change };
  expect(states.of('lake/t').last_change).toEqual(told);
  expect(states.detail('lake/t')?.changes).toEqual([told]);
  expect(states.changes.map(({ table }) => table)).toEqual(['lake/unknown', 'lake/t']);
  states.forget('lake/t');
  expect([states.detail('lake/t'), states.of('lake/t').last_change, states.changes.length]).toEqual([null, null, 2]);
});

test('a paused table has a detail although it is not known', () => {
  const { states, pauses } = setUp();
  expect(states.detail('lake/t')).toBeNull();
  pauses.pause('lake/t', 'me');
  expect(states.detail('lake/t')).toMatchObject({ state: 'paused', history: [], changes: [] });
});

test('the docs are on what stops the table, before what is left alone', () => {
  const { states } = setUp();
  states.leftAlone('lake/t', [{ index: 'z', code: 'index_kind_unsupported', message: 'no' }]);
  expect(states.of('lake/t').docs).toBe('errors.md#index_kind_unsupported');
  states.failed('lake/t', full, 1);
  expect(states.of('lake/t').docs).toBe('errors.md#store_full');
  states.declined('lake/t', unreadable);
  expect(states.of('lake/t').docs).toBe('errors.md#table_unreadable');
});

test('what the self-check found is told for as long as the table is paused because of it', () => {
  const pauses = createPauses();
  const finding = { at: '2026-01-01T00:00:00.000Z', version: 7, index: 'id_idx', evidence: '/e/1.json' };
  const states = new TableStates(pauses, { findingOf: () => finding });
  expect(states.of('lake/t').self_check).toBeNull();
  pauses.pause('lake/t', 'me');
  expect(states.of('lake/t').self_check).toBeNull();
  pauses.resume('lake/t');
  pauses.pause('lake/t', 'segmentd self-check');
  expect(states.of('lake/t')).toMatchObject({ state: 'paused', self_check: finding });
});

test('of a table that is declined no number of its indexes stands any longer, and the last look is told', () => {
  let nowMs = Date.UTC(2026, 0);
  const states = new TableStates(createPauses(), { now: () => nowMs });
  states.observed('lake/t', 7, [index], 6, 40);
  states.leftAlone('lake/t', [{ index: 'z', code: 'index_kind_unsupported', message: 'no' }]);
  nowMs += 60_000;
  states.read('lake/t', { version: 8, rows: 50 });
  states.declined('lake/t', unreadable);
  const known = { version: 8, rows: 50, covered_version: null, observed_at: '2026-01-01T00:01:00.000Z' };
  const unknown = { coverage: null, lag_seconds: null, missing_fragments: null, held_rows: null, segments: null };
  expect(states.of('lake/t')).toMatchObject({ state: 'declined', ...known, ...unknown, indexes: [], left_alone: [] });
  nowMs += 60_000;
  // What was known until then is no news of now.
  expect(states.detail('lake/t')?.history.map(({ at }) => at)).toEqual(['2026-01-01T00:00:00.000Z']);
  states.read('lake/t', null);
  states.declined('lake/t', unreadable);
  const after = { version: null, rows: null, observed_at: '2026-01-01T00:02:00.000Z' };
  expect(states.of('lake/t')).toMatchObject(after);
});
