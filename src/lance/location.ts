/** Where a table lies, as given on a command line. */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { messageOf, SegmentdError } from '../lib/errors.ts';

/** An absolute directory from a path or `file://` URI that ends in `.lance`. Errors: usage. */
export function tableLocation(given: string, cwd: string): string {
  const trimmed = given.replace(/\/+$/, '');
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(trimmed)?.[1]?.toLowerCase();
  if (scheme !== undefined && scheme !== 'file') {
    throw new SegmentdError('usage', `${given}: segmentd works on local tables; ${scheme}:// is not supported`);
  }
  if (!trimmed.endsWith('.lance')) {
    throw new SegmentdError('usage', `${given}: a table is a directory that ends in .lance`);
  }
  return scheme === 'file' ? pathOfFileUri(trimmed) : resolve(cwd, trimmed);
}

function pathOfFileUri(uri: string): string {
  try {
    return fileURLToPath(uri);
  } catch (error) {
    throw new SegmentdError('usage', `${uri}: ${messageOf(error)}`, { cause: error });
  }
}
