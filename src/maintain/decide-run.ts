/** Whether a table is to be compacted and cleaned up now. Pure. */
import type { ManifestCost } from '../lance/table/table-cost.ts';
import type { MaintainSettings } from './maintain-settings.ts';

/** `asked`: by an operator. */
export type RunReason = 'asked' | 'schedule' | 'small_fragments' | 'deleted_rows';

/** What is known of a table. Times are milliseconds since the epoch. */
export type MaintainFacts = Pick<ManifestCost, 'smallFragments' | 'rows' | 'deletedRows'> & {
  readonly nowMs: number;
  readonly version: number;
  /** Whether its indexes cover all of it. */
  readonly isCovered: boolean;
  /** Of the index that misses most. */
  readonly missingFragments: number;
  /** Whether an operator asked for a run. */
  readonly isAsked: boolean;
  /** When the oldest version was written, as last seen. */
  readonly oldestVersionMs: number;
  /** The last run of this process that came to its end. */
  readonly last: LastRun | null;
};

export type LastRun = {
  readonly atMs: number;
  /** The version that it left. */
  readonly version: number;
  /** Whether it compacted anything. */
  readonly compacted: boolean;
};

/** Between two runs that a table needs. A run costs versions and a look at every file. */
const NEED_GAP_MS = 10 * 60_000;
/** The same after a run that could not compact what made it due. */
const FRUITLESS_GAP_MS = 6 * 3600_000;

export function isOff({ everyMs, smallFragments, deletedFraction }: MaintainSettings): boolean {
  return everyMs === null && smallFragments === null && deletedFraction === null;
}

/** The reason for a run now, or null. One that is asked for waits for nothing but the coverage, which a table without an index has. */
export function decideRun(facts: MaintainFacts, settings: MaintainSettings): RunReason | null {
  if (facts.isAsked && facts.missingFragments === 0) return 'asked';
  if (!facts.isCovered) return null;
  return neededFor(facts, settings) ?? (isScheduled(facts, settings) ? 'schedule' : null);
}

function neededFor(
  { nowMs, smallFragments, rows, deletedRows, last }: MaintainFacts,
  { smallFragments: most, deletedFraction }: MaintainSettings,
): RunReason | null {
  if (last && nowMs - last.atMs < (last.compacted ? NEED_GAP_MS : FRUITLESS_GAP_MS)) return null;
  if (most !== null && smallFragments >= most) return 'small_fragments';
  const share = deletedRows / Math.max(1, rows + deletedRows);
  return deletedFraction !== null && deletedRows > 0 && share >= deletedFraction ? 'deleted_rows' : null;
}

/**
 * A process that has just started takes the age of the oldest version for the last cleanup: a cleanup leaves none that is older than versions
 * are kept. Where nothing was written since the last run there is nothing to compact, and versions go once they are old enough.
 */
function isScheduled(
  { nowMs, version, oldestVersionMs, last }: MaintainFacts,
  { everyMs, keepVersionsMs }: MaintainSettings,
): boolean {
  if (everyMs === null) return false;
  const cleanedMs = oldestVersionMs + keepVersionsMs;
  if (!last) return nowMs - cleanedMs >= everyMs;
  return nowMs - last.atMs >= everyMs && (version !== last.version || nowMs > cleanedMs);
}
