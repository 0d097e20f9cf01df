/** What the stages work with. The daemon fills it with the real parts, tests with theirs. */

import type { Backfills } from '../control/backfill-jobs.ts';
import type { Pauses } from '../control/pauses.ts';
import type { TableStates } from '../control/table-states.ts';
import type { WriterVersion } from '../lance/codec/manifest.ts';
import type { BatchLimits } from '../lance/plan/next-segments.ts';
import type { SegmentBuilder } from '../lance/segment.ts';
import type { TableCache } from '../lance/table/table-cache.ts';
import type { Limit } from '../lib/async-limit.ts';
import type { SegmentdError } from '../lib/errors.ts';
import type { AppendEvent, ConsumerRecord, Notification, TableRef } from '../model.ts';
import type { Telemetry } from '../telemetry/events.ts';
import type { BatchTracing } from '../tracing/batch-trace.ts';
import type { RetryWaits } from './retry-waits.ts';

export type PipelineContext = {
  readonly tables: TableCache;
  /** Where a table lies that is not at its place: a catalog may have it elsewhere by now. Errors: catalog_unreadable, store_*. */
  locate(table: TableRef): Promise<TableRef>;
  readonly builder: SegmentBuilder;
  /** Write-only: no stage reads from it. */
  readonly telemetry: Telemetry;
  /** Write-only too; undefined unless traces are on. */
  readonly tracing?: BatchTracing | undefined;
  readonly states: TableStates;
  /** Reads the append events out of a record; none when it names no append. Throws a SegmentdError `event_*`. */
  decodeRecord(record: ConsumerRecord): readonly AppendEvent[];
  /** Resolves once the dead-letter topic has the record. */
  deadLetter(record: ConsumerRecord, error: SegmentdError): Promise<void>;
  readonly pauses: Pauses;
  readonly retryWaits: RetryWaits;
  readonly backfills: Backfills;
  /**
   * Publishes events with these headers, spread over all partitions of the topic; false when it is not known yet that there are several.
   * Errors: broker_unavailable.
   */
  publish(events: readonly AppendEvent[], headers?: ReadonlyMap<string, string>): Promise<boolean>;
  /** Calls `listener` for each table that another member owns from now on: what waits for it is that member's work. */
  onReleased(listener: (table: string) => void): void;
  /** Sends a notification of a commit; never waits. */
  notify(notification: Notification): void;
  /** Takes note of the segments of a commit, by uuid, for the self-check; never waits. Without it nothing is checked. */
  landed?(table: TableRef, version: number, segments: readonly string[]): void;
  /** Shared by all tables: how many are planned, built and committed at once. */
  readonly slots: Limit;
  /** Fires when the process must end: nothing new starts, a commit in flight ends. */
  readonly signal: AbortSignal;
  readonly settings: {
    readonly lingerMs: number;
    /** Least time between the batches of a table, milliseconds. */
    readonly batchIntervalMs: (table: TableRef) => number;
    readonly limits: BatchLimits;
    readonly versionWaitMs: number;
    readonly commit: { readonly maxAttempts: number; readonly initialBackoffMs: number };
    /** More missing rows than `thresholdRows` are shared out, in parts of `rowsPerSegment`. */
    readonly backfill: { readonly thresholdRows: number; readonly rowsPerSegment: number };
    readonly retry: { readonly initialMs: number; readonly maxMs: number };
    readonly writer: WriterVersion;
    /** Name of this group member in the provenance of commits. */
    readonly member: string;
  };
};
