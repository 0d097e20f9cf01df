/** Events of merges, and the tiers of segments as last seen. */
import type { RejectCause } from '../lance/commit/reject-causes.ts';
import type { SegmentdError } from '../lib/errors.ts';
import type { EventContext } from './event-context.ts';
import { errorFields } from './event-context.ts';
import type { MergeOutcome } from './metric-catalogue.ts';

type MergeFinished = {
  readonly table: string;
  readonly outcome: MergeOutcome;
  /** Why it was rejected. */
  readonly cause?: RejectCause;
  readonly segmentsIn: number;
  /** The rest is 0 unless the outcome is `landed`. Rows and bytes are those of the results, `bytesIn` those they replaced. */
  readonly segmentsOut: number;
  readonly rows: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly seconds: number;
};

export function mergeEvents({ metrics, say, now, throttle, tiers, written }: EventContext) {
  const { tables } = metrics;
  metrics.onCollect('merges_pending', () => tiers.pending);
  metrics.onCollect('write_amplification', () =>
    written.built > 0 ? (written.built + written.merged) / written.built : 1,
  );
  return {
    /** What a table's segments look like: how many per tier, and how many merges are due at least. */
    mergesPlanned(plan: { table: string; tiers: ReadonlyMap<string, number>; pending: number }): void {
      const { table, pending } = plan;
      tiers.note(table, plan.tiers, pending);
      tables.set('merge_failures', table, pending === 0 ? 0 : tables.valueOf('merge_failures', table));
      say('mergesPlanned', () => ({ table, pending, tiers: Object.fromEntries(plan.tiers) }));
    },
    mergeStarted(merge: { table: string; index: string; segments: number; rows: number; reason: string }): void {
      say('mergeStarted', merge);
    },
    /** The rows count as written from here on, whether or not the merge lands. */
    mergeBuilt(merge: { table: string; rows: number }): void {
      written.merged += merge.rows;
      say('mergeBuilt', merge);
    },
    mergeFinished(merge: MergeFinished): void {
      metrics.inc('merges_total', { outcome: merge.outcome });
      if (merge.outcome === 'landed') {
        tables.set('last_merge_timestamp_seconds', merge.table, now() / 1000);
        metrics.observe('merge_seconds', merge.seconds);
        metrics.inc('merge_input_segments_total', {}, merge.segmentsIn);
        metrics.inc('merge_rows_total', {}, merge.rows);
        metrics.inc('merge_input_bytes_total', {}, merge.bytesIn);
        metrics.inc('merge_output_bytes_total', {}, merge.bytesOut);
        tables.set('merge_failures', merge.table, 0);
        throttle.recovered(`merge ${merge.table}`);
      }
      say('mergeFinished', merge, merge.outcome === 'landed' ? 'info' : 'debug');
    },
    /** Fresh data is not touched by it: the merge is tried again later. */
    mergeFailed({ table, error }: { table: string; error: SegmentdError }): void {
      tables.set('merge_failures', table, tables.valueOf('merge_failures', table) + 1);
      const quiet = throttle.failed(`merge ${table}`, error.code);
      if (quiet !== undefined) say('mergeFailed', { table, ...errorFields(error), suppressed: quiet });
    },
  };
}
