/** Tables with BTREE indexes over keys in no order, and copies of them that grow. */
import { join } from 'node:path';
import type { Connection, Table } from '@lancedb/lancedb';
import { connect, Index } from '@lancedb/lancedb';
import type { Vector } from 'apache-arrow';
import { Table as ArrowTable, makeVector } from 'apache-arrow';
import { LanceTable } from '../../src/lance/table/table.ts';
import { localStore } from '../../src/store/local-store.ts';
import { folderOf, scattered } from '../../testing/unindexed-table.ts';
import { copyTable } from './lookups.ts';

/** What LanceDB compacts towards. */
const FRAGMENT_ROWS = 1_000_000;
/** Of the keys in all tables here: whole numbers stay exact, and appended rows have keys of their own. */
const KEYS = 200_000_000;
/** A prime for each column, near enough to the others. */
const STEP = 15_485_863;

/** Rows `from` to `from + count` of a table. */
export type RowsOf = (from: number, count: number) => ArrowTable;

/** An integer `id` and a string `name`. */
export const scatteredRows: RowsOf = (from, count) => scattered(KEYS, from, count);

export const numberColumns = (columns: number) => Array.from({ length: columns }, (_, at) => `c${at}`);

/** So many integers, in another order in each column. */
export const numberRows =
  (columns: number): RowsOf =>
  (from, count) => {
    const entries = numberColumns(columns).map((name, column): [string, Vector] => {
      const values = new BigInt64Array(count);
      const step = STEP + 2 * column;
      for (let at = 0; at < count; at++) values[at] = BigInt(((from + at) * step) % KEYS);
      return [name, makeVector(values)];
    });
    return new ArrowTable(Object.fromEntries(entries));
  };

/** The configuration of an index can be used once. */
export const btree = () => ({ config: Index.btree() });

export type TableSize = { readonly rows: number; readonly rowsOf: RowsOf; readonly indexed: readonly string[] };

/** Makes `<database>/<name>.lance` of so many rows, with a BTREE on each column of `indexed`. */
export async function makeIndexed(database: string, name: string, { rows, rowsOf, indexed }: TableSize): Promise<void> {
  const connection = await connect(database);
  const first = Math.min(FRAGMENT_ROWS, rows);
  const table = await connection.createTable(name, rowsOf(0, first));
  for (let from = first; from < rows; from += FRAGMENT_ROWS) {
    await table.add(rowsOf(from, Math.min(FRAGMENT_ROWS, rows - from)));
  }
  for (const column of indexed) await table.createIndex(column, btree());
  table.close();
  connection.close();
}

/** A table that LanceDB appends to, and segmentd looks at. */
export type Growing = {
  readonly uri: string;
  readonly theirs: Table;
  readonly ours: LanceTable;
  /** Appends so many rows that no other append had. */
  append(count: number): Promise<void>;
};

/** A copy of a table of so many rows, under another name in the same database. */
export async function growingCopy(
  connection: Connection,
  database: string,
  { from, name, rows, rowsOf }: { from: string; name: string; rows: number; rowsOf: RowsOf },
): Promise<Growing> {
  const uri = folderOf(database, name);
  await copyTable(folderOf(database, from), uri, 1);
  const theirs = await connection.openTable(name);
  let next = rows;
  return {
    ...{ uri, theirs },
    ours: new LanceTable(localStore(uri)),
    async append(count) {
      await theirs.add(rowsOf(next, count));
      next += count;
    },
  };
}

export const databaseIn = (home: string, ...name: readonly (string | number)[]) => join(home, name.join('-'));
