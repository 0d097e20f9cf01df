/** Acknowledges the events that a round has settled; the others are requeued. */
import type { Observable, OperatorFunction } from 'rxjs';
import { concatMap, EMPTY, of } from 'rxjs';
import type { SegmentdError } from '../lib/errors.ts';
import { latencySample } from '../lib/latency-sample.ts';
import type { ConsumerRecord, PendingEvent } from '../model.ts';
import { isFullyCovered, recordCount } from '../model.ts';
import type { PipelineContext } from './context.ts';
import { traced } from './traced.ts';
import type { Batch, Covered, Settleable } from './work.ts';

export function ack(context: PipelineContext): OperatorFunction<Settleable, Batch> {
  return concatMap((done) => traced(done.batch, 'ack', () => endOf(context, done), done));
}

function endOf(context: PipelineContext, done: Settleable): Observable<Batch> {
  switch (done.kind) {
    case 'requeue':
      return of(withRest(done.batch, done.batch.events));
    case 'declined':
      decline(context, done.batch.table.id, done.error);
      finish(context, withRest(done.batch, done.batch.events).events, 'declined');
      return EMPTY;
    case 'covered': {
      const isSettled = ({ event }: PendingEvent) => (event.version ?? 0) <= done.coveredVersion;
      settle(context, done, done.batch.events.filter(isSettled));
      const left = withRest(
        done.batch,
        done.batch.events.filter((pending) => !isSettled(pending)),
      );
      return left.events.length > 0 ? of({ ...left, plannedVersion: done.coveredVersion }) : EMPTY;
    }
  }
}

/** The batch of the next round: the events that this one has left, and those that it deferred. */
const withRest = (batch: Batch, events: readonly PendingEvent[]): Batch => ({
  ...batch,
  events: [...events, ...batch.deferred],
  deferred: [],
});

function settle(
  context: PipelineContext,
  { batch, coveredVersion, coveredAtMs = Date.now(), tableVersion, indexes, committed }: Covered,
  events: readonly PendingEvent[],
): void {
  const table = batch.table.id;
  // Events that name fragments are settled with those alone.
  const isCovered = isFullyCovered(indexes);
  context.states.observed(table, tableVersion, indexes, isCovered ? coveredVersion : undefined);
  context.states.succeeded(table);
  context.telemetry.batchCovered({
    table,
    version: tableVersion,
    coveredVersion,
    indexes,
    committed,
    eventToCoveredSeconds: events.flatMap(({ record }) =>
      record ? [secondsSince(context, table, record, coveredAtMs)] : [],
    ),
  });
  finish(context, events, committed ? 'accepted' : 'duplicate');
}

/** Undefined for a record that waited while its table was paused: that time is no latency of segmentd. */
function secondsSince(
  { pauses }: PipelineContext,
  table: string,
  record: ConsumerRecord,
  now: number,
): number | undefined {
  return record.timestampMs < pauses.lastEndedMs(table) ? undefined : latencySample(record.timestampMs, now);
}

/** Notes why a table must not be written and that what its indexes cover is not known now, and reports a new reason. */
export function decline({ states, telemetry }: PipelineContext, table: string, { code, message }: SegmentdError): void {
  const isNews = states.declined(table, { code, message });
  telemetry.indexesUnknown({ table });
  if (!isNews) return;
  const accepted = states.of(table).declined?.accepted === true;
  telemetry.tableDeclined({ table, code, message, accepted });
}

function finish(
  context: PipelineContext,
  events: readonly PendingEvent[],
  outcome: 'accepted' | 'duplicate' | 'declined',
): void {
  for (const { record, event } of events) {
    if (!record) continue;
    const { position } = record;
    context.telemetry.eventSettled({ position, table: event.table.id, outcome, records: recordCount(record) });
    record.ack();
  }
}
