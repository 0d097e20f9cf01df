/** The tables of a database: folders that are named like one, and the catalog of those that are not. */
import type { ObjectStore } from './object-store.ts';

const SUFFIX = '.lance';
/** Where LanceDB keeps the catalog of a database with namespaces: a table itself. */
export const CATALOG_FOLDER = '__manifest';
/** LanceDB puts eight digits before the name of a table in its catalog. */
const MADE = /^[0-9a-f]{8}_/;

export type DatabaseFolders = {
  /** Names without `.lance`, sorted. */
  readonly tables: string[];
  readonly hasCatalog: boolean;
  /** Folders that LanceDB seems to have made for tables of the catalog. */
  readonly made: string[];
};

/** The folders of a database; null when there is no such database (yet). Errors: store_unavailable, store_denied. */
export async function listDatabase(database: ObjectStore): Promise<DatabaseFolders | null> {
  const folders = await database.folders('');
  if (!folders) return null;
  const tables = folders.filter((name) => name.endsWith(SUFFIX)).map((name) => name.slice(0, -SUFFIX.length));
  return {
    tables: [...tables].sort(),
    hasCatalog: folders.includes(CATALOG_FOLDER),
    made: folders.filter((name) => MADE.test(name) && !name.endsWith(SUFFIX)),
  };
}
