import type { RecordBatch } from 'apache-arrow';
import { Bool, makeVector, Table, vectorFromArray } from 'apache-arrow';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RowSet } from '../../../../src/lance/engine/row-set.ts';

function batchOf(ids: readonly bigint[], holds?: readonly boolean[]): RecordBatch {
  const _rowid = makeVector(BigUint64Array.from(ids));
  const table = holds ? new Table({ _rowid, holds: vectorFromArray(holds, new Bool()) }) : new Table({ _rowid });
  return table.batches[0] as RecordBatch;
}

function setOf(...batches: readonly (readonly bigint[])[]): RowSet {
  const set = new RowSet();
  for (const ids of batches) set.add(batchOf(ids));
  return set;
}

const rowIds = fc.uniqueArray(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), { minLength: 1, maxLength: 40 });

test('the same rows are the same set, in whatever order and batches they come', () => {
  fc.assert(
    fc.property(rowIds, fc.nat(), (ids, cut) => {
      const at = 1 + (cut % ids.length);
      const parts = [ids.slice(0, at), ids.slice(at)].filter((part) => part.length > 0);
      expect(setOf(ids.toReversed()).equals(setOf(...parts))).toBe(true);
    }),
  );
});

test('another row for one of them is another set, even where their number is the same', () => {
  fc.assert(
    fc.property(rowIds, fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (ids, other) => {
      fc.pre(!ids.includes(other));
      expect(setOf(ids).equals(setOf([other, ...ids.slice(1)]))).toBe(false);
    }),
  );
});

test('row addresses that differ in the fragment alone, or are swapped between two, are told apart', () => {
  const address = (fragment: bigint, offset: bigint) => (fragment << 32n) | offset;
  expect(setOf([address(1n, 2n)]).equals(setOf([address(2n, 1n)]))).toBe(false);
  const crossed = [
    [address(0n, 5n), address(1n, 6n)],
    [address(0n, 6n), address(1n, 5n)],
  ] as const;
  expect(setOf(crossed[0]).equals(setOf(crossed[1]))).toBe(false);
});

test('with a column of booleans, only the rows that are true are added', () => {
  const set = new RowSet();
  const batch = batchOf([1n, 2n, 3n], [true, false, true]);
  set.add(batch, batch.getChild('holds') ?? undefined);
  expect([set.rows, set.equals(setOf([3n, 1n]))]).toEqual([2, true]);
});
