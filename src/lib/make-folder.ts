import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { errnoOf } from './errors.ts';

/**
 * Makes a folder and those above it; one that is there is fine. Throws the errno of the folder that could not be made: Node's
 * recursive mkdir reports ENOENT for a read-only file system, https://github.com/nodejs/node/issues/47098. `mode`: of the folders that are made.
 */
export function makeFolder(path: string, mode = 0o777): void {
  if (makeOne(path, mode)) return;
  makeFolder(dirname(path), mode);
  // A process that deletes the folder above at the same time is not worth a third try.
  if (!makeOne(path, mode)) mkdirSync(path, mode);
}

/** False when the folder above is not there. That one is there already is told without an exception, which takes ten times as long. */
function makeOne(path: string, mode: number): boolean {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return true;
  try {
    mkdirSync(path, mode);
    return true;
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT' && dirname(path) !== path) return false;
    if (errno === 'EEXIST' && statSync(path).isDirectory()) return true;
    throw error;
  }
}
