/** The tables of a database: folders that are named like one. */
import type { ObjectStore } from './object-store.ts';

const SUFFIX = '.lance';

/** Names without `.lance`, sorted; null when there is no such database (yet). Errors: store_unavailable, store_denied. */
export async function listTables(database: ObjectStore): Promise<string[] | null> {
  const folders = await database.folders('');
  return (
    folders
      ?.filter((name) => name.endsWith(SUFFIX))
      .map((name) => name.slice(0, -SUFFIX.length))
      .sort() ?? null
  );
}
