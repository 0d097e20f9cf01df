/** Where a table or a database lies, as given on a command line. */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { messageOf, SegmentdError } from '../lib/errors.ts';

const SUFFIX = '.lance';

/** Whether a path or URI names a table; anything else names a database. */
export function namesTable(given: string): boolean {
  return withoutSlashes(given).endsWith(SUFFIX);
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

const withoutSlashes = (given: string): string => given.replace(/\/+$/, '');

function locationOf(given: string, cwd: string, what: string): string {
  const trimmed = withoutSlashes(given);
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(trimmed)?.[1]?.toLowerCase();
  if (scheme !== undefined && scheme !== 'file') {
    throw new SegmentdError('usage', `${given}: segmentd works on local ${what}; ${scheme}:// is not supported`);
  }
  // Of the root nothing is left without its slash.
  return scheme === 'file' ? pathOfFileUri(trimmed) : resolve(cwd, trimmed || given);
}

function pathOfFileUri(uri: string): string {
  try {
    return fileURLToPath(uri);
  } catch (error) {
    throw new SegmentdError('usage', `${uri}: ${messageOf(error)}`, { cause: error });
  }
}
