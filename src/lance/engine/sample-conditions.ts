/** Conditions on a column, made from values of random rows, that an index and a scan have to answer alike. */
import type { Table } from '@lancedb/lancedb';
import type { DataType, Float, Vector } from 'apache-arrow';
import { Precision, TimeUnit, Type } from 'apache-arrow';
import { distinctNumbers } from '../../lib/distinct-numbers.ts';

/** A condition, given the column or an expression for it. */
export type Condition = (column: string) => string;

/** What of a column an index is asked for. */
export type AskedOf = 'values' | 'labels' | 'substrings';

type Sampling = { readonly samples: number; readonly random: () => number; readonly of: AskedOf };

/** Conditions for the values of `samples` random rows of `column`, a path as SQL has it. */
export async function sampleConditions(
  table: Table,
  column: string,
  { samples, random, of }: Sampling,
): Promise<Condition[]> {
  const values = await sampleValues(table, column, { samples, random });
  if (of === 'values') return valueConditions(values ? literalsOf(values) : []);
  if (!values) return [];
  return of === 'labels' ? labelConditions(values) : substringConditions(values);
}

function valueConditions(literals: readonly string[]): Condition[] {
  return [
    (it) => `${it} IS NULL`,
    ...literals.map((literal) => (it: string) => `${it} = ${literal}`),
    ...(literals.length > 1 ? [(it: string) => `${it} IN (${literals.join(', ')})`] : []),
  ];
}

/** Each label by itself, and those of each list together. */
function labelConditions(lists: Vector): Condition[] {
  const rows = Array.from({ length: lists.length }, (_, at) => {
    const list: Vector | null = lists.get(at);
    return list ? literalsOf(list) : [];
  });
  const labels = [...new Set(rows.flat())];
  const together = rows.filter(({ length }) => length > 1);
  return [
    ...labels.map((label) => (it: string) => `array_has_any(${it}, [${label}])`),
    ...together.map((all) => (it: string) => `array_has_all(${it}, [${all.join(', ')}])`),
  ];
}

/** Longest text that is searched for. */
const SUBSTRING_CHARACTERS = 12;

/** A piece from the middle of each text. An FM index takes a NUL for a blank, and finds nothing for an empty text. */
function substringConditions(texts: Vector): Condition[] {
  const pieces = Array.from({ length: texts.length }, (_, at) => {
    const characters = [...String(texts.get(at) ?? '')];
    const from = Math.max(0, Math.floor((characters.length - SUBSTRING_CHARACTERS) / 2));
    return characters.slice(from, from + SUBSTRING_CHARACTERS).join('');
  });
  const usable = [...new Set(pieces)].filter((piece) => piece !== '' && !piece.includes('\0'));
  return usable.map((piece) => (it) => `contains(${it}, '${piece.replaceAll("'", "''")}')`);
}

async function sampleValues(
  table: Table,
  column: string,
  { samples, random }: Omit<Sampling, 'of'>,
): Promise<Vector | null> {
  const rows = await table.countRows();
  if (rows === 0) return null;
  const taken = await table
    .takeOffsets(distinctNumbers(samples, rows, random))
    .select({ value: column })
    .toArrow();
  return taken.getChild('value');
}

function literalsOf(values: Vector): string[] {
  const literals = Array.from({ length: values.length }, (_, at) => literalAt(values, at));
  return [...new Set(literals.filter((literal) => literal !== null))];
}

const UNIT: Record<TimeUnit, string> = {
  [TimeUnit.SECOND]: 'Second',
  [TimeUnit.MILLISECOND]: 'Millisecond',
  [TimeUnit.MICROSECOND]: 'Microsecond',
  [TimeUnit.NANOSECOND]: 'Nanosecond',
};

const MIN_INT64 = -(2n ** 63n);

/** The value at a position as SQL, or null when it is null, NaN, which `=` does not find, or infinite, which SQL cannot say. */
function literalAt(vector: Vector, at: number): string | null {
  const value: unknown = vector.get(at);
  if (value === null || (typeof value === 'number' && !Number.isFinite(value))) return null;
  const { type } = vector;
  // No plain number is taken for one.
  if (type.typeId === Type.Float && (type as Float).precision === Precision.HALF) {
    return `arrow_cast(${value}, 'Float16')`;
  }
  // Its digits alone are too large for the type, and SQL reads the sign as an operator.
  if (value === MIN_INT64) return `arrow_cast('${value}', 'Int64')`;
  const cast = castName(type);
  if (cast) return `arrow_cast(${rawAt(vector, at)}, '${cast}')`;
  if (typeof value === 'string') return `'${value.replaceAll("'", "''")}'`;
  if (value instanceof Uint8Array) return `X'${Buffer.from(value).toString('hex')}'`;
  return String(value);
}

/** Arrow's name of types whose values have no plain SQL form. */
function castName(type: DataType & { unit?: TimeUnit; timezone?: string | null; bitWidth?: number }): string | null {
  const unit = UNIT[type.unit ?? TimeUnit.SECOND];
  if (type.typeId === Type.Date) return type.toString().startsWith('Date64') ? 'Date64' : 'Date32';
  if (type.typeId === Type.Time) return `Time${type.bitWidth}(${unit})`;
  if (type.typeId === Type.Timestamp)
    return `Timestamp(${unit}, ${type.timezone ? `Some("${type.timezone}")` : 'None'})`;
  return null;
}

/** The stored integer: what the vector's getter makes of times loses digits. */
function rawAt(vector: Vector, at: number): string {
  let rest = at;
  for (const chunk of vector.data) {
    if (rest < chunk.length) {
      // Wide values come as pairs of 32-bit words or as 64-bit ones, by type.
      const words = chunk.values as Int32Array | BigInt64Array;
      const stride = words.length / chunk.length;
      if (stride < 2) return String(words[rest]);
      return String((BigInt(words[2 * rest + 1] as number) << 32n) | BigInt((words[2 * rest] as number) >>> 0));
    }
    rest -= chunk.length;
  }
  throw new RangeError(`no row ${at}`);
}
