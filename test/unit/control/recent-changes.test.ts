import { expect, test } from 'vitest';
import type { TableChange } from '../../../src/control/recent-changes.ts';
import { changeOf, RecentChanges } from '../../../src/control/recent-changes.ts';

const change = (version: number, table = 'lake/t'): TableChange => ({
  ...{ at: '2026-01-01T00:00:00.000Z', table, kind: 'append', version, rows: 1, segments: 1, duration_ms: 5 },
});
const versions = (changes: readonly TableChange[]) => changes.map(({ version }) => version);

test('the newest twenty of all tables and the newest fifty of each are kept, newest first', () => {
  const changes = new RecentChanges();
  for (let version = 1; version <= 60; version++) changes.note(change(version));
  changes.note(change(7, 'lake/other'));
  expect(versions(changes.newest)).toEqual([7, ...Array.from({ length: 19 }, (_, at) => 60 - at)]);
  expect(versions(changes.of('lake/t'))).toEqual(Array.from({ length: 50 }, (_, at) => 60 - at));
  changes.forget('lake/t');
  expect([changes.of('lake/t'), changes.newest.length]).toEqual([[], 20]);
});

test('with very many tables, those that changed the longest time ago lose theirs', () => {
  const changes = new RecentChanges();
  for (let table = 0; table < 1_100; table++) {
    for (let version = 1; version <= 50; version++) changes.note(change(version, `lake/t${table}`));
  }
  expect(['lake/t0', 'lake/t99', 'lake/t100', 'lake/t1099'].map((table) => changes.of(table).length)).toEqual([
    ...[0, 0, 50, 50],
  ]);
});

test('a notification of a commit or merge tells a change, with the rows of the index that got most', () => {
  const segment = (index: string, rows: number) => ({ index, uuid: 'u', fragments: [1], rows });
  const commit = { table: 'lake/t', version: 9, transaction: 'x', duration_ms: 12 };
  const segments = [segment('id_idx', 5), segment('id_idx', 6), segment('v_idx', 10)];
  expect(changeOf({ type: 'segment.committed', ...commit, segments })).toEqual({
    ...{ table: 'lake/t', kind: 'append', version: 9, rows: 11, segments: 3, duration_ms: 12 },
  });
  const replaced = segments.map((each) => ({ ...each, replaced: [] }));
  expect(changeOf({ type: 'segment.merged', ...commit, segments: replaced })?.kind).toBe('merge');
  expect(changeOf({ type: 'table.status', table: 'lake/t' })).toBeNull();
});
