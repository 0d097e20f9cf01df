/** Wide keys in no order, and a table to backfill of them: much of it is unindexed. */
import { join } from 'node:path';
import { connect, Index } from '@lancedb/lancedb';
import { Table as ArrowTable, makeData, makeVector, Utf8 } from 'apache-arrow';

/** Rows of the only fragment that is indexed. */
const FIRST_ROWS = 1_000;
/** A prime: its multiples visit all remainders in no order to speak of, within whole numbers up to half a billion rows. */
const STEP = 15_485_863;
const NAME = 'user-0000000';

/** Rows `from` to `from + count` of `rows`: an integer and a string, both scattered as hashes are. */
export function scattered(rows: number, from: number, count: number): ArrowTable {
  const ids = new BigInt64Array(count);
  const data = Buffer.alloc(count * NAME.length, NAME);
  for (let at = 0; at < count; at++) {
    const key = ((from + at) * STEP) % rows;
    ids[at] = BigInt(key);
    const digits = key.toString(36);
    data.write(digits, (at + 1) * NAME.length - digits.length, 'latin1');
  }
  const valueOffsets = Int32Array.from({ length: count + 1 }, (_, at) => at * NAME.length);
  const names = makeData({ type: new Utf8(), length: count, nullCount: 0, valueOffsets, data });
  return new ArrowTable({ id: makeVector(ids), name: makeVector(names) });
}

/** Makes `<database>/<name>.lance`: a small fragment with indexes on `columns`, and `fragments` without. */
export async function makeUnindexed(
  database: string,
  name: string,
  size: { readonly rows: number; readonly fragments: number; readonly columns: readonly string[] },
): Promise<void> {
  const total = size.rows + FIRST_ROWS;
  const connection = await connect(database);
  const table = await connection.createTable(name, scattered(total, 0, FIRST_ROWS));
  for (const column of size.columns) await table.createIndex(column, { config: Index.btree() });
  const each = Math.ceil(size.rows / size.fragments);
  for (let from = 0; from < size.rows; from += each) {
    await table.add(scattered(total, FIRST_ROWS + from, Math.min(each, size.rows - from)));
  }
  table.close();
  connection.close();
}

export const folderOf = (database: string, name: string) => join(database, `${name}.lance`);
