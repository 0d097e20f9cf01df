import { expect, test } from 'vitest';
import { TableOwnership } from '../../../src/control/table-ownership.ts';
import { partitionOf } from '../../../src/kafka/partition-of.ts';

const PARTITIONS = 4;
const tables = Array.from({ length: 40 }, (_, at) => `db/t${at}`);
const of = (partition: number) => tables.filter((table) => partitionOf(table, PARTITIONS) === partition);

function member(...assigned: number[]): TableOwnership {
  const ownership = new TableOwnership();
  ownership.setPartitionCount(PARTITIONS);
  ownership.assign(assigned);
  return ownership;
}

test('every table has one owner in the group, that of its key', () => {
  const [a, b] = [member(0, 3), member(1, 2)];
  for (const table of tables) expect([a.isOwner(table), b.isOwner(table)].filter(Boolean)).toHaveLength(1);
  expect(new Set(tables.filter((table) => a.isOwner(table)))).toEqual(new Set([...of(0), ...of(3)]));
});

test('no table has an owner before the number of partitions and their assignment are known', () => {
  const ownership = new TableOwnership();
  expect([ownership.known, tables.some((table) => ownership.isOwner(table))]).toEqual([false, false]);
  ownership.setPartitionCount(PARTITIONS);
  expect(ownership.known).toBe(false);
  ownership.assign([0]);
  expect(ownership.known).toBe(true);
});

test('a table is elsewhere when that is known, and its producer did not choose a partition of this member', () => {
  expect(new TableOwnership().isElsewhere('db/t0')).toBe(false);
  const ownership = member(0, 1);
  const [mine = '', other = ''] = [of(0)[0], of(2)[0]];
  expect([ownership.isElsewhere(mine), ownership.isElsewhere(other)]).toEqual([false, true]);
  ownership.observe(other, 1);
  expect(ownership.isElsewhere(other)).toBe(false);
});

test('a table that another member now owns is reported once, whether it came by an event or the sweep', () => {
  const ownership = member(0, 1);
  const [swept = '', kept = ''] = [of(0)[0], of(1)[0]];
  expect([ownership.claim(swept), ownership.claim(kept), ownership.claim(of(2)[0] ?? '')]).toEqual([true, true, false]);
  // Its producer has a way of its own to choose partitions, which counts for more.
  ownership.observe('db/announced', 0);
  expect(new Set(ownership.assign([1]))).toEqual(new Set(['db/announced', swept]));
  expect(ownership.assign([1])).toEqual([]);
});

test('invented table names do not accumulate', () => {
  const ownership = member(0);
  for (let at = 0; at < 30_000; at++) ownership.observe(`db/made-up-${at}`, 0);
  expect(ownership.assign([1])).toHaveLength(10_000);
});

test('a daemon that is alone owns every table, and remembers none', () => {
  const alone = new TableOwnership({ isAlone: true });
  expect([alone.known, alone.claim('db/t'), alone.isOwner('db/t'), alone.partitionCount]).toEqual([
    true,
    true,
    true,
    0,
  ]);
});

test('a rebalance is told to who asked for it, after it is in force', () => {
  const ownership = new TableOwnership();
  const told: boolean[] = [];
  ownership.setPartitionCount(PARTITIONS);
  ownership.onAssigned(() => told.push(ownership.known));
  ownership.assign([0]);
  ownership.assign([]);
  expect(told).toEqual([true, false]);
});
