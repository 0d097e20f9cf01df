/** How long the fresh data of a table waits for its indexes. */
import type { Manifest } from '../lance/codec/manifest.ts';
import type { IndexState } from '../lance/plan/index-plan.ts';
import { appearedMs } from '../lance/table/fragment-age.ts';
import type { LanceTable } from '../lance/table/table.ts';

/** The oldest fragment that an index of the table misses, and since when, milliseconds since the epoch. */
export type FreshDataGap = { readonly fragment: number; readonly sinceMs: number };

/**
 * The gap of a table at a version, null when its indexes miss nothing. It begins with the version that brought the fragment: the
 * latest may be a second old while a build that began half a minute ago is still to cover what came since. The history is read
 * once per gap, and no further back than it takes to know that the gap is older than `limitMs`. Errors: those of LanceTable.
 */
export async function freshDataGap(
  lance: LanceTable,
  manifest: Manifest,
  states: readonly Pick<IndexState, 'coverage'>[],
  before: FreshDataGap | null,
  limitMs: number,
): Promise<FreshDataGap | null> {
  const fragment = Math.min(...states.flatMap(({ coverage }) => coverage.missing[0] ?? []));
  if (fragment === Infinity) return null;
  if (before?.fragment === fragment) return before;
  return { fragment, sinceMs: await appearedMs(lance, manifest, fragment, limitMs) };
}

export const lagMs = (gap: FreshDataGap | null): number => (gap ? Date.now() - gap.sinceMs : 0);
