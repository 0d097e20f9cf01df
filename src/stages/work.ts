/** What travels between the stages: a batch of events for one table, and what has become of it so far. */

import type { Manifest } from '../lance/codec/manifest.ts';
import type { Committed } from '../lance/commit/apply-build.ts';
import type { RejectCause } from '../lance/commit/reject-causes.ts';
import type { TablePlan } from '../lance/plan/table-plan.ts';
import type { Build, BuiltSegment, SegmentRequest } from '../lance/segment.ts';
import type { SegmentdError } from '../lib/errors.ts';
import type { IndexReport, PendingEvent, TableRef } from '../model.ts';
import type { BatchTrace } from '../tracing/batch-trace.ts';

/** Events of one table that are settled together. */
export type Batch = {
  readonly table: TableRef;
  readonly events: readonly PendingEvent[];
  /** Events that are left for a round after this one. */
  readonly deferred: readonly PendingEvent[];
  /** How often in a row it was planned again without progress. */
  readonly replanCount: number;
  /** The version that it was planned for last, with nothing left to do up to there. */
  readonly plannedVersion?: number;
  /** Whether a commit landed for it already. */
  readonly committed: boolean;
  /** Where traces are on. */
  readonly trace?: BatchTrace;
};

/** Nothing to do (any more) for events up to `coveredVersion`. */
export type Covered = {
  readonly kind: 'covered';
  readonly batch: Batch;
  readonly coveredVersion: number;
  /** Whether a commit of this batch did it; else there was nothing to do. */
  readonly committed: boolean;
  /** Since when readers see it, milliseconds since the epoch; now unless given. */
  readonly coveredAtMs?: number;
  /** The table as it is known to be now. */
  readonly tableVersion: number;
  readonly indexes: readonly IndexReport[];
};
type Declined = { readonly kind: 'declined'; readonly batch: Batch; readonly error: SegmentdError };
/** The table moved, or more is missing than fits one segment: the batch is planned again. */
export type Requeue = { readonly kind: 'requeue'; readonly batch: Batch };

/**
 * Small merges of a remote table, which land in the version of a batch: a version of their own would keep the table busy for as long. One
 * of `landed`, `refused` and `failed` ends them.
 */
export type MergesAlong = {
  /** The segments to build for them. */
  readonly requests: readonly SegmentRequest[];
  /** Uuids of the segments that these replace. */
  readonly remove: readonly string[];
  /** Whether a segment is theirs, and not one of the batch. */
  owns(segment: SegmentRequest): boolean;
  /** Their build begins. */
  started(): void;
  built(segments: readonly BuiltSegment[]): void;
  /** `done`: the commit with everything in it. */
  landed(done: Committed): void;
  /** The table moved under them: nothing of them is in it. */
  refused(cause: RejectCause): void;
  /** The same, after an error. The next merge of the table is done alone, and tells of an error that stays. */
  failed(): void;
};

/** The merges that may go along with a batch that is planned on this version; null when none may. */
export type OfferMerges = (table: TableRef, manifest: Manifest) => MergesAlong | null;

export type Missing = TablePlan & {
  readonly kind: 'missing';
  readonly batch: Batch;
  readonly manifest: Manifest;
  readonly along: MergesAlong | null;
};

export type Planned = Covered | Declined | Requeue | Missing;

export type Built =
  | Exclude<Planned, Missing>
  | (Omit<Missing, 'kind'> & { readonly kind: 'built'; readonly build: Build });

export type Settleable = Covered | Declined | Requeue;
