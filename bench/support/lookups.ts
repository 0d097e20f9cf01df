/** Tables whose keys are known from the row number, and lookups in them whose answers are known too. */
import { copyFile, link, mkdir, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Table } from '@lancedb/lancedb';
import { Table as ArrowTable, makeVector } from 'apache-arrow';
import { stopwatch } from '../../src/lib/stopwatch.ts';

export type KeyOrder = 'ascending' | 'scattered';
/** Rows 0 to `rows`, each with a key of its own. */
export type Keys = { readonly rows: number; readonly order: KeyOrder };

const RANGE_ROWS = 100;
/** Prime, and larger than any table here. */
const STEP = 2_654_435_761n;

/**
 * The key of a row. Scattered ones lie anywhere in each fragment, as hashes do, so that no segment can be ruled out by its least and
 * greatest value; ascending ones, as counters do, in one fragment alone.
 */
const keyOf = (row: number, { rows, order }: Keys) =>
  order === 'ascending' ? row : Number((BigInt(row) * STEP) % BigInt(rows));

/** Rows `from` to `from + count` of the column `key`. */
export function keyBatch(keys: Keys, from: number, count: number): ArrowTable {
  const values = BigInt64Array.from({ length: count }, (_, at) => BigInt(keyOf(from + at, keys)));
  return new ArrowTable({ key: makeVector(values) });
}

export const KINDS = ['point', 'in10', 'range'] as const;
export type Kind = (typeof KINDS)[number];

/** A lookup among the rows 0 to `rows` with the number of rows it must find; of all keys when those are scattered. */
function lookup(kind: Kind, { rows }: Keys): { filter: string; found: number } {
  const some = () => Math.floor(Math.random() * (rows - RANGE_ROWS));
  if (kind === 'point') return { filter: `key = ${some()}`, found: 1 };
  if (kind === 'range') {
    const from = some();
    return { filter: `key >= ${from} AND key < ${from + RANGE_ROWS}`, found: RANGE_ROWS };
  }
  const keys = new Set<number>();
  while (keys.size < 10) keys.add(some());
  return { filter: `key IN (${[...keys].join(', ')})`, found: 10 };
}

/** Milliseconds of one lookup, whose answer is checked. */
export async function lookUp(table: Table, kind: Kind, keys: Keys): Promise<number> {
  const { filter, found } = lookup(kind, keys);
  const lap = stopwatch();
  const answer = await table.query().fastSearch().where(filter).toArrow();
  const ms = lap();
  if (answer.numRows !== found) throw new Error(`${filter} found ${answer.numRows} rows`);
  return ms;
}

/** A copy of a table that shares its data and its segments, whose files never change. Only the latest `versions` manifests come along. */
export async function copyTable(from: string, to: string, versions = Infinity): Promise<void> {
  // Names of versions sort from the latest to the first.
  const manifests = (await readdir(join(from, '_versions'))).sort();
  const left = new Set(manifests.slice(versions).map((name) => join(from, '_versions', name)));
  for (const entry of await readdir(from, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const source = join(entry.parentPath, entry.name);
    if (left.has(source)) continue;
    const target = join(to, source.slice(from.length));
    await mkdir(dirname(target), { recursive: true });
    await (/\/(data|_indices)\//.test(target) ? link(source, target) : copyFile(source, target));
  }
}
