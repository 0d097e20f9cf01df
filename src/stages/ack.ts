/** Settles the events a round has dealt with; what is left goes round again. */
import type { OperatorFunction } from 'rxjs';
import { concatMap, EMPTY, of } from 'rxjs';
import type { SettledOutcome } from '../telemetry/intake-events.ts';
import type { Kit } from './context.ts';
import { countOf } from './repeated-records.ts';
import type { Batch, Committed, Covered, Item } from './work.ts';

export function ack(kit: Kit): OperatorFunction<Committed, Batch> {
  return concatMap((done) => {
    switch (done.kind) {
      case 'again':
        return of(withRest(done.batch, done.batch.items));
      case 'declined':
        kit.telemetry.tableDeclined({
          table: done.batch.table.id,
          code: done.error.code,
          message: done.error.message,
        });
        finish(kit, withRest(done.batch, done.batch.items).items, 'declined');
        return EMPTY;
      case 'covered': {
        const isSettled = ({ event }: Item) => (event.version ?? 0) <= done.coveredVersion;
        settle(kit, done, done.batch.items.filter(isSettled));
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
const withRest = (batch: Batch, items: readonly Item[]): Batch => ({
  ...batch,
  items: [...items, ...batch.rest],
  rest: [],
});

function settle(
  kit: Kit,
  { batch, coveredVersion, tableVersion, indexes, fresh }: Covered,
  items: readonly Item[],
): void {
  const now = Date.now();
  kit.telemetry.batchCovered({
    table: batch.table.id,
    version: tableVersion,
    coveredVersion,
    indexes,
    fresh,
    eventToCoveredSeconds: items.flatMap(({ delivery }) =>
      delivery ? [Math.max(0, now - delivery.timestampMs) / 1000] : [],
    ),
  });
  finish(kit, items, fresh ? 'accepted' : 'duplicate');
}

function finish(kit: Kit, items: readonly Item[], outcome: SettledOutcome): void {
  for (const { delivery, event } of items) {
    if (!delivery) continue;
    const { origin } = delivery;
    kit.telemetry.eventSettled({ origin, table: event.table.id, outcome, records: countOf(delivery) });
    delivery.ack();
  }
}
