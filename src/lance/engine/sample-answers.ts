/** Asks LanceDB the same question twice, with and without the index, for values sampled from the table. */
import { basename, dirname } from 'node:path';
import type { Table } from '@lancedb/lancedb';
import { connect } from '@lancedb/lancedb';
import type { DataType, Float, Vector } from 'apache-arrow';
import { Precision, TimeUnit, Type } from 'apache-arrow';
import { SegmentdError } from '../../lib/errors.ts';

/** A condition whose two answers differ. Counts are rows. */
export type WrongAnswer = { readonly condition: string; readonly indexed: number; readonly scanned: number };

export type SampleReport = {
  /** Conditions that were asked. */
  readonly asked: number;
  readonly wrong: readonly WrongAnswer[];
};

/**
 * Compares the indexed answers for `column`, a path as SQL has it, with a scan, for `samples` values of random rows and for nulls.
 * The scan is one pass over the column. Errors are LanceDB's own: an index that cannot be read makes the query fail.
 */
export async function compareAnswers(tableUri: string, column: string, samples: number): Promise<SampleReport> {
  const connection = await connect(dirname(tableUri));
  const table = await connection.openTable(basename(tableUri, '.lance'));
  try {
    const literals = await sampleLiterals(table, column, samples);
    const conditions = [
      ...literals.map((literal) => (it: string) => `${it} = ${literal}`),
      ...(literals.length > 1 ? [(it: string) => `${it} IN (${literals.join(', ')})`] : []),
      (it: string) => `${it} IS NULL`,
    ];
    const wrong: WrongAnswer[] = [];
    for (const condition of conditions) {
      const indexed = await rowIds(table, condition(column));
      const scanned = await rowIds(table, await scanning(table, condition(`nullif(${column}, NULL)`)));
      if (!sameIds(indexed, scanned)) {
        wrong.push({ condition: condition(column), indexed: indexed.length, scanned: scanned.length });
      }
    }
    return { asked: conditions.length, wrong };
  } finally {
    table.close();
    connection.close();
  }
}

/**
 * The condition, once it is certain that it scans. The engine simplifies some ways to hide a column from the index, `coalesce`
 * among them, and uses the index all the same; comparing the index with itself would prove nothing.
 */
async function scanning(table: Table, condition: string): Promise<string> {
  if ((await table.query().where(condition).explainPlan(true)).includes('ScalarIndexQuery')) {
    throw new SegmentdError(
      'internal',
      `LanceDB answers "${condition}" by the index, so there is no scan to compare with`,
    );
  }
  return condition;
}

async function rowIds(table: Table, condition: string): Promise<bigint[]> {
  const rows = await table.query().where(condition).select([]).withRowId().toArrow();
  const ids = rows.getChild('_rowid');
  return ids ? Array.from({ length: ids.length }, (_, at) => ids.get(at) as bigint).sort(byValue) : [];
}

const byValue = (a: bigint, b: bigint) => (a < b ? -1 : a > b ? 1 : 0);

const sameIds = (a: readonly bigint[], b: readonly bigint[]) =>
  a.length === b.length && a.every((id, at) => id === b[at]);

async function sampleLiterals(table: Table, column: string, samples: number): Promise<string[]> {
  const rows = await table.countRows();
  if (rows === 0) return [];
  const offsets = new Set(Array.from({ length: samples }, () => Math.floor(Math.random() * rows)));
  const taken = await table
    .takeOffsets([...offsets])
    .select({ value: column })
    .toArrow();
  const values = taken.getChild('value');
  if (!values) return [];
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
