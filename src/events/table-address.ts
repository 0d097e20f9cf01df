import { SegmentdError } from '../lib/errors.ts';
import { FILE_URI, pathOfFileUri } from '../lib/file-uri.ts';
import { STORE_SCHEME } from '../lib/store-uri.ts';
import { TABLE_NAME_PATTERN as NAME_PATTERN, TABLE_SUFFIX as SUFFIX, tableUri } from '../lib/table-name.ts';
import type { TableRef } from '../model.ts';

const NAME = new RegExp(`^${NAME_PATTERN}$`);

/** Slashes after a table's folder, with the dots that mean the same folder. */
const TAIL = String.raw`(?:/+\.)*/*`;
const NO_WAY_UP = String.raw`(?![\s\S]*/\.\.(?:/|$))`;
const FILE = '[Ff][Ii][Ll][Ee]:';
const LOCAL = '(?://(?:[Ll][Oo][Cc][Aa][Ll][Hh][Oo][Ss][Tt])?(?=/)|(?=/(?!/)))';
/** In a file URI any character may be an escape; what the escapes mean is left to resolveTable. */
const ENCODED_FILE = String.raw`(?:[^?#\\]*/)(?=[^/]*(?:%|\.lance(?:/|$)))(?!\.|%2[Ee])(?:[A-Za-z0-9_.\-]|%[2-7][0-9A-Fa-f])+`;
/**
 * An address that resolveTable may take, for the JSON Schema: which databases there are it cannot know. Names of databases are
 * written as the configuration has them.
 */
export const ADDRESS_PATTERN = `^(?:${[
  String.raw`[a-z0-9][a-z0-9_\-]*/${NAME_PATTERN}`,
  String.raw`${NO_WAY_UP}/(?:[\s\S]*/)?${NAME_PATTERN}\.lance${TAIL}`,
  `${NO_WAY_UP}${FILE}${LOCAL}${ENCODED_FILE}${TAIL}`,
  String.raw`(?!${FILE})[A-Za-z][A-Za-z0-9+.\-]*://(?:[\s\S]*/)?${NAME_PATTERN}\.lance/*`,
].join('|')})$`;
/** Of an address in a message; longer ones are no address. */
const SHOWN_CHARS = 120;

/**
 * The table that an event names: `<database>/<table>`, or the full path or URI of a table inside a configured database. The
 * result lies at exactly `<database uri>/<table>.lance`. `databases` maps names to URIs of object stores or absolute directories, as
 * loadConfig gives them: without `.`, `..` and empty parts.
 * Throws SegmentdError `event_table_invalid`, `event_database_unknown` or `event_table_outside`.
 */
export function resolveTable(databases: ReadonlyMap<string, string>, address: string): TableRef {
  if (isLocation(address)) return byLocation(databases, address);
  const parts = address.split('/');
  const [database = '', name = ''] = parts;
  if (parts.length !== 2 || database === '' || !NAME.test(name)) throw invalid(address);
  const base = databases.get(database);
  if (base === undefined) {
    throw new SegmentdError('event_database_unknown', `no database ${shown(database)} is configured`);
  }
  return tableRef(database, base, name);
}

const isLocation = (address: string) => address.startsWith('/') || FILE_URI.test(address) || STORE_SCHEME.test(address);

function byLocation(databases: ReadonlyMap<string, string>, address: string): TableRef {
  const location = folderOf(address);
  if (location === undefined) throw invalid(address);
  let isInside = false;
  for (const [database, uri] of databases) {
    const base = withoutSlash(uri);
    if (!location.startsWith(`${base}/`)) continue;
    isInside = true;
    // Databases may be nested folders, so one that does not hold the table directly does not end the search.
    const rest = location.slice(base.length + 1);
    const name = rest.slice(0, -SUFFIX.length);
    if (rest.endsWith(SUFFIX) && NAME.test(name)) return tableRef(database, base, name);
  }
  if (isInside) throw invalid(address);
  throw new SegmentdError('event_table_outside', `${shown(address)} lies outside the configured databases`);
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
