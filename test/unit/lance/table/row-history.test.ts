import { expect, test } from 'vitest';
import { RowHistory } from '../../../../src/lance/table/row-history.ts';
import { LanceTable } from '../../../../src/lance/table/table.ts';
import { localStore } from '../../../../src/store/local-store.ts';
import { message } from '../manifest-fixture.ts';
import { tableFolder } from '../table-fixture.ts';

const APPEND = 100;
const DELETE = 101;
const OVERWRITE = 102;
const CREATE_INDEX = 103;
const REWRITE = 104;
const MERGE = 105;
const RESTORE = 106;
const UPDATE = 108;
const UNKNOWN = 199;

const transaction = (operation: number) => message([1, 1], [2, 'theirs'], [operation, new Uint8Array(0)]);

/** A table whose versions from the second on are these operations; null: not there, undefined: without its transaction. */
async function history(
  operations: readonly (number | null | undefined)[],
  limits?: { versions: number; bytes: number },
) {
  const folder = await tableFolder({ version: 1 });
  const add = async (operation: number | null | undefined, version: number) => {
    if (operation === null) return;
    await folder.write({ version, ...(operation === undefined ? {} : { transaction: transaction(operation) }) });
  };
  for (const [at, operation] of operations.entries()) await add(operation, at + 2);
  const store = localStore(folder.root);
  const reads: string[] = [];
  const read: typeof store.read = (key) => {
    reads.push(key);
    return store.read(key);
  };
  const table = new LanceTable({ ...store, read });
  await table.latest();
  reads.length = 0;
  return { rows: new RowHistory(table, 1, limits), add, reads };
}

test.each<[string, (number | null | undefined)[], boolean]>([
  ['nothing happened', [], true],
  ['rows came, went and moved', [APPEND, DELETE, UPDATE, CREATE_INDEX, REWRITE, DELETE], true],
  ['a restore', [DELETE, RESTORE, DELETE], false],
  ['an overwrite', [OVERWRITE, APPEND], false],
  ['fragments came as their maker listed them', [MERGE, DELETE], false],
  ['something that is not known', [UNKNOWN], false],
  ['a version that is gone', [DELETE, null, DELETE], false],
  ['a version without its transaction', [DELETE, undefined], false],
  ['a restore after more than is read at once', [...Array(20).fill(DELETE), RESTORE, DELETE], false],
])('%s: %o', async (_, operations, only) => {
  const { rows } = await history(operations);
  expect(await rows.noRowsRestoredUpTo(operations.length + 1)).toBe(only);
});

test('what was proven is not read again, and what was refuted stays so', async () => {
  const { rows, add, reads } = await history(Array(10).fill(DELETE));
  expect(await rows.noRowsRestoredUpTo(11)).toBe(true);
  expect(reads).toHaveLength(10);
  await add(DELETE, 12);
  expect([await rows.noRowsRestoredUpTo(12), reads.length]).toEqual([true, 11]);
  await add(RESTORE, 13);
  await add(DELETE, 14);
  expect([await rows.noRowsRestoredUpTo(14), await rows.noRowsRestoredUpTo(14), reads.length]).toEqual([
    false,
    false,
    13,
  ]);
});

test('a long history is not read to its end', async () => {
  const few = await history(Array(30).fill(DELETE), { versions: 16, bytes: 1e9 });
  expect([await few.rows.noRowsRestoredUpTo(31), few.reads.length]).toEqual([false, 16]);
  const small = await history(Array(30).fill(DELETE), { versions: 100, bytes: 1 });
  expect([await small.rows.noRowsRestoredUpTo(31), small.reads.length]).toEqual([false, 8]);
});
