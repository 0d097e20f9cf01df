import { SegmentdError } from '../lib/errors.ts';
import { FILE_URI, pathOfFileUri } from '../lib/file-uri.ts';
import { RecentMap } from '../lib/recent-map.ts';
import { STORE_SCHEME } from '../lib/store-uri.ts';
import {
  LISTED_NAME_PATTERN,
  madeName,
  TABLE_NAME_PATTERN as NAME_PATTERN,
  TABLE_SUFFIX as SUFFIX,
  TABLE_FOLDER_PATTERN,
  tableUri,
} from '../lib/table-name.ts';
import type { TableRef } from '../model.ts';

/** What the catalogs of the databases say, as far as they were read. */
export type ListedTables = {
  /** The folder of a table that the catalog lists, from the database on; undefined for a table that it does not list. */
  locationOf(database: string, name: string): string | undefined;
  /** The name of the table that lies there, likewise. */
  nameOf(database: string, location: string): string | undefined;
  /** Grows whenever the answers change. */
  readonly changes: number;
};

/**
 * Names of databases and where they lie: URIs of object stores or absolute directories, as loadConfig gives them, without `.`, `..` and
 * empty parts.
 */
export interface Databases extends ReadonlyMap<string, string> {
  /** The tables beside the folders `<table>.lance`. */
  readonly listed?: ListedTables;
}

const NAME = new RegExp(`^${NAME_PATTERN}$`);
const LISTED_NAME = new RegExp(`^${LISTED_NAME_PATTERN}$`);
/** The last folder of a location. */
const FOLDER = new RegExp(`(?:^|/)${TABLE_FOLDER_PATTERN}$`);
const BRANCH = /^(.+?)\/tree\/(.+)$/s;

/** Slashes after a table's folder, with the dots that mean the same folder. */
const TAIL = String.raw`(?:/+\.)*/*`;
const NO_WAY_UP = String.raw`(?![\s\S]*/\.\.(?:/|$))`;
const FILE = '[Ff][Ii][Ll][Ee]:';
const LOCAL = '(?://(?:[Ll][Oo][Cc][Aa][Ll][Hh][Oo][Ss][Tt])?(?=/)|(?=/(?!/)))';
/** In a file URI any character may be an escape; what the escapes mean is left to resolveTable. */
const ENCODED_FILE = String.raw`(?:[^?#\\]*/)(?=[^/]*(?:%|\.lance(?:/|$))|[0-9a-f]{8}_)(?!\.|%2[Ee])(?:[A-Za-z0-9_.\-$]|%[2-7][0-9A-Fa-f])+`;
/**
 * An address that resolveTable may take, for the JSON Schema: which databases there are it cannot know. Names of databases are
 * written as the configuration has them.
 */
export const ADDRESS_PATTERN = `^(?:${[
  String.raw`[a-z0-9][a-z0-9_\-]*/${LISTED_NAME_PATTERN}`,
  String.raw`${NO_WAY_UP}/(?:[\s\S]*/)?${TABLE_FOLDER_PATTERN}${TAIL}`,
  `${NO_WAY_UP}${FILE}${LOCAL}${ENCODED_FILE}${TAIL}`,
  String.raw`(?!${FILE})[A-Za-z][A-Za-z0-9+.\-]*://(?:[\s\S]*/)?${TABLE_FOLDER_PATTERN}/*`,
].join('|')})$`;
/** Of an address in a message; longer ones are no address. */
const SHOWN_CHARS = 120;

/**
 * The table that an event names: `<database>/<table>`, or the full path or URI of a table inside a configured database. The result lies
 * at exactly `<database uri>/<table>.lance`, or where a catalog lists it inside its database. One with namespaces in its name that is not
 * listed yet gets a place where no table is: TableCache.locate tells when it is.
 * Throws SegmentdError `event_table_invalid`, `event_database_unknown` or `event_table_outside`.
 */
export function resolveTable(databases: Databases, address: string): TableRef {
  if (isLocation(address)) return byLocation(databases, address);
  const parts = address.split('/');
  const [database = '', name = ''] = parts;
  if (parts.length !== 2 || database === '' || !LISTED_NAME.test(name)) throw invalid(address);
  return byName(databases, database, name);
}

/** Addresses remembered by a process; more than the tables that it works on at a time. */
const REMEMBERED = 10_000;

/** `resolveTable` for a stream: an address means the same table while the catalogs stay as they are. Throws what it throws. */
export function recentTables(databases: Databases): (address: string) => TableRef {
  const tables = new RecentMap<string, TableRef>(REMEMBERED);
  let changes = databases.listed?.changes;
  return (address) => {
    if (databases.listed?.changes !== changes) {
      changes = databases.listed?.changes;
      tables.clear();
    }
    const known = tables.get(address);
    if (known) return known;
    const table = resolveTable(databases, address);
    tables.set(address, table);
    return table;
  };
}

function byName(databases: Databases, database: string, name: string): TableRef {
  const base = databases.get(database);
  if (base === undefined) {
    throw new SegmentdError('event_database_unknown', `no database ${shown(database)} is configured`);
  }
  const location = databases.listed?.locationOf(database, name);
  if (location === undefined && NAME.test(name)) return tableRef(database, base, name);
  const uri = `${withoutSlash(base)}/${location ?? name}`;
  // A folder has one name, whatever else a catalog calls it.
  return plainTableAt(databases, uri) ?? { id: `${database}/${name}`, database, name, uri };
}

const isLocation = (address: string) => address.startsWith('/') || FILE_URI.test(address) || STORE_SCHEME.test(address);

function byLocation(databases: Databases, address: string): TableRef {
  const location = folderOf(address);
  if (location === undefined) throw invalid(address);
  const table = tableAt(databases, location);
  if (table) return table;
  if (databasesAround(databases, location).length === 0) {
    throw new SegmentdError('event_table_outside', `${shown(address)} lies outside the configured databases`);
  }
  const [, folder = '', branch = ''] = BRANCH.exec(location) ?? [];
  const main = folder === '' ? undefined : tableAt(databases, folder);
  if (main === undefined) throw invalid(address);
  const message = `${shown(address)} is the branch ${shown(branch)} of ${main.id}; segmentd serves main branches`;
  throw new SegmentdError('event_table_invalid', message);
}

function tableAt(databases: Databases, location: string): TableRef | undefined {
  const plain = plainTableAt(databases, location);
  if (plain || !FOLDER.test(location)) return plain;
  for (const { database, rest } of databasesAround(databases, location)) {
    // A catalog may list it by now, most likely under the name that it was made with.
    const name = databases.listed?.nameOf(database, rest) ?? madeName(rest);
    if (name !== undefined) return byName(databases, database, name);
  }
  return undefined;
}

/** Databases may be nested folders, so one that does not hold the table directly does not end the search. */
function plainTableAt(databases: Databases, location: string): TableRef | undefined {
  for (const { database, base, rest } of databasesAround(databases, location)) {
    const name = rest.slice(0, -SUFFIX.length);
    if (rest.endsWith(SUFFIX) && NAME.test(name)) return tableRef(database, base, name);
  }
  return undefined;
}

/** The databases that a location lies in, with the rest of it. */
function databasesAround(databases: Databases, location: string) {
  return [...databases].flatMap(([database, uri]) => {
    const base = withoutSlash(uri);
    return location.startsWith(`${base}/`) ? [{ database, base, rest: location.slice(base.length + 1) }] : [];
  });
}

/**
 * The one spelling of a folder, without a slash at its end (so that of `/` is empty): of a path or file URI the absolute path,
 * decoded once, without empty parts and `.`; keys of object stores are taken as they are, behind a scheme in lower case. Undefined for what
 * leads upwards and for a URI that names no file here.
 */
function folderOf(location: string): string | undefined {
  if (!FILE_URI.test(location) && !location.startsWith('/')) {
    return withoutSlash(location.replace(STORE_SCHEME, (scheme) => scheme.toLowerCase()));
  }
  const path = FILE_URI.test(location) ? pathOrNone(location) : location;
  const parts = path?.split('/').filter((part) => part !== '' && part !== '.');
  return parts?.includes('..') ? undefined : parts?.map((part) => `/${part}`).join('');
}

function pathOrNone(uri: string): string | undefined {
  try {
    return pathOfFileUri(uri);
  } catch {
    return undefined;
  }
}

const tableRef = (database: string, base: string, name: string): TableRef => ({
  id: `${database}/${name}`,
  database,
  name,
  uri: tableUri(base, name),
});

const withoutSlash = (base: string): string => base.replace(/\/+$/, '');

const shown = (text: string): string =>
  JSON.stringify(text.length > SHOWN_CHARS ? `${text.slice(0, SHOWN_CHARS)}…` : text);

const invalid = (address: string): SegmentdError =>
  new SegmentdError('event_table_invalid', `${shown(address)} does not name a table`);
