/** Records become items of work, or go to the dead-letter topic. */
import type { Observable, OperatorFunction } from 'rxjs';
import { EMPTY, from, mergeMap } from 'rxjs';
import { SegmentdError } from '../lib/errors.ts';
import type { Delivery } from '../model.ts';
import type { Kit } from './kit.ts';
import type { Item } from './work.ts';

export function decode(kit: Kit): OperatorFunction<Delivery, Item> {
  return mergeMap((delivery): Observable<Item> => {
    try {
      const events = kit.decodeRecord(delivery);
      const seenMs = Date.now();
      for (const { table, version, id } of events) {
        kit.telemetry.eventReceived({ origin: delivery.origin, table: table.id, version, id });
      }
      if (events.length === 0) {
        kit.telemetry.recordIgnored({ origin: delivery.origin });
        delivery.ack();
      }
      const part = events.length > 1 ? partOf(delivery, events.length) : delivery;
      return from(events.map((event) => ({ event, delivery: part, seenMs })));
    } catch (error) {
      if (!(error instanceof SegmentdError)) throw error;
      return from(rejectRecord(kit, delivery, error)).pipe(mergeMap(() => EMPTY));
    }
  });
}

/** The delivery of a record with several events: acknowledged when each of them is. */
function partOf(delivery: Delivery, events: number): Delivery {
  const { origin, key, value, headers, timestampMs, signal } = delivery;
  let open = events;
  const ack = () => {
    open -= 1;
    if (open === 0) delivery.ack();
  };
  return { origin, key, value, headers, timestampMs, signal, ack };
}

/** Settles a record that cannot be worked on: its original bytes go to the dead-letter topic before its offset is done. */
export async function rejectRecord(kit: Kit, delivery: Delivery, error: SegmentdError): Promise<void> {
  await kit.deadLetter(delivery, error);
  kit.telemetry.eventDeadLettered({ origin: delivery.origin, code: error.code, message: error.message });
  delivery.ack();
}
