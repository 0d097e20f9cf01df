import { expect, test } from 'vitest';
import { formatDaemonStatus } from '../../../../src/commands/daemons/daemon-status.ts';
import { createPauses } from '../../../../src/control/pauses.ts';
import { TableStates } from '../../../../src/control/table-states.ts';

const left = { index: 'v_idx', code: 'index_kind_by_name', message: 'only by name' } as const;
const index = {
  name: 'v',
  kind: 'btree' as const,
  segmentList: [],
  coverage: 0,
  missingRows: 0,
  missingFragments: 0,
  heldRows: 1_300,
  segments: 0,
  lagSeconds: 0,
};

test('held rows and indexes that are left alone stand beside the reason for the state', () => {
  const pauses = createPauses(() => 0);
  const states = new TableStates(pauses);
  states.observed('lake/t', 7, [index], 7);
  states.leftAlone('lake/t', [left]);
  const text = () => formatDaemonStatus({ state: 'running', partitions: [0], tables: states.all(), paused: [] });
  expect(text()).toMatch(/ {2}1,300 rows held; v_idx left alone: index_kind_by_name$/);
  pauses.pause('lake/t', 'me');
  expect(text()).toMatch(/ {2}since 1970-01-01T00:00:00.000Z, by me; 1,300 rows held; v_idx left alone/);
});

test('a daemon of an older version says neither', () => {
  const { held_rows, left_alone, ...old } = new TableStates(createPauses()).of('lake/t');
  const tables = [old as ReturnType<TableStates['of']>];
  expect([held_rows, left_alone]).toEqual([0, []]);
  expect(formatDaemonStatus({ state: 'running', partitions: [], tables, paused: [] })).toMatch(/lake\/t +served.*0$/);
});

test('a daemon without Kafka has no partitions to tell of, and says how often it looks', () => {
  const status = { state: 'running', partitions: [], tables: [], paused: [] } as const;
  const text = (more: object) => formatDaemonStatus({ ...status, ...more });
  expect(text({ polls_every_s: 10 })).toBe('running, no broker: polls every 10 s, 0 tables');
  expect(text({ polls_every_s: null, partitions: [0, 3] })).toBe('running, partitions 0, 3, 0 tables');
  expect(text({ polls_every_s: null })).toBe('running, partitions none, 0 tables');
});
