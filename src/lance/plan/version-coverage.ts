/**
 * Whether the rows of one version are indexed by now. Pure.
 *
 * What counts is the latest version, which is what queries read: each fragment of the version asked about has to be covered
 * there by every maintained index. Fragments may have left since. Deleted ones are no loss, but compaction moves rows into new
 * fragments, and nothing in a manifest says from where. So from then on all fragments of that later version have to be covered:
 * they hold whatever rows are left. The same when a cleanup deleted the manifest of the version before it was read.
 */

import type { Manifest } from '../codec/manifest.ts';
import { maintainedIndexes } from './index-plan.ts';
import { newerFilesReason, unreadableFragments } from './newer-files.ts';
import type { TablePolicy } from './row-ids.ts';
import { refuse, rowIdsReason } from './row-ids.ts';
import { MANAGED_VERSIONING, unsupportedReason } from './supported.ts';

/** The fragments to be covered, given those of the version asked about, or null when its manifest is gone. */
export function fragmentsToCover(asked: Uint32Array | null, { fragments }: Manifest): Uint32Array {
  return asked?.every((id) => fragments.indexOf(id) >= 0) ? asked : fragments.ids;
}

/**
 * Whether every fragment of `asked` (null: of a version whose manifest is gone) that the latest version has is covered there by
 * all maintained indexes. False for a table that has none. Errors: the code of a declined table, and those of maintainedIndexes.
 */
export function isCovered(asked: Uint32Array | null, latest: Manifest, policy: TablePolicy): boolean {
  const { wanted, stableRowIds, minRows, managedVersioning = false } = policy;
  // What a segment records of a row does not keep the bitmaps from being true; with all else that is declined they may mean something else.
  refuse(unsupportedReason(latest));
  const states = maintainedIndexes(latest, wanted, minRows);
  const missing = states.flatMap(({ coverage }) => Array.from(coverage.missing));
  const needed = new Set(missing.length > 0 ? fragmentsToCover(asked, latest) : []);
  const awaited = missing.filter((id) => needed.has(id));
  const covered = states.length > 0 && awaited.length === 0;
  if (covered) return true;
  // segmentd never covers a declined table, nor what it cannot read, so that the wait would never end.
  refuse(managedVersioning ? MANAGED_VERSIONING : rowIdsReason(latest, states, stableRowIds));
  refuse(newerFilesReason(unreadableFragments(latest, awaited)));
  return false;
}
