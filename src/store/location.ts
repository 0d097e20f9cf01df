/** Where a table or a database lies, as given on a command line. */
import { resolve } from 'node:path';
import { messageOf, SegmentdError } from '../lib/errors.ts';
import { FILE_URI, pathOfFileUri } from '../lib/file-uri.ts';

const SUFFIX = '.lance';

/** Whether a path or URI names a table; anything else names a database. Slashes and `/.` at its end change nothing. */
export function namesTable(given: string): boolean {
  return given.replace(/(?:\/+\.)*\/*$/, '').endsWith(SUFFIX);
}

/** An absolute directory from a path or `file://` URI that ends in `.lance`. Errors: usage. */
export function tableLocation(given: string, cwd: string): string {
  const location = locationOf(given, cwd, 'tables');
  if (namesTable(given)) return location;
  throw new SegmentdError('usage', `${given}: a table is a directory that ends in .lance`);
}

/** The absolute directory of a database, from a path or `file://` URI. Errors: usage. */
export function databaseLocation(given: string, cwd: string): string {
  if (given === '') throw new SegmentdError('usage', 'the place of the database is empty');
  return locationOf(given, cwd, 'databases');
}

function locationOf(given: string, cwd: string, what: string): string {
  if (FILE_URI.test(given)) return resolve(pathOf(given));
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(given)?.[1]?.toLowerCase();
  if (scheme !== undefined) {
    throw new SegmentdError('usage', `${given}: segmentd works on local ${what}; ${scheme}:// is not supported`);
  }
  return resolve(cwd, given);
}

function pathOf(uri: string): string {
  try {
    return pathOfFileUri(uri);
  } catch (error) {
    throw new SegmentdError('usage', `${uri}: not a usable file URI: ${messageOf(error)}`, { cause: error });
  }
}
