/** Records become items of work, or go to the dead-letter topic. */
import type { Observable, OperatorFunction } from 'rxjs';
import { EMPTY, from, mergeMap, of } from 'rxjs';
import { SegmentdError } from '../lib/errors.ts';
import type { Delivery } from '../model.ts';
import type { Kit } from './kit.ts';
import type { Item } from './work.ts';

export function decode(kit: Kit): OperatorFunction<Delivery, Item> {
  return mergeMap((delivery): Observable<Item> => {
    try {
      const event = kit.decodeEvent(delivery);
      kit.telemetry.eventReceived({
        origin: delivery.origin,
        table: event.table.id,
        version: event.version,
        id: event.id,
      });
      return of({ event, delivery, seenMs: Date.now() });
    } catch (error) {
      if (!(error instanceof SegmentdError)) throw error;
      return from(rejectRecord(kit, delivery, error)).pipe(mergeMap(() => EMPTY));
    }
  });
}

/** Settles a record that cannot be worked on: its original bytes go to the dead-letter topic before its offset is done. */
export async function rejectRecord(kit: Kit, delivery: Delivery, error: SegmentdError): Promise<void> {
  await kit.deadLetter(delivery, error);
  kit.telemetry.eventDeadLettered({ origin: delivery.origin, code: error.code, message: error.message });
  delivery.ack();
}
