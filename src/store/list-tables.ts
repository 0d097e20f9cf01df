/** The tables of a local database folder. */
import { readdir } from 'node:fs/promises';
import { errnoOf } from '../lib/errors.ts';
import { storeError } from './local-store.ts';

/** Names without `.lance`, sorted; none when the folder does not exist yet. Errors: store_unavailable, store_denied. */
export async function listTables(database: string): Promise<string[]> {
  try {
    const entries = await readdir(database, { withFileTypes: true });
    return entries
      .filter((entry) => entry.name.endsWith('.lance') && (entry.isDirectory() || entry.isSymbolicLink()))
      .map((entry) => entry.name.slice(0, -'.lance'.length))
      .sort();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw storeError(error, `list ${database}`);
  }
}
