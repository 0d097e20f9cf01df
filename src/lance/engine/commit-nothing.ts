/** A version of a table in which nothing changes, committed by Lance: what Lance does with a commit, such as its cleanup, it does then. */
import { basename, dirname } from 'node:path';
import type { TablePlace } from '../segment.ts';
import { lancedb } from './lancedb.ts';

/** Nothing of the table is read twice. */
const CACHE_BYTES = 4n * 1024n * 1024n;

/** Errors are LanceDB's own, and engine_unloadable. */
export async function commitNothing({ uri, storageOptions }: TablePlace): Promise<void> {
  const { connect, Session } = await lancedb();
  const options = { storageOptions: { ...storageOptions } };
  const connection = await connect(dirname(uri), options, new Session(CACHE_BYTES, CACHE_BYTES));
  try {
    const table = await connection.openTable(basename(uri, '.lance'), undefined, options);
    try {
      await table.delete('false');
    } finally {
      table.close();
    }
  } finally {
    connection.close();
  }
}
