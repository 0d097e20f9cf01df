/** What a command line means by a table or a database: one rule for all commands. */
import { FILE_URI } from '../../lib/file-uri.ts';
import { isStoreUri } from '../../lib/store-uri.ts';
import { LISTED_NAME_PATTERN, TABLE_SUFFIX } from '../../lib/table-name.ts';
import { locationOf, namesTable } from '../../store/location.ts';

const ROOTED = /^(?:\/|\.{1,2}(?:\/|$))/;

/**
 * Whether `given` is a path or a URI, and no name of a configured database or table: it is absolute, begins with `./` or `../`, has a
 * scheme, ends in `.lance`, or has more parts than a name.
 */
export function isPlace(given: string): boolean {
  const isUri = FILE_URI.test(given) || isStoreUri(given);
  return isUri || ROOTED.test(given) || namesTable(given) || given.split('/').length > 2;
}

/** The table as resolveTable takes it: a path is absolute, a name is left as it is. Errors: usage. */
export const addressOf = (given: string, cwd: string): string => (isPlace(given) ? locationOf(given, cwd) : given);

const NAME = /^[a-z0-9][a-z0-9_-]*$/;
const TABLE = new RegExp(`^${LISTED_NAME_PATTERN}$`);

/**
 * How a relative path was read, for an error about what is not found there; undefined where there is nothing to tell. `uri`: where it leads.
 * `databases`: names of those that are configured, or undefined without a configuration.
 */
export function placeNote(given: string, uri: string, databases: readonly string[] | undefined): string | undefined {
  if (given.startsWith('/') || FILE_URI.test(given) || isStoreUri(given)) return undefined;
  const path = `${given} is the path ${uri}`;
  const [database = '', folder, ...more] = given.replace(/\/+$/, '').split('/');
  if (more.length > 0 || !NAME.test(database)) return path;
  const name = folder?.endsWith(TABLE_SUFFIX) ? folder.slice(0, -TABLE_SUFFIX.length) : folder;
  const isTable = name !== undefined && TABLE.test(name);
  if (databases === undefined && (isTable || name === undefined) && folder === name)
    return `${path}; names of databases and tables need a configuration: give -c`;
  if (!databases?.includes(database) || !isTable) return path;
  return `${path}, since it ends in ${TABLE_SUFFIX}; the table of the database ${database} is written ${database}/${name}`;
}
