/** Folders of downloaded things, made once and kept. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';

/** Stands in a folder that is complete: an interrupted download leaves none, and is done again. */
const MARKER = 'complete';
/** What is being downloaded into the cache itself lies in folders of this prefix. */
const ASIDE = 'download-';
/** A download takes seconds, a build minutes; one this old was killed. */
const ABANDONED_MS = 3_600_000;

export const isComplete = (folder: string): boolean => existsSync(join(folder, MARKER));

/** Short enough for a name. */
export const digest = (data: string | Uint8Array): string =>
  createHash('sha256').update(data).digest('hex').slice(0, 12);

/**
 * The folder `name` in `SEGMENTD_CACHE_DIR` (default: `.cache` in the repository), filled by the first who asks. `name` says the
 * version, so that nothing stale is ever mixed in.
 */
export async function cachedFolder(name: string, fill: (aside: string) => Promise<void>): Promise<string> {
  const cache = resolve(process.env.SEGMENTD_CACHE_DIR || join(import.meta.dirname, '..', '.cache'));
  const home = join(cache, name);
  await mkdir(cache, { recursive: true });
  await removeAbandoned(cache);
  await makeOnce(home, ASIDE, fill);
  return home;
}

/**
 * Fills `folder` unless it is complete. `fill` works in a folder aside, named with `prefix`, which is renamed at the end: several
 * processes may do it at once, the first wins, and none sees half a folder.
 */
export async function makeOnce(folder: string, prefix: string, fill: (aside: string) => Promise<void>): Promise<void> {
  if (isComplete(folder)) return;
  await mkdir(dirname(folder), { recursive: true });
  const aside = await mkdtemp(join(dirname(folder), prefix));
  try {
    await fill(aside);
    await writeFile(join(aside, MARKER), '');
    await rename(aside, folder).catch(async (error: unknown) => {
      // Another process was faster, or left a folder without its marker.
      if (isComplete(folder)) return;
      await rm(folder, { recursive: true, force: true });
      await rename(aside, folder).catch(() => {
        if (!isComplete(folder)) throw error;
      });
    });
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

async function removeAbandoned(cache: string): Promise<void> {
  for (const name of await readdir(cache)) {
    const path = join(cache, name);
    if (!name.startsWith(ASIDE)) continue;
    // Gone meanwhile: its download has ended.
    const found = await stat(path).catch(() => null);
    if (found === null || Date.now() - found.mtimeMs < ABANDONED_MS) continue;
    await rm(path, { recursive: true, force: true });
  }
}
