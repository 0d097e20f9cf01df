import { expect, test } from 'vitest';
import { DeadLetterLog } from '../../../src/control/dead-letter-log.ts';
import { memberStatus } from '../../../src/control/member-status.ts';
import { createPauses } from '../../../src/control/pauses.ts';
import { TableStates } from '../../../src/control/table-states.ts';
import { SegmentdError } from '../../../src/lib/errors.ts';

const FACTS = {
  ...{
    version: '1',
    lancedb: '2',
    member: 'm',
    started_at: '2026-01-01T00:00:00.000Z',
    state: 'running',
    reason: null,
  },
  ...{
    group: 'g',
    polls_every_s: null,
    topic: 't',
    partitions: [0],
    partition_count: 1,
    group_view: null,
    admin_url: null,
  },
  ...{ unackedRecords: 0, oldestUnackedMs: 0 },
};
const index = (missingFragments: number, lagSeconds: number) => ({
  ...{ name: 'id_idx', kind: 'btree' as const, missingRows: missingFragments, missingFragments, heldRows: 0 },
  ...{ coverage: missingFragments ? 0.5 : 1, segments: 0, segmentList: [], lagSeconds },
});

function setUp() {
  const now = () => Date.UTC(2026, 0);
  const pauses = createPauses(now);
  const states = new TableStates(pauses, { now });
  const status = (more: Partial<typeof FACTS> = {}) =>
    memberStatus({ ...FACTS, ...more }, states, new DeadLetterLog(now), now());
  return { pauses, states, status };
}

test('the totals count tables by state, by index and by what is missing', () => {
  const { pauses, states, status } = setUp();
  states.observed('lake/a', 1, [index(0, 0)], 1);
  states.observed('lake/b', 1, [index(2, 30)]);
  states.observed('lake/c', 1, [index(1, 40)]);
  states.observed('lake/none', 1, []);
  states.declined('lake/d', new SegmentdError('table_unreadable', 'damaged'));
  states.failed('lake/b', new SegmentdError('store_full', 'no room'), 1_000);
  states.leftAlone('lake/a', [{ index: 'z', code: 'index_kind_unsupported', message: 'no' }]);
  pauses.pause('lake/c', 'me');
  expect(status().totals).toEqual({
    ...{ tables: 5, covered: 1, indexed: 3, served: 2, retrying: 1, declined: 1, paused: 1, left_alone: 1 },
    worst_lag: { table: 'lake/c', seconds: 40 },
    ...{ dead_letters_24h: 0, unacked_records: 0, oldest_unacked_seconds: null },
  });
});

test('a table that was covered before it was declined counts as such no more', () => {
  const { states, status } = setUp();
  states.observed('lake/a', 1, [index(0, 0)], 1);
  states.declined('lake/a', new SegmentdError('column_not_found', 'no column'));
  expect(status().totals).toMatchObject({ tables: 1, covered: 0, indexed: 0, declined: 1, worst_lag: null });
  // As of a table that is found damaged by a build.
  states.observed('lake/a', 2, [index(0, 0)], 2);
  expect(status().totals).toMatchObject({ covered: 0, indexed: 1, declined: 1 });
});

test('nothing lags and nothing waits in a daemon without work', () => {
  const { status } = setUp();
  expect(status().totals).toMatchObject({ worst_lag: null, oldest_unacked_seconds: null });
  const waiting = status({ unackedRecords: 2, oldestUnackedMs: 1_500 });
  expect(waiting.totals).toMatchObject({ unacked_records: 2, oldest_unacked_seconds: 1.5 });
  expect(waiting).toMatchObject({ schema: 1, view: 'member', at: '2026-01-01T00:00:00.000Z', paused: [] });
  expect(waiting).not.toHaveProperty('unackedRecords');
});
