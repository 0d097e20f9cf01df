/** Events of housekeeping: what tables cost, what was done about it, and what killed processes had left. */
import type { SegmentdError } from '../lib/errors.ts';
import type { EventContext } from './event-context.ts';
import { errorFields } from './event-context.ts';

/** Times are milliseconds since the epoch. */
type Cost = {
  readonly table: string;
  readonly versions: number;
  readonly manifestBytes: number;
  readonly oldestVersionMs: number;
  readonly smallFragments: number;
  readonly deletedRows: number;
  readonly indexLiveBytes: number;
  readonly indexDeadBytes: number;
};

type MaintenanceFinished = {
  readonly table: string;
  readonly version: number;
  readonly fragmentsRemoved: number;
  readonly fragmentsAdded: number;
  readonly versionsRemoved: number;
  readonly bytesFreed: number;
  readonly seconds: number;
};

export function maintenanceEvents({ metrics, say, throttle }: EventContext) {
  const { tables } = metrics;
  return {
    tableCost(cost: Cost): void {
      const { table } = cost;
      tables.set('table_versions', table, cost.versions);
      tables.set('manifest_bytes', table, cost.manifestBytes);
      tables.set('oldest_version_timestamp_seconds', table, cost.oldestVersionMs / 1000);
      tables.set('small_fragments', table, cost.smallFragments);
      tables.set('deleted_rows', table, cost.deletedRows);
      tables.set('index_live_bytes', table, cost.indexLiveBytes);
      tables.set('index_dead_bytes', table, cost.indexDeadBytes);
      say('tableCost', cost);
    },
    maintenanceStarted(run: { table: string; reason: string; version: number }): void {
      say('maintenanceStarted', run);
    },
    maintenanceFinished(run: MaintenanceFinished): void {
      metrics.inc('maintenance_runs_total', { outcome: 'done' });
      metrics.observe('maintenance_seconds', run.seconds);
      metrics.inc('maintenance_freed_bytes_total', {}, run.bytesFreed);
      throttle.recovered(`maintenance ${run.table}`);
      say('maintenanceFinished', run);
    },
    /** `rejected`: another writer was faster. Indexes and fresh data are not touched by it. */
    maintenanceFailed(run: { table: string; outcome: 'rejected' | 'failed'; error: SegmentdError }): void {
      const { table, outcome, error } = run;
      metrics.inc('maintenance_runs_total', { outcome });
      const suppressed = throttle.failed(`maintenance ${table}`, error.code);
      if (suppressed !== undefined) say('maintenanceFailed', { table, outcome, ...errorFields(error), suppressed });
    },
    orphansRemoved(orphans: { table: string; segments: number; staged: number; bytes: number }): void {
      metrics.inc('orphans_removed_total', {}, orphans.segments + orphans.staged);
      say('orphansRemoved', orphans);
    },
  };
}
