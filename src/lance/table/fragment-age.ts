/** How long a fragment has been in a table, from the versions that are still there. */
import type { Manifest } from '../codec/manifest.ts';
import type { LanceTable } from './table.ts';

/**
 * Milliseconds since the epoch at which the first version with the fragment was made, as far as it can be read; the answer is
 * exact up to an age of `enoughMs`, and for an older one any age above that. Few versions are read: as many as the logarithm of
 * their number. Errors: those of LanceTable.
 */
export async function appearedMs(
  table: LanceTable,
  latest: Manifest,
  fragment: number,
  enoughMs: number,
): Promise<number> {
  const read = async (version: number) => {
    const manifest = version > 0 ? await table.at(version) : null;
    return manifest && manifest.fragments.indexOf(fragment) >= 0 ? manifest : null;
  };
  let first = latest;
  /** The newest version that is known not to have it, or not to be there: what is older cannot be read. */
  let before: number | null = null;
  for (let back = 1; before === null && Date.now() - first.timestampMs <= enoughMs; back *= 2) {
    const version = Math.max(0, latest.version - back);
    const found = await read(version);
    if (found) first = found;
    else before = version;
  }
  while (before !== null && first.version - before > 1) {
    const middle: number = Math.floor((first.version + before) / 2);
    const found = await read(middle);
    if (found) first = found;
    else before = middle;
  }
  return first.timestampMs;
}
