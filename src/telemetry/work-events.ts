/** Events of builds and commits. */
import type { RejectCause } from '../lance/commit/reject-causes.ts';
import type { StoreRequest } from '../store/store-request.ts';
import type { EventContext } from './event-context.ts';
import type { BuildOutcome, CommitOutcomeLabel, RetryCause } from './metric-catalogue.ts';

type BuildFinished = {
  readonly table: string;
  readonly index: string;
  readonly outcome: BuildOutcome;
  readonly seconds: number;
  /** Rows and bytes of the segment; 0 unless the outcome is `ok`. */
  readonly rows: number;
  readonly bytes: number;
};
type CommitFinished = {
  readonly table: string;
  readonly outcome: CommitOutcomeLabel;
  readonly seconds: number;
  readonly attempts: number;
  /** The version that was written; absent unless the commit landed. */
  readonly version?: number | undefined;
  /** Repeated attempts by cause. */
  readonly retries: Partial<Readonly<Record<RetryCause, number>>>;
};

export function workEvents({ metrics, written, say }: EventContext) {
  let building = 0;
  return {
    /** Much was missing, and most of it was published as events that name fragments. */
    backfillPublished(backfill: { table: string; events: number; rows: number }): void {
      metrics.inc('backfill_events_total', {}, backfill.events);
      say('backfillPublished', backfill);
    },
    buildStarted(build: { table: string; index: string; fragments: number; rows: number }): void {
      metrics.set('builds_in_flight', {}, ++building);
      say('buildStarted', build);
    },
    /** Asks `read` on every scrape for the builds and merges that wait for memory. */
    waitingBuilds(read: () => number): void {
      metrics.onCollect('builds_waiting', read);
    },
    /** Closes one `buildStarted`, in every outcome. */
    buildFinished(build: BuildFinished): void {
      metrics.set('builds_in_flight', {}, --building);
      metrics.inc('segments_built_total', { outcome: build.outcome });
      if (build.outcome === 'ok') {
        metrics.observe('segment_build_seconds', build.seconds);
        metrics.inc('segment_build_rows_total', {}, build.rows);
        metrics.inc('segment_build_bytes_total', {}, build.bytes);
        written.built += build.rows;
      }
      say('buildFinished', build);
    },
    storeRequested({ store, operation, outcome }: StoreRequest): void {
      metrics.inc('store_requests_total', { store, operation, outcome });
      say('storeRequested', { store, operation, outcome });
    },
    commitFinished(commit: CommitFinished): void {
      metrics.inc('commits_total', { outcome: commit.outcome });
      metrics.observe('commit_seconds', commit.seconds);
      for (const [cause, count] of Object.entries(commit.retries))
        metrics.inc('commit_retries_total', { cause }, count);
      // Nothing was deleted after an unknown outcome: the log line explains the files that are left over.
      say('commitFinished', commit, commit.outcome === 'unknown' ? 'warn' : undefined);
    },
    replanned({ table, cause }: { table: string; cause: RejectCause }): void {
      metrics.inc('replans_total', { cause });
      say('replanned', { table, cause });
    },
    fragmentsDropped({ table, fragments }: { table: string; fragments: number }): void {
      metrics.inc('stale_fragments_dropped_total', {}, fragments);
      say('fragmentsDropped', { table, fragments });
    },
  };
}
