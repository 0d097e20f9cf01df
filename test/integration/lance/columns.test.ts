import type { DataType } from 'apache-arrow';
import {
  Bool,
  DateDay,
  DateMillisecond,
  Field,
  FixedSizeBinary,
  Float16,
  Float32,
  Float64,
  Int8,
  Int16,
  Int32,
  Int64,
  makeVector,
  Struct,
  Table,
  TimeMicrosecond,
  TimeMillisecond,
  TimeNanosecond,
  TimeSecond,
  TimestampMicrosecond,
  TimestampMillisecond,
  TimestampNanosecond,
  TimestampSecond,
  Uint8,
  Uint16,
  Uint32,
  Uint64,
  Utf8,
  vectorFromArray,
} from 'apache-arrow';
import { expect, test } from 'vitest';
import { idsWhere, index, latest, realTable, usesIndex } from '../../helpers/lance-table.ts';

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

const day = 86_400_000;
const whole = (value: number) => value;
type Case = [name: string, type: DataType, make: (value: number) => unknown, literal?: string];
const TYPES: Case[] = [
  ['int8', new Int8(), whole, '41'],
  ['int16', new Int16(), whole, '41'],
  ['int32', new Int32(), whole, '41'],
  ['int64', new Int64(), BigInt, '41'],
  ['uint8', new Uint8(), whole, '41'],
  ['uint16', new Uint16(), whole, '41'],
  ['uint32', new Uint32(), whole, '41'],
  ['uint64', new Uint64(), BigInt, '41'],
  ['float16', new Float16(), whole],
  ['float32', new Float32(), whole, '41.0'],
  ['float64', new Float64(), whole, '41.0'],
  ['bool', new Bool(), (value) => value === 41, 'true'],
  ['string', new Utf8(), (value) => `v${value}`, "'v41'"],
  ['date32', new DateDay(), (value) => new Date(value * day), "date '1970-02-11'"],
  ['date64', new DateMillisecond(), (value) => new Date(value * day)],
  ['time32 in seconds', new TimeSecond(), whole],
  ['time32 in milliseconds', new TimeMillisecond(), whole],
  ['time64 in microseconds', new TimeMicrosecond(), BigInt],
  ['time64 in nanoseconds', new TimeNanosecond(), BigInt],
  ['timestamp in seconds', new TimestampSecond(), (value) => value * 1000, "timestamp '1970-01-01 00:00:41'"],
  ['timestamp in milliseconds', new TimestampMillisecond(), whole, "timestamp '1970-01-01 00:00:00.041'"],
  ['timestamp in microseconds', new TimestampMicrosecond(), whole, "timestamp '1970-01-01 00:00:00.041'"],
  ['timestamp in nanoseconds', new TimestampNanosecond(), whole],
  ['timestamp with a time zone', new TimestampMicrosecond('UTC'), whole],
  ['binary of a fixed size', new FixedSizeBinary(16), (value) => new Uint8Array(16).fill(value)],
];

test.each(TYPES)('a column of type %s is indexed and found, nulls too', async (_name, type, make, literal) => {
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
