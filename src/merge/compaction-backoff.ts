/**
 * Spares the candidates of compactions while compactions by other writers keep failing because of commits of segmentd.
 *
 * Candidates are the segments whose fragments others may be compacting: over two or more fragments that are small to Lance, or over
 * one with many deleted rows, which Lance rewrites by itself. Otherwise Lance compacts only neighbours that the same segments cover,
 * so no compaction touches the fragment of any other segment over a single one, and a merge of such segments makes room for a
 * compaction. A merge that replaces a candidate, though, makes each compaction of its fragments under way fail. Where fragments are
 * compacted as they are appended, the candidates are the segments at the end of the table.
 */
import { TARGET_ROWS_PER_FRAGMENT } from '../lance/plan/compaction-target.ts';
import type { FailedCompactions } from '../lance/table/failed-compactions.ts';
import { consecutiveFailures } from '../lance/table/failed-compactions.ts';
import type { MergeCandidate } from './policy/candidates.ts';

/** Share of deleted rows above which Lance's compaction rewrites a fragment, by default. */
const MUCH_DELETED = 0.1;

export function isMuchDeleted(rows: number, deleted: number): boolean {
  return deleted > MUCH_DELETED * (rows + deleted);
}

export function isCompactionCandidate({
  positions,
  rows,
  hasMuchDeleted = false,
}: Omit<MergeCandidate, 'uuid'>): boolean {
  return hasMuchDeleted || (positions.length > 1 && rows < TARGET_ROWS_PER_FRAGMENT * positions.length);
}

/**
 * The segments that may be merged while candidates are left alone. All of them when there are more than `maxSegments`: lookups in
 * ever more segments would cost readers more than a failed compaction.
 */
export function excludingCompactable(
  segments: readonly MergeCandidate[],
  maxSegments: number,
): readonly MergeCandidate[] {
  return segments.length > maxSegments ? segments : segments.filter((segment) => !isCompactionCandidate(segment));
}

type BackoffSettings = {
  /** The first backoff, milliseconds; each compaction that fails after that doubles it. */
  readonly firstMs: number;
  readonly maxMs: number;
};

/** A small table is compacted in seconds, and one that is compacted on a schedule within the hour. */
const COMPACTION_BACKOFF: BackoffSettings = { firstMs: 60_000, maxMs: 3_600_000 };

/** One failure is chance. */
const FAILURES_IN_A_ROW = 2;
/** Share of a backoff by which it varies. */
const JITTER = 0.2;
/** How many tables are remembered; for one that was forgotten the history is read anew. */
const MAX_TABLES = 10_000;

type Table = {
  readonly failed: FailedCompactions;
  readonly lengthMs: number;
  readonly untilMs: number;
  /** The last failed compaction that the backoff is for. */
  readonly failedVersion: number;
};

export class CompactionBackoff {
  private readonly settings: BackoffSettings;
  private readonly random: () => number;
  private readonly tables = new Map<string, Table>();

  /** `random` gives numbers from 0 to 1. */
  constructor(settings: BackoffSettings = COMPACTION_BACKOFF, random: () => number = Math.random) {
    this.settings = settings;
    this.random = random;
  }

  /** What was known of a table when it was last asked about: where to go on reading its history. */
  seen(tableId: string): FailedCompactions | null {
    return this.tables.get(tableId)?.failed ?? null;
  }

  /** Whether merges may replace candidates now. */
  mayTouchCandidates(tableId: string, failed: FailedCompactions, nowMs: number): boolean {
    const next = this.next(this.tables.get(tableId), failed, nowMs);
    // A Map iterates in order of insertion: taking it out and in again makes it the most recent.
    this.tables.delete(tableId);
    this.tables.set(tableId, next);
    if (this.tables.size > MAX_TABLES) this.tables.delete(this.tables.keys().next().value as string);
    return this.remainingMs(tableId, nowMs) === 0;
  }

  /** Milliseconds until merges may replace candidates, as of the last time a table was asked about; 0: now. */
  remainingMs(tableId: string, nowMs: number): number {
    return Math.max(0, (this.tables.get(tableId)?.untilMs ?? 0) - nowMs);
  }

  private next(table: Table | undefined, failed: FailedCompactions, nowMs: number): Table {
    const inARow = consecutiveFailures(failed);
    const newest = inARow.at(-1);
    if (!newest || inARow.length < FAILURES_IN_A_ROW || nowMs - newest.atMs > 2 * this.settings.maxMs) {
      return { failed, lengthMs: 0, untilMs: 0, failedVersion: 0 };
    }
    if (table && newest.version <= table.failedVersion) return { ...table, failed };
    const { firstMs, maxMs } = this.settings;
    const lengthMs = table && table.lengthMs > 0 ? Math.min(maxMs, 2 * table.lengthMs) : firstMs;
    const untilMs = nowMs + lengthMs * (1 + JITTER * (2 * this.random() - 1));
    return { failed, lengthMs: lengthMs, untilMs, failedVersion: newest.version };
  }
}
