/** Where a table or a database lies, as given on a command line. */
import { resolve } from 'node:path';
import { messageOf, SegmentdError } from '../lib/errors.ts';
import { FILE_URI, pathOfFileUri } from '../lib/file-uri.ts';
import { isStoreUri, normalStoreUri, shownUri, storeUriProblem } from '../lib/store-uri.ts';

const SUFFIX = '.lance';

/** Whether a path or URI names a table; anything else names a database. Slashes and `/.` at its end change nothing. */
export function namesTable(given: string): boolean {
  return given.replace(/(?:\/+\.)*\/*$/, '').endsWith(SUFFIX);
}

/** An absolute directory, or the one spelling of a URI of an object store, from a path or URI. Errors: usage. */
export function locationOf(given: string, cwd: string): string {
  if (given === '') throw new SegmentdError('usage', 'the place of the table or database is empty');
  if (FILE_URI.test(given)) return resolve(pathOf(given));
  if (!isStoreUri(given)) return resolve(cwd, given);
  const problem = storeUriProblem(given);
  if (problem === undefined) return normalStoreUri(given);
  throw new SegmentdError('usage', `${shownUri(given)}: ${problem}`);
}

function pathOf(uri: string): string {
  try {
    return pathOfFileUri(uri);
  } catch (error) {
    throw new SegmentdError('usage', `${uri}: not a usable file URI: ${messageOf(error)}`, { cause: error });
  }
}
