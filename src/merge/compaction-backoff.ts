/**
 * Leaves the tail of a table alone while compactions of others keep losing to segmentd.
 *
 * The tail is what others may be compacting: segments over two or more fragments that are small to Lance, or over one with many deleted rows, which Lance
 * rewrites by itself. Otherwise it compacts only neighbours that the same segments cover, so any other segment over a single
 * fragment is in nobody's way, and a merge of such segments makes room for a compaction. A merge that replaces a segment of the
 * tail, though, takes away the work of everybody who is compacting its fragments. Where fragments are compacted as they are
 * appended, the tail is the end of the table.
 */
import type { FailedCompactions } from '../lance/table/failed-compactions.ts';
import { consecutiveFailures } from '../lance/table/failed-compactions.ts';
import type { MergeCandidate } from './policy/candidates.ts';

/** Rows below which a fragment is worth compacting: what Lance's compaction aims at unless it is told otherwise. */
const TARGET_ROWS_PER_FRAGMENT = 1024 * 1024;

/** Share of deleted rows above which Lance's compaction rewrites a fragment, unless it is told otherwise. */
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
 * The segments that may be merged while the tail is left alone. All of them when there are more than `maxSegments`: lookups in
 * ever more segments would be a poorer service to everybody than a lost compaction.
 */
export function excludingCompactable(
  segments: readonly MergeCandidate[],
  maxSegments: number,
): readonly MergeCandidate[] {
  return segments.length > maxSegments ? segments : segments.filter((segment) => !isCompactionCandidate(segment));
}

export type PauseSettings = {
  /** The first pause, milliseconds; each compaction lost after that doubles it. */
  readonly firstMs: number;
  readonly maxMs: number;
};

/** A small table is compacted in seconds, and whoever compacts on a schedule does so within the hour. */
export const COMPACTION_BACKOFF: PauseSettings = { firstMs: 60_000, maxMs: 3_600_000 };

/** One lost race is chance. */
const LOST_IN_A_ROW = 2;
/** Share of a pause by which it varies. */
const JITTER = 0.2;
/** How many tables are remembered; for one that was forgotten the history is read anew. */
const MAX_TABLES = 10_000;

type Table = {
  readonly races: FailedCompactions;
  readonly pauseMs: number;
  readonly untilMs: number;
  /** The last lost compaction that the pause is for. */
  readonly lostVersion: number;
};

export class CompactionBackoff {
  private readonly settings: PauseSettings;
  private readonly random: () => number;
  private readonly tables = new Map<string, Table>();

  /** `random` gives numbers from 0 to 1. */
  constructor(settings: PauseSettings = COMPACTION_BACKOFF, random: () => number = Math.random) {
    this.settings = settings;
    this.random = random;
  }

  /** What was known of a table when it was last asked about: where to go on reading its history. */
  seen(tableId: string): FailedCompactions | null {
    return this.tables.get(tableId)?.races ?? null;
  }

  /** Whether merges may replace segments of the tail now. */
  mayTouchCandidates(tableId: string, lost: FailedCompactions, nowMs: number): boolean {
    const next = this.next(this.tables.get(tableId), lost, nowMs);
    // A Map iterates in order of insertion: taking it out and in again makes it the most recent.
    this.tables.delete(tableId);
    this.tables.set(tableId, next);
    if (this.tables.size > MAX_TABLES) this.tables.delete(this.tables.keys().next().value as string);
    return this.remainingMs(tableId, nowMs) === 0;
  }

  /** Milliseconds until merges may replace segments of the tail, as of the last time a table was asked about; 0: now. */
  remainingMs(tableId: string, nowMs: number): number {
    return Math.max(0, (this.tables.get(tableId)?.untilMs ?? 0) - nowMs);
  }

  private next(table: Table | undefined, races: FailedCompactions, nowMs: number): Table {
    const row = consecutiveFailures(races);
    const newest = row.at(-1);
    if (!newest || row.length < LOST_IN_A_ROW || nowMs - newest.atMs > 2 * this.settings.maxMs) {
      return { races, pauseMs: 0, untilMs: 0, lostVersion: 0 };
    }
    if (table && newest.version <= table.lostVersion) return { ...table, races };
    const { firstMs, maxMs } = this.settings;
    const pauseMs = table && table.pauseMs > 0 ? Math.min(maxMs, 2 * table.pauseMs) : firstMs;
    const untilMs = nowMs + pauseMs * (1 + JITTER * (2 * this.random() - 1));
    return { races, pauseMs, untilMs, lostVersion: newest.version };
  }
}
