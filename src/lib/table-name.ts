/**
 * A table name as LanceDB accepts it, less a leading dot. The pattern is the whole defence against paths that lead elsewhere:
 * no separator, no escape, no control or look-alike character passes it, and `..` is one of the names it refuses. With its suffix
 * a name is no longer than file systems take, 255 bytes.
 */
export const TABLE_NAME_PATTERN = String.raw`(?!\.)[A-Za-z0-9_.\-]{1,249}`;
export const TABLE_SUFFIX = '.lance';

/** Where a table of a database lies: below a folder, or the URI of an object store. */
export const tableUri = (database: string, name: string): string =>
  `${database.replace(/\/+$/, '')}/${name}${TABLE_SUFFIX}`;
