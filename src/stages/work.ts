/** What travels between the stages: a batch of events for one table, and what has become of it so far. */

import type { Manifest } from '../lance/codec/manifest.ts';
import type { TablePlan } from '../lance/plan/table-plan.ts';
import type { Build } from '../lance/segment.ts';
import type { SegmentdError } from '../lib/errors.ts';
import type { IndexReport, PendingEvent, TableRef } from '../model.ts';

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
};

/** Nothing to do (any more) for events up to `coveredVersion`. */
export type Covered = {
  readonly kind: 'covered';
  readonly batch: Batch;
  readonly coveredVersion: number;
  /** Whether a commit of this batch did it; else there was nothing to do. */
  readonly committed: boolean;
  /** The table as it is known to be now. */
  readonly tableVersion: number;
  readonly indexes: readonly IndexReport[];
};
type Declined = { readonly kind: 'declined'; readonly batch: Batch; readonly error: SegmentdError };
/** The table moved, or more is missing than fits one segment: the batch is planned again. */
export type Requeue = { readonly kind: 'requeue'; readonly batch: Batch };

export type Planned =
  | Covered
  | Declined
  | Requeue
  | (TablePlan & { readonly kind: 'missing'; readonly batch: Batch; readonly manifest: Manifest });

export type Built =
  | Exclude<Planned, { kind: 'missing' }>
  | (Omit<Extract<Planned, { kind: 'missing' }>, 'kind'> & { readonly kind: 'built'; readonly build: Build });

export type Settleable = Covered | Declined | Requeue;
