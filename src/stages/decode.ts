/** Records become items of work, or go to the dead-letter topic. */
import type { OperatorFunction } from 'rxjs';
import { Observable } from 'rxjs';
import { SegmentdError } from '../lib/errors.ts';
import type { Delivery } from '../model.ts';
import type { Kit } from './context.ts';
import { countOf, recordsOf } from './repeated-records.ts';
import type { Item } from './work.ts';

/** As `mergeMap` would, but without an inner observable for each record: a flood has hundreds of thousands a second. */
export function decode(kit: Kit): OperatorFunction<Delivery, Item> {
  return (records) =>
    new Observable<Item>((out) => {
      /** Records on their way to the dead-letter topic, and the source while it lasts. */
      let open = 1;
      const done = () => {
        open -= 1;
        if (open === 0) out.complete();
      };
      const fail = (error: unknown) => out.error(error);
      const next = (delivery: Delivery) => {
        let items: readonly Item[];
        try {
          items = readRecord(kit, delivery);
        } catch (error) {
          if (!(error instanceof SegmentdError)) return fail(error);
          open += 1;
          rejectRecord(kit, delivery, error).then(done, fail);
          return;
        }
        for (const item of items) out.next(item);
      };
      out.add(records.subscribe({ next, error: fail, complete: done }));
    });
}

function readRecord(kit: Kit, delivery: Delivery): Item[] {
  const events = kit.decodeRecord(delivery);
  const seenMs = Date.now();
  for (const event of events) kit.telemetry.eventReceived({ origin: delivery.origin, event });
  if (events.length === 0) {
    kit.telemetry.recordIgnored({ origin: delivery.origin, records: countOf(delivery) });
    delivery.ack();
  }
  const [first] = events;
  if (first && events.length === 1) return [{ event: first, delivery, seenMs }];
  const parts = partsOf(delivery, events.length);
  return events.map((event, at) => ({ event, delivery: parts[at] as Delivery, seenMs }));
}

/** A delivery for each event of a record that has several: it is acknowledged when each of them was, once or more often. */
function partsOf(delivery: Delivery, events: number): Delivery[] {
  const open = new Set(Array.from({ length: events }, (_, at) => at));
  return [...open].map((at) => ({
    ...delivery,
    ack: () => {
      if (open.delete(at) && open.size === 0) delivery.ack();
    },
  }));
}

/** Settles a record that cannot be worked on: its original bytes go to the dead-letter topic before its offset is done. */
export async function rejectRecord(kit: Kit, delivery: Delivery, error: SegmentdError): Promise<void> {
  const reject = async (record: Delivery) => {
    await kit.deadLetter(record, error);
    kit.telemetry.eventDeadLettered({ origin: record.origin, code: error.code, message: error.message });
  };
  await Promise.all(recordsOf(delivery).map(reject));
  delivery.ack();
}
