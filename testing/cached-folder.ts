/** Folders of downloaded things, made once and kept. */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Stands in a folder that is complete: an interrupted download leaves none, and is done again. */
const MARKER = 'complete';

export const isComplete = (folder: string): boolean => existsSync(join(folder, MARKER));

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
