/** Keeps the memory of a busy table flat, whatever is announced for it meanwhile. */
import type { ConsumerRecord, PendingEvent } from '../model.ts';
import { recordCount } from '../model.ts';
import type { PipelineContext } from './context.ts';
import { isHeld } from './observe-held.ts';

/** Waiting events per table that keep their own place, and so their own latency in the metrics. */
const KEPT = 100;
/** Of a table that waits for an operator or for its next try: the credit they hold is missing to all other tables. */
const KEPT_STUCK = 1;

type Waiting = PendingEvent & { readonly record: ConsumerRecord };

/**
 * Puts an event into the place of one that waits for the same table, as one that says no more than it: the batch they wait for is
 * planned after both, for the higher of their versions. Only of one partition and assignment, so that the place keeps the lower
 * of their offsets open until the higher version is covered: no offset is committed early. Should that version never appear,
 * its event is the one that ends in the dead-letter topic; the other's version is covered whenever it appears before that.
 */
export function coalesce(context: PipelineContext): (pending: PendingEvent, waiting: PendingEvent[]) => boolean {
  return ({ event, record, receivedAtMs }, waiting) => {
    const { id } = event.table;
    if (!record || event.fragments || waiting.length < KEPT_STUCK) return false;
    if (waiting.length < KEPT && !isHeld(context, id)) return false;
    const at = waiting.findLastIndex((other) => isPlainOf(record.signal, other));
    const earlier = waiting[at] as Waiting | undefined;
    if (!earlier) return false;
    let records = recordCount(record);
    if ((event.version ?? 0) > (earlier.event.version ?? 0)) {
      // The place is counted as one record when its time comes.
      records += recordCount(earlier.record) - 1;
      waiting[at] = { event, record: { ...record, repeats: [], ack: earlier.record.ack }, receivedAtMs };
    }
    context.telemetry.eventSettled({ position: record.position, table: id, outcome: 'duplicate', records });
    record.ack();
    return true;
  };
}

/** Each partition has a signal of its own in each assignment: acks of an older one count no more. */
const isPlainOf = (signal: AbortSignal, { event, record }: PendingEvent) =>
  record?.signal === signal && !signal.aborted && !event.fragments;
