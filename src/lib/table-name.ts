/**
 * A table name as LanceDB accepts it, less a leading dot. The pattern is the whole defence against paths that lead elsewhere:
 * no separator, no escape, no control or look-alike character passes it, and `..` is one of the names it refuses. With its suffix
 * a name is no longer than file systems take, 255 bytes.
 */
export const TABLE_NAME_PATTERN = String.raw`(?!\.)[A-Za-z0-9_.\-]{1,249}`;
export const TABLE_SUFFIX = '.lance';

const NAME_PARTS = String.raw`(?!\.)[A-Za-z0-9_.\-]+(?:\$(?!\.)[A-Za-z0-9_.\-]+)*`;

/**
 * A name as a catalog of LanceDB lists it: namespaces and the table, with `$` between them. Each of them is held to what a plain name is
 * held to, and one that is empty or begins with a dot is refused. Plain names are among them.
 */
export const LISTED_NAME_PATTERN = String.raw`(?![A-Za-z0-9_.\-$]{250})${NAME_PARTS}`;

/** The last folder of a location that events may name: LanceDB puts eight digits before a listed name. */
export const TABLE_FOLDER_PATTERN = String.raw`(?:${NAME_PARTS}\.lance|[0-9a-f]{8}_${LISTED_NAME_PATTERN})`;

/** The name that LanceDB made a table with, out of a folder that has no `.lance` for it; undefined for other folders. */
export const madeName = (folder: string): string | undefined => MADE_FOLDER.exec(folder)?.[1];

const MADE_FOLDER = new RegExp(`^[0-9a-f]{8}_(${LISTED_NAME_PATTERN})$`);

/** Where a table of a database lies: below a folder, or the URI of an object store. */
export const tableUri = (database: string, name: string): string =>
  `${database.replace(/\/+$/, '')}/${name}${TABLE_SUFFIX}`;
