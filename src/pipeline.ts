/**
 * The pipeline of segmentd. Append events come in; for each table the fragments that its indexes miss become one new
 * segment per index and one new version; then the events are acknowledged.
 */
import type { Observable, OperatorFunction } from 'rxjs';
import { concatMap, EMPTY, endWith, expand, firstValueFrom, identity, ignoreElements, mergeWith, of } from 'rxjs';
import type { MaintainSchedule } from './maintain/look-after.ts';
import { maintainTables } from './maintain/maintain-tables.ts';
import { MergeAlong } from './merge/merge-along.ts';
import type { MergeSchedule } from './merge/merge-schedule.ts';
import { mergeSegments } from './merge/scheduler.ts';
import type { ConsumerRecord, PendingEvent } from './model.ts';
import { ack } from './stages/ack.ts';
import { awaitVersion } from './stages/await-version.ts';
import { batchByTable } from './stages/batch-by-table.ts';
import { build } from './stages/build.ts';
import { coalesce } from './stages/coalesce.ts';
import { commit } from './stages/commit.ts';
import type { PipelineContext } from './stages/context.ts';
import { decode } from './stages/decode.ts';
import { awaitResume, observeHeld } from './stages/held-tables.ts';
import { plan } from './stages/plan.ts';
import { endRound, retryLater } from './stages/retry.ts';
import { traceBatch } from './stages/traced.ts';
import type { Batch } from './stages/work.ts';

export type Background = {
  /** Tables that segmentd plans without an event: the sweep, an operator's refresh. */
  readonly refreshRequests?: Observable<PendingEvent>;
  readonly merges: MergeSchedule;
  /** Without it tables are not looked after. */
  readonly maintenance?: MaintainSchedule;
};

/** Completes when its inputs do and all is settled; errors only with what must end the process. */
export function pipeline(
  records: Observable<ConsumerRecord>,
  context: PipelineContext,
  { refreshRequests = EMPTY, merges, maintenance }: Background,
): Observable<never> {
  const along = new MergeAlong(context, merges);
  const overtaken = new Set<string>();
  return records.pipe(
    decode(context), // a record becomes an event, or goes to the dead-letter topic
    mergeWith(refreshRequests),
    observeHeld(context), // a table whose events are held is looked at all the same
    batchByTable(
      batching(context, overtaken),
      traceBatch(context, (batch) =>
        of(batch).pipe(expand(round(context, along, overtaken)), ignoreElements(), endWith(batch)),
      ),
    ), // one batch at a time per table, and out of it once its events are settled; where traces are on it is one
    maintenance ? maintainTables(context, { schedule: maintenance, merges, along }) : identity, // now and then: compaction and cleanup
    mergeSegments(context, merges, along), // in the background: small segments become larger ones
  );
}

/** How events of one table come together: all that arrive while it is at work, or in less than its batches have to be apart. */
function batching(context: PipelineContext, overtaken: Set<string>): Parameters<typeof batchByTable>[0] {
  const { lingerMs, batchIntervalMs: intervalMs } = context.settings;
  return { lingerMs, intervalMs, coalesce: coalesce(context), wasOvertaken: ({ id }) => overtaken.delete(id) };
}

/** One round of a batch. Emits what is left of it, if anything: a later version, a second segment, a table that moved. */
function round(
  context: PipelineContext,
  along: MergeAlong,
  overtaken: Set<string>,
): (batch: Batch) => Observable<Batch> {
  return (batch) =>
    of(batch).pipe(
      awaitResume(context), // while an operator has paused the table
      awaitVersion(context), // until the announced version can be seen
      inSlot(context, (it) =>
        of(it).pipe(
          plan(context, along.offer), // what the indexes miss, and merges that land with it; covered and declined tables pass through
          build(context), // one segment per index, over exactly the missing fragments
          commit(context, overtaken), // all of them in one version
          endRound(context, it), // a table that cannot be served ends its own round and nothing else
        ),
      ),
      ack(context), // offsets may be committed from here on
      retryLater(context, batch.table), // failures that pass wait and start over
    );
}

/**
 * The stages run to their end even without a subscriber: a build or commit that began is never left half done, and a stop
 * waits for the slots to become free.
 */
export function inSlot<T, R>(
  { slots, signal }: Pick<PipelineContext, 'slots' | 'signal'>,
  stages: (value: T) => Observable<R>,
): OperatorFunction<T, R> {
  return concatMap((value) => slots.run(() => firstValueFrom(stages(value)), signal));
}
