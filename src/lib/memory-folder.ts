/**
 * A place in memory for small files that live for milliseconds: on a disk with much to do, making and removing one costs up to a hundred times
 * as much. Only Linux has one that is always there.
 */
import { statfsSync } from 'node:fs';
import { join } from 'node:path';
import { ownName, SCRATCH_NAME } from './own-folder.ts';

const SHARED = '/dev/shm';
/** f_type of tmpfs, from linux/magic.h: what else is mounted there may be a disk. */
const TMPFS_MAGIC = 0x01021994;

/** The folder of this user in it, which need not be there yet; null where there is no such place. */
export function memoryFolder(shared: string = SHARED): string | null {
  try {
    return statfsSync(shared).type === TMPFS_MAGIC ? join(shared, ownName(SCRATCH_NAME)) : null;
  } catch {
    return null;
  }
}
