/** Keeps the memory of a busy table flat, whatever is announced for it meanwhile. */
import type { Delivery } from '../model.ts';
import type { Kit } from './context.ts';
import { countOf } from './repeated-records.ts';
import type { Item } from './work.ts';

/** Waiting events per table that keep their own place, and so their own latency in the metrics. */
const KEPT = 100;
/** Of a table that waits for an operator or for its next try: the credit they hold is missing to all other tables. */
const KEPT_STUCK = 1;

type Waiting = Item & { readonly delivery: Delivery };

/**
 * Puts an event into the place of one that waits for the same table, as one that says no more than it: the batch they wait for is
 * planned after both, for the higher of their versions. Only of one partition and assignment, so that the place keeps the lower
 * of their offsets open until the higher version is covered: no offset is committed early. Should that version never appear,
 * its event is the one that ends in the dead-letter topic; the other's version is covered whenever it appears before that.
 */
export function foldInto(kit: Kit): (item: Item, waiting: Item[]) => boolean {
  const isStuck = (id: string) => kit.pauses.isPaused(id) || kit.telemetry.board.of(id).state === 'parked';
  return ({ event, delivery, seenMs }, waiting) => {
    const { id } = event.table;
    if (!delivery || event.fragments || waiting.length < KEPT_STUCK) return false;
    if (waiting.length < KEPT && !isStuck(id)) return false;
    const at = waiting.findLastIndex((other) => isPlainOf(delivery.signal, other));
    const elder = waiting[at] as Waiting | undefined;
    if (!elder) return false;
    let records = countOf(delivery);
    if ((event.version ?? 0) > (elder.event.version ?? 0)) {
      // The place is counted as one record when its time comes.
      records += countOf(elder.delivery) - 1;
      waiting[at] = { event, delivery: { ...delivery, repeats: [], ack: elder.delivery.ack }, seenMs };
    }
    kit.telemetry.eventSettled({ origin: delivery.origin, table: id, outcome: 'duplicate', records });
    delivery.ack();
    return true;
  };
}

/** Each partition has a signal of its own in each assignment: acks of an older one count no more. */
const isPlainOf = (signal: AbortSignal, { event, delivery }: Item) =>
  delivery?.signal === signal && !signal.aborted && !event.fragments;
