import { Index } from '@lancedb/lancedb';
import type { DataType } from 'apache-arrow';
import { Field, Int32, List, makeVector, Struct, Table, Utf8, vectorFromArray } from 'apache-arrow';
import { expect, test } from 'vitest';
import { verifyTable } from '../../../src/lance/inspect/verify-table.ts';
import { LanceTable } from '../../../src/lance/table/table.ts';
import { localStore } from '../../../src/store/local-store.ts';
import { INDEXABLE, NOT_INDEXABLE } from '../../../testing/column-types.ts';
import { digests, idsWhere, index, latest, realTable, usesIndex } from '../../../testing/lance-table.ts';

const ROWS = 30;
const ids = (from: number) => makeVector(BigInt64Array.from({ length: ROWS }, (_, at) => BigInt(from + at)));
const values = (from: number) => Array.from({ length: ROWS }, (_, at) => from + at);

test.each([
  ['user-id', '`user-id`'],
  ['Größe', '`Größe`'],
  ['two words', '`two words`'],
  ['UPPER', 'UPPER'],
  ['select', 'select'],
  ['1st', '1st'],
  ["it's", "`it's`"],
  ['say "hi"', '`say "hi"`'],
  ['back\\slash', '`back\\slash`'],
  ['new\nline', '`new\nline`'],
  ['🦀', '`🦀`'],
  ['a,b', '`a,b`'],
  ['*', '`*`'],
])('a column called %s is indexed and found', async (name, path) => {
  const rows = (from: number) => new Table({ id: ids(from), [name]: vectorFromArray(values(from), new Int32()) });
  const { table, uri } = await realTable(rows(0));
  const first = await index(uri, { wanted: [{ column: path }] });
  expect(first.segments).toMatchObject([{ column: path, index: `${name}_idx`, rows: ROWS }]);
  await table.add(rows(ROWS));
  expect((await index(uri)).segments).toMatchObject([{ column: path, index: `${name}_idx`, rows: ROWS }]);
  expect(await table.indexStats(`${name}_idx`)).toMatchObject({ numIndexedRows: 2 * ROWS, numUnindexedRows: 0 });
});

test('nested columns are indexed and found, also those whose names have dots', async () => {
  const type = new Struct([
    new Field('b', new Int32()),
    new Field('c.d', new Int32()),
    new Field('deep', new Struct([new Field('leaf', new Utf8())])),
  ]);
  const rows = (from: number) =>
    new Table({
      id: ids(from),
      a: vectorFromArray(
        values(from).map((value) => ({ b: value, 'c.d': -value, deep: { leaf: `leaf ${value}` } })),
        type,
      ),
    });
  const { table, uri } = await realTable(rows(0));
  const wanted = ['a.b', 'a.`c.d`', 'a.deep.leaf'].map((column) => ({ column }));
  await index(uri, { wanted });
  await table.add(rows(ROWS));
  await index(uri);
  const { indexes, schema } = await latest(uri);
  const names = indexes.map(({ name, fields }) => [name, schema.find(({ id }) => id === fields[0])?.name]);
  expect(names.slice(0, 3)).toEqual([
    ['a.b_idx', 'b'],
    ['a.c.d_idx', 'c.d'],
    ['a.deep.leaf_idx', 'leaf'],
  ]);
  expect(names).toHaveLength(6);
  for (const [filter, id] of [
    ['a.b = 41', 41],
    ['a.b = 3', 3],
    ["a.deep.leaf = 'leaf 55'", 55],
    ['a.`c.d` = -31', 31],
  ] as const) {
    expect(await idsWhere(table, filter)).toEqual([id]);
    expect(await usesIndex(table, filter)).toBe(true);
  }
});

test.each(INDEXABLE)('a column of type %s is indexed and found, nulls too', async (_name, type, make, literal) => {
  const rows = (from: number) =>
    new Table({
      id: ids(from),
      c: vectorFromArray(
        values(from).map((value) => (value % 7 === 0 ? null : make(value))),
        type,
      ),
    });
  const { table, uri } = await realTable(rows(0));
  await index(uri, { wanted: [{ column: 'c' }] });
  await table.add(rows(ROWS));
  expect((await index(uri)).segments).toHaveLength(1);
  expect(await table.indexStats('c_idx')).toMatchObject({
    indexType: 'BTREE',
    numIndexedRows: 60,
    numUnindexedRows: 0,
  });
  expect(await idsWhere(table, 'c IS NULL')).toEqual(
    values(0)
      .concat(values(ROWS))
      .filter((value) => value % 7 === 0),
  );
  expect(await usesIndex(table, 'c IS NULL')).toBe(true);
  if (literal === undefined) return;
  expect(await idsWhere(table, `c = ${literal}`)).toEqual([41]);
  expect(await usesIndex(table, `c = ${literal}`)).toBe(true);
});

test.each(NOT_INDEXABLE)(
  'a column of type %s is refused, by LanceDB too, and what is supported is listed',
  async (...it) => {
    const [, type, make] = it;
    const rows = new Table({ id: ids(0), c: vectorFromArray(values(0).map(make), type) });
    const { table, uri, database } = await realTable(rows);
    const before = await digests(database);
    const refused = index(uri, { wanted: [{ column: 'c' }] });
    await expect(refused).rejects.toMatchObject({ code: 'column_type_unsupported', retry: 'never' });
    const message = await refused.then(String, (error: Error) => error.message);
    for (const name of ['int64', 'halffloat', 'bool', 'string', 'date32', 'time64', 'timestamp', 'fixed_size_binary'])
      expect(message).toContain(name);
    await expect(table.createIndex('c', { config: Index.btree() })).rejects.toThrow('BTree index cannot be created');
    expect(await digests(database)).toEqual(before);
  },
);

test('columns whose names differ in case alone each have their own index', async () => {
  const rows = (from: number) =>
    new Table({
      Key: vectorFromArray(values(from), new Int32()),
      key: vectorFromArray(
        values(from).map((value) => `k${value}`),
        new Utf8(),
      ),
    });
  const { table, uri } = await realTable(rows(0));
  for (const column of ['Key', 'key']) await index(uri, { wanted: [{ column }] });
  await table.add(rows(ROWS));
  expect((await index(uri)).segments).toMatchObject([
    { index: 'Key_idx', fieldId: 0 },
    { index: 'key_idx', fieldId: 1 },
  ]);
  expect((await verifyTable(new LanceTable(localStore(uri)), 5)).findings).toEqual([]);
});

test.each<[string, DataType, (value: number) => unknown]>([
  ['l.item', new List(new Field('item', new Int32(), true)), (value) => [value]],
  [
    'l.item.x',
    new List(new Field('item', new Struct([new Field('x', new Int32(), true)]), true)),
    (value) => [{ x: value }],
  ],
])('an element of a list, %s, is refused, and what is supported is listed', async (column, type, make) => {
  const rows = new Table({ id: ids(0), l: vectorFromArray(values(0).map(make), type) });
  const { uri } = await realTable(rows);
  const refused = index(uri, { wanted: [{ column }] });
  await expect(refused).rejects.toMatchObject({ code: 'column_type_unsupported', retry: 'never' });
  await expect(refused).rejects.toThrow('inside structs');
});
