/**
 * Where views lie whose manifests are in memory: each has a folder on disk for the segments that are built in it. Such a folder is used again once
 * its segments were moved away: making and removing one costs a busy disk more than what is in it.
 */
import { randomUUID } from 'node:crypto';
import { readdirSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder } from '../../lib/make-folder.ts';

/** Where memory is short, a view of many fragments is not what it is for. LanceDB writes the manifest again, with each index. */
const MOST_BYTES = 1024 * 1024;
const LEAST_FREE_BYTES = 16 * 1024 * 1024;
/** A view takes about ten, of which LanceDB makes most once the build is done, when running out of them is too late to go elsewhere. */
const LEAST_FREE_FILES = 1000;

/** Folders kept for later: as many as there may be builds at once. */
const MOST_KEPT = 64;

export class MemoryViews {
  /** The LanceDB database of these views. */
  readonly database: string;
  readonly #scratchDir: string;
  readonly #empty: string[] = [];

  /** `scratchDir` lies on disk, `memoryDir` in memory; both are there. */
  constructor(scratchDir: string, memoryDir: string) {
    this.#scratchDir = scratchDir;
    this.database = memoryDir;
  }

  /** Whether a view with a manifest of so many bytes is to lie here. */
  hasRoomFor(bytes: number): boolean {
    if (bytes > MOST_BYTES) return false;
    try {
      const { bavail, bsize, files, ffree } = statfsSync(this.database);
      // A tmpfs without a limit of its files says that it has none.
      return bavail * bsize >= LEAST_FREE_BYTES && (files === 0 || ffree >= LEAST_FREE_FILES);
    } catch {
      return false;
    }
  }

  /** An empty folder on disk for segments. Errors: those of the file system. */
  takeFolder(): string {
    const folder = this.#empty.pop() ?? join(this.#scratchDir, randomUUID());
    // One that was kept, too: what cleans `/tmp` up deletes empty folders that have not changed for days.
    makeFolder(folder);
    return folder;
  }

  /** Takes it back, with whatever is left in it. */
  returnFolder(folder: string): void {
    if (this.#empty.length < MOST_KEPT && isEmpty(folder)) this.#empty.push(folder);
    else rmSync(folder, { recursive: true, force: true });
  }
}

function isEmpty(folder: string): boolean {
  try {
    return readdirSync(folder).length === 0;
  } catch {
    return false;
  }
}
