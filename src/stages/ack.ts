/** Settles the events a round has dealt with; what is left goes round again. */
import type { OperatorFunction } from 'rxjs';
import { concatMap, EMPTY, of } from 'rxjs';
import { latencySample } from '../lib/latency-sample.ts';
import type { SettledOutcome } from '../telemetry/intake-events.ts';
import type { PipelineContext } from './context.ts';
import { countOf } from './repeated-records.ts';
import type { Batch, Committed, Covered, PendingEvent } from './work.ts';

export function ack(context: PipelineContext): OperatorFunction<Committed, Batch> {
  return concatMap((done) => {
    switch (done.kind) {
      case 'requeue':
        return of(withRest(done.batch, done.batch.items));
      case 'declined':
        context.telemetry.tableDeclined({
          table: done.batch.table.id,
          code: done.error.code,
          message: done.error.message,
        });
        finish(context, withRest(done.batch, done.batch.items).items, 'declined');
        return EMPTY;
      case 'covered': {
        const isSettled = ({ event }: PendingEvent) => (event.version ?? 0) <= done.coveredVersion;
        settle(context, done, done.batch.items.filter(isSettled));
        const left = withRest(
          done.batch,
          done.batch.items.filter((item) => !isSettled(item)),
        );
        return left.items.length > 0 ? of({ ...left, plannedVersion: done.coveredVersion }) : EMPTY;
      }
    }
  });
}

/** The batch of the next round: what this one left of its items, and those that waited for it. */
const withRest = (batch: Batch, items: readonly PendingEvent[]): Batch => ({
  ...batch,
  items: [...items, ...batch.deferred],
  deferred: [],
});

function settle(
  context: PipelineContext,
  { batch, coveredVersion, tableVersion, indexes, committed }: Covered,
  items: readonly PendingEvent[],
): void {
  const now = Date.now();
  context.telemetry.batchCovered({
    table: batch.table.id,
    version: tableVersion,
    coveredVersion,
    indexes,
    committed,
    eventToCoveredSeconds: items.flatMap(({ record }) => (record ? [latencySample(record.timestampMs, now)] : [])),
  });
  finish(context, items, committed ? 'accepted' : 'duplicate');
}

function finish(context: PipelineContext, items: readonly PendingEvent[], outcome: SettledOutcome): void {
  for (const { record, event } of items) {
    if (!record) continue;
    const { position } = record;
    context.telemetry.eventSettled({ position, table: event.table.id, outcome, records: countOf(record) });
    record.ack();
  }
}
