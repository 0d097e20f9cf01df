import { SegmentdError } from '../lib/errors.ts';
import type { TableRef } from '../model.ts';

/**
 * A table name as LanceDB accepts it, less a leading dot. The pattern is the whole defence against paths that lead elsewhere:
 * no separator, no escape, no control or look-alike character passes it, and `..` is one of the names it refuses. With its suffix
 * a name is no longer than file systems take, 255 bytes.
 */
const NAME_PATTERN = String.raw`(?!\.)[A-Za-z0-9_.\-]{1,249}`;
const NAME = new RegExp(`^${NAME_PATTERN}$`);
const SUFFIX = '.lance';
/**
 * An address that resolveTable may take, for the JSON Schema: which databases there are it cannot know. Names of databases are
 * written as the configuration has them.
 */
export const ADDRESS_PATTERN = String.raw`^(?:[a-z0-9][a-z0-9_\-]*/${NAME_PATTERN}|(?:/|[^/]*://)(?:.*/)?${NAME_PATTERN}\.lance)$`;
/** Of an address in a message; longer ones are somebody else's data. */
const SHOWN_CHARS = 120;

/**
 * The table that an event names: `<database>/<table>`, or the full path or URI of a table inside a configured database. The
 * result lies at exactly `<database uri>/<table>.lance`. `databases` maps names to URIs or absolute directories.
 * Throws SegmentdError `event_table_invalid`, `event_database_unknown` or `event_table_outside`.
 */
export function resolveTable(databases: ReadonlyMap<string, string>, address: string): TableRef {
  if (address.startsWith('/') || address.includes('://')) return byUri(databases, address);
  const parts = address.split('/');
  const [database = '', name = ''] = parts;
  if (parts.length !== 2 || database === '' || !NAME.test(name)) throw invalid(address);
  const base = databases.get(database);
  if (base === undefined) {
    throw new SegmentdError('event_database_unknown', `no database ${shown(database)} is configured`);
  }
  return tableRef(database, base, name);
}

function byUri(databases: ReadonlyMap<string, string>, address: string): TableRef {
  let inside = false;
  for (const [database, base] of databases) {
    const prefix = `${withoutSlash(base)}/`;
    if (!address.startsWith(prefix)) continue;
    inside = true;
    // Databases may be nested folders, so one that does not hold the table directly does not end the search.
    const rest = address.slice(prefix.length);
    const name = rest.slice(0, -SUFFIX.length);
    if (rest.endsWith(SUFFIX) && NAME.test(name)) return tableRef(database, base, name);
  }
  if (inside) throw invalid(address);
  throw new SegmentdError('event_table_outside', `${shown(address)} lies outside the configured databases`);
}

const tableRef = (database: string, base: string, name: string): TableRef => ({
  id: `${database}/${name}`,
  database,
  name,
  uri: `${withoutSlash(base)}/${name}${SUFFIX}`,
});

const withoutSlash = (base: string): string => base.replace(/\/+$/, '');

const shown = (text: string): string =>
  JSON.stringify(text.length > SHOWN_CHARS ? `${text.slice(0, SHOWN_CHARS)}…` : text);

const invalid = (address: string): SegmentdError =>
  new SegmentdError('event_table_invalid', `${shown(address)} does not name a table`);
