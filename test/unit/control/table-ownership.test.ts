import { expect, test } from 'vitest';
import { TableOwners } from '../../../src/control/table-ownership.ts';
import { partitionOf } from '../../../src/kafka/partition-of.ts';

const PARTITIONS = 4;
const tables = Array.from({ length: 40 }, (_, at) => `db/t${at}`);
const of = (partition: number) => tables.filter((table) => partitionOf(table, PARTITIONS) === partition);

function member(...assigned: number[]): TableOwners {
  const owners = new TableOwners();
  owners.measured(PARTITIONS);
  owners.rebalanced(assigned);
  return owners;
}

test('every table has one owner in the group, that of its key', () => {
  const [a, b] = [member(0, 3), member(1, 2)];
  for (const table of tables) expect([a.owns(table), b.owns(table)].filter(Boolean)).toHaveLength(1);
  expect(new Set(tables.filter((table) => a.owns(table)))).toEqual(new Set([...of(0), ...of(3)]));
});

test('nobody owns anything before it is known how many partitions there are and whose they are', () => {
  const owners = new TableOwners();
  expect([owners.known, tables.some((table) => owners.owns(table))]).toEqual([false, false]);
  owners.measured(PARTITIONS);
  expect(owners.known).toBe(false);
  owners.rebalanced([0]);
  expect(owners.known).toBe(true);
});

test('a table that went elsewhere is told once, whether an event or the sweep had brought it', () => {
  const owners = member(0, 1);
  const [swept = '', kept = ''] = [of(0)[0], of(1)[0]];
  expect([owners.claims(swept), owners.claims(kept), owners.claims(of(2)[0] ?? '')]).toEqual([true, true, false]);
  // Its producer has a way of its own to choose partitions, which counts for more.
  owners.seen('db/announced', 0);
  expect(new Set(owners.rebalanced([1]))).toEqual(new Set(['db/announced', swept]));
  expect(owners.rebalanced([1])).toEqual([]);
});

test('names that somebody made up do not pile up', () => {
  const owners = member(0);
  for (let at = 0; at < 30_000; at++) owners.seen(`db/made-up-${at}`, 0);
  expect(owners.rebalanced([1])).toHaveLength(10_000);
});
