/** Runs the same query twice, with and without the index, for values sampled from the table. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { Connection, Table } from '@lancedb/lancedb';
import { connect } from '@lancedb/lancedb';
import type { DataType, Float, Vector } from 'apache-arrow';
import { Precision, TimeUnit, Type } from 'apache-arrow';
import { distinctNumbers } from '../../lib/distinct-numbers.ts';
import { SegmentdError } from '../../lib/errors.ts';
import { isStoreUri } from '../../lib/store-uri.ts';
import { madeName, TABLE_NAME_PATTERN } from '../../lib/table-name.ts';
import type { TablePlace } from '../segment.ts';
import { RowSet } from './row-set.ts';

/** A condition whose two answers differ. Counts are rows. */
type WrongAnswer = { readonly condition: string; readonly indexed: number; readonly scanned: number };

type SampleReport = {
  /** Conditions that were compared. */
  readonly asked: number;
  /** Conditions that were not, because they hold for too many rows. */
  readonly leftOut: number;
  readonly wrong: readonly WrongAnswer[];
};

/** Rows that the index may find for all conditions together: where every value is in every fragment, each holds for very many. */
const MAX_ROWS = 250_000;

/** Conditions that share a pass over the column: each is a column of its answer, and the filter names them all. */
const PER_SCAN = 25;

const PLAIN = new RegExp(`^${TABLE_NAME_PATTERN}$`);

type Condition = (column: string) => string;

/**
 * Compares the indexed answers for `column`, a path as SQL has it, with a scan, for the values of `samples` random rows and for nulls, as
 * far as `maxRows` goes, but at least one. The scan is one pass over the column for every 25 values. Errors are LanceDB's own: an index
 * that cannot be read makes the query fail.
 */
export async function compareAnswers(
  { uri, storageOptions }: Pick<TablePlace, 'uri' | 'storageOptions'>,
  column: string,
  samples: number,
  maxRows = MAX_ROWS,
): Promise<SampleReport> {
  const { table, connection, remove } = await openTable(uri, storageOptions);
  try {
    const literals = await sampleLiterals(table, column, samples);
    const conditions: Condition[] = [
      (it) => `${it} IS NULL`,
      ...literals.map((literal) => (it: string) => `${it} = ${literal}`),
      ...(literals.length > 1 ? [(it: string) => `${it} IN (${literals.join(', ')})`] : []),
    ];
    const { asked, answers: indexed } = await indexedAnswers(table, column, conditions, maxRows);
    const wrong: WrongAnswer[] = [];
    for (let from = 0; from < asked.length; from += PER_SCAN) {
      const scanned = await scannedAnswers(table, column, asked.slice(from, from + PER_SCAN));
      for (const [at, scan] of scanned.entries()) {
        const index = indexed[from + at] as RowSet;
        const condition = asked[from + at]?.(column) ?? '';
        if (!index.equals(scan)) wrong.push({ condition, indexed: index.rows, scanned: scan.rows });
      }
    }
    return { asked: asked.length, leftOut: conditions.length - asked.length, wrong };
  } finally {
    table.close();
    connection.close();
    remove();
  }
}

type Opened = { readonly table: Table; readonly connection: Connection; remove(): void };

/**
 * LanceDB opens no table without `.lance` by its place. On a disk it is read through a shallow clone; a clone of a table in an object store
 * would not get the storage options, so that one is opened by the name in its folder, which has to be in the catalog.
 */
async function openTable(uri: string, options: TablePlace['storageOptions']): Promise<Opened> {
  const storageOptions = { ...options };
  const name = basename(uri, '.lance');
  const isPlain = PLAIN.test(name) && uri.endsWith('.lance');
  if (isPlain || isStoreUri(uri)) {
    const connection = await connect(dirname(uri), { storageOptions });
    const path = isPlain ? [name] : (madeName(basename(uri)) ?? name).split('$');
    return {
      table: await connection.openTable(path.at(-1) ?? '', path.slice(0, -1), { storageOptions }),
      connection,
      remove: () => undefined,
    };
  }
  const scratch = mkdtempSync(join(tmpdir(), 'segmentd-verify-'));
  const remove = () => rmSync(scratch, { recursive: true, force: true });
  try {
    const connection = await connect(scratch);
    return { table: await connection.cloneTable('clone', uri, { isShallow: true }), connection, remove };
  } catch (error) {
    remove();
    throw error;
  }
}

/** The answers by the index to those conditions that the bound allows, the smaller ones first. */
async function indexedAnswers(table: Table, column: string, conditions: readonly Condition[], maxRows: number) {
  const asked: Condition[] = [];
  const answers: RowSet[] = [];
  const counted: { condition: Condition; count: number }[] = [];
  for (const condition of conditions) counted.push({ condition, count: await table.countRows(condition(column)) });
  let rows = 0;
  for (const { condition, count } of counted.sort((a, b) => a.count - b.count)) {
    if (asked.length > 0 && rows + count > maxRows) break;
    const answer = new RowSet();
    for await (const batch of table.query().where(condition(column)).select([]).withRowId()) answer.add(batch);
    rows += count;
    asked.push(condition);
    answers.push(answer);
  }
  return { asked, answers };
}

/** The answers of one scan, which marks for each row the conditions that it meets. */
async function scannedAnswers(table: Table, column: string, conditions: readonly Condition[]): Promise<RowSet[]> {
  const hidden = conditions.map((condition) => condition(`nullif(${column}, NULL)`));
  const columns = Object.fromEntries(hidden.map((condition, at) => [`holds_${at}`, condition]));
  const query = table
    .query()
    .where(hidden.map((condition) => `(${condition})`).join(' OR '))
    .select(columns)
    .withRowId();
  // The engine simplifies some ways to hide a column from the index, `coalesce` among them, and still uses the index.
  if ((await query.explainPlan(true)).includes('ScalarIndexQuery')) {
    throw new SegmentdError(
      'internal',
      `LanceDB answers by the index, so there is no scan of ${column} to compare with`,
    );
  }
  const answers = hidden.map(() => new RowSet());
  for await (const batch of query) {
    for (const [at, answer] of answers.entries()) answer.add(batch, batch.getChild(`holds_${at}`) ?? undefined);
  }
  return answers;
}

async function sampleLiterals(table: Table, column: string, samples: number): Promise<string[]> {
  const rows = await table.countRows();
  if (rows === 0) return [];
  const taken = await table.takeOffsets(distinctNumbers(samples, rows)).select({ value: column }).toArrow();
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
