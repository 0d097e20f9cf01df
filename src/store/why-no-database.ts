/** Folders that are taken for a database and are something else. */
import { asSegmentdError, errnoOf } from '../lib/errors.ts';
import type { ObjectStore } from './object-store.ts';

const SUFFIX = '.lance';
/** The outermost folder that may be a table, and what follows. */
const INSIDE = /^(.*?(?:\.lance|\/[0-9a-f]{8}_[^/]*))\/(.+)$/;
/** A folder that LanceDB made for a table of a catalog. */
const MADE = /\/[0-9a-f]{8}_[^/]*$/;
const BRANCH = /^tree\/(.+)$/;

type StoreOf = (uri: string) => Pick<ObjectStore, 'folders'>;

/**
 * What a folder is that is surely no database, as the end of a sentence, or undefined. A folder that is not there may become one.
 * Errors: store_unavailable, store_denied.
 */
export async function whyNoDatabase(folder: string, storeOf: StoreOf): Promise<string | undefined> {
  try {
    return await whyNoFolderOfTables(folder, storeOf);
  } catch (error) {
    // Not a store that is away: no disk that comes back makes a folder of a file.
    if (errnoOf(asSegmentdError(error).cause) === 'ENOTDIR') return 'is a file, or lies below one';
    throw error;
  }
}

async function whyNoFolderOfTables(folder: string, storeOf: StoreOf): Promise<string | undefined> {
  const [, table, part = ''] = INSIDE.exec(folder) ?? [];
  if (table !== undefined && (await isTableFolder(storeOf(table)))) {
    const [, branch] = BRANCH.exec(part) ?? [];
    if (branch === undefined) return `is ${part} of the table ${table}; a database is the folder that holds the table`;
    return `is the branch ${branch} of the table ${table}; segmentd serves main branches`;
  }
  if (!(await isTableFolder(storeOf(folder)))) return undefined;
  return folder.endsWith(SUFFIX) || MADE.test(folder)
    ? 'is a table; a database is the folder that holds it'
    : `is a table whose name does not end in ${SUFFIX}; segmentd does not serve it`;
}

/** Whether there is a table: a folder with versions. Errors: store_unavailable, store_denied. */
export async function isTableFolder(folder: Pick<ObjectStore, 'folders'>): Promise<boolean> {
  return (await folder.folders(''))?.includes('_versions') ?? false;
}
