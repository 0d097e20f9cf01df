/** Every type of column that LanceDB builds a BTREE over, and types it does not, as Apache Arrow has them. */
import type { DataType } from 'apache-arrow';
import {
  Binary,
  Bool,
  DateDay,
  DateMillisecond,
  Decimal,
  Dictionary,
  DurationMicrosecond,
  Field,
  FixedSizeBinary,
  FixedSizeList,
  Float16,
  Float32,
  Float64,
  Int8,
  Int16,
  Int32,
  Int64,
  List,
  Struct,
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
} from 'apache-arrow';

const day = 86_400_000;
const whole = (value: number) => value;
/** How the value of a number is made, and how 41 is written in SQL, where it can be. */
export type ColumnType = [name: string, type: DataType, make: (value: number) => unknown, literal?: string];

export const INDEXABLE: readonly ColumnType[] = [
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

/** LanceDB for Node cannot make columns of large strings or large binary; the others can be made, and not be indexed. */
export const NOT_INDEXABLE: readonly ColumnType[] = [
  ['binary', new Binary(), (value) => Uint8Array.of(value)],
  ['decimal', new Decimal(2, 10, 128), (value) => Uint32Array.of(value, 0, 0, 0)],
  ['duration', new DurationMicrosecond(), BigInt],
  ['list', new List(new Field('item', new Int32(), true)), (value) => [value]],
  ['list of a fixed size', new FixedSizeList(2, new Field('item', new Float32(), true)), (value) => [value, value]],
  ['struct', new Struct([new Field('x', new Int32(), true)]), (value) => ({ x: value })],
  ['dictionary', new Dictionary(new Utf8(), new Int32()), (value) => `v${value}`],
];
