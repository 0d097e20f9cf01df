import { expect, test } from 'vitest';
import { createPauses } from '../../../src/control/pauses.ts';
import { TableStates } from '../../../src/control/table-states.ts';
import { SegmentdError } from '../../../src/lib/errors.ts';

const unreadable = new SegmentdError('table_unreadable', 'damaged');
const full = new SegmentdError('store_full', 'no room');
const index = {
  name: 'id_idx',
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
  return { pauses, states: new TableStates(pauses, now) };
}

test('what was read of a table stands until more is known', () => {
  const { states } = setUp();
  states.observed('lake/t', 7, [index, { ...index, missingFragments: 5, heldRows: 7 }]);
  expect(states.of('lake/t').held_rows).toBe(7);
  states.observed('lake/t', 8, [{ ...index, missingFragments: 0 }], 8);
  states.failed('lake/t', full, 500);
  states.failed('lake/t', full, 1_000);
  expect(states.of('lake/t')).toEqual({
    ...{ table: 'lake/t', state: 'retrying', version: 8, covered_version: 8, missing_fragments: 0, segments: 3 },
    ...{ held_rows: 0, left_alone: [], self_check: null },
    pause: null,
    declined: null,
    failure: { code: 'store_full', message: 'no room', count: 2, next_try_at: '2026-01-01T00:00:01.000Z' },
  });
  states.succeeded('lake/t');
  expect(states.of('lake/t')).toMatchObject({ state: 'served', failure: null, version: 8 });
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

test('what the self-check found is told for as long as the table is paused because of it', () => {
  const pauses = createPauses();
  const finding = { at: '2026-01-01T00:00:00.000Z', version: 7, index: 'id_idx', evidence: '/e/1.json' };
  const states = new TableStates(pauses, Date.now, () => finding);
  expect(states.of('lake/t').self_check).toBeNull();
  pauses.pause('lake/t', 'me');
  expect(states.of('lake/t').self_check).toBeNull();
  pauses.resume('lake/t');
  pauses.pause('lake/t', 'segmentd self-check');
  expect(states.of('lake/t')).toMatchObject({ state: 'paused', self_check: finding });
});
