/** Bounds the memory of a busy table, however many events are announced for it meanwhile. */
import type { ConsumerRecord, PendingEvent } from '../model.ts';
import { recordCount } from '../model.ts';
import type { PipelineContext } from './context.ts';
import { isHeld } from './held-tables.ts';

/** Records that wait per table and are not coalesced, so that each has its own latency in the metrics. */
const KEPT = 100;
/** The same for a table that is paused or retrying: its events take credit from all other tables. */
const KEPT_STUCK = 1;

type Waiting = PendingEvent & { readonly record: ConsumerRecord };

/**
 * Merges an event into an earlier one that waits for the same table: their batch is planned after both, for the higher of their
 * versions. Only events of one partition and assignment are merged, so that the lower of their offsets stays open until the higher
 * version is covered: no offset is committed early. If that version never appears, its event goes to the dead-letter topic; the
 * earlier version is covered if it appears before that.
 */
export function coalesce(context: PipelineContext): (pending: PendingEvent, waiting: PendingEvent[]) => boolean {
  return ({ event, record, receivedAtMs }, waiting) => {
    const { id } = event.table;
    if (!record || event.fragments || waiting.length < KEPT_STUCK) return false;
    if (areFew(waiting, record) && !isHeld(context, id)) return false;
    // Nearly always the last one is: a flood has no closure to spare for each of its events.
    const last = waiting.length - 1;
    const isLast = isPlainOf(record.signal, waiting[last] as PendingEvent);
    const at = isLast ? last : waiting.findLastIndex((other) => isPlainOf(record.signal, other));
    const earlier = waiting[at] as Waiting | undefined;
    if (!earlier) return false;
    let records = recordCount(record);
    if ((event.version ?? 0) > (earlier.event.version ?? 0)) {
      // The merged event is counted as one record when it is settled.
      records += recordCount(earlier.record) - 1;
      const ack = () => earlier.record.ack();
      waiting[at] = { event, record: { ...record, repeats: [], ack }, receivedAtMs };
    }
    context.telemetry.eventSettled({ position: record.position, table: id, outcome: 'duplicate', records });
    record.ack();
    return true;
  };
}

/** One with repeats may be a whole fetch, which it holds: a hundred of these are no few. */
function areFew(waiting: readonly PendingEvent[], { repeats }: ConsumerRecord): boolean {
  if (waiting.length >= KEPT) return false;
  return !repeats || waiting.reduce((sum, { record }) => sum + (record ? recordCount(record) : 1), 0) < KEPT;
}

/** Each partition has a signal of its own in each assignment: acks of an older one count no more. */
const isPlainOf = (signal: AbortSignal, { event, record }: PendingEvent) =>
  record?.signal === signal && !signal.aborted && !event.fragments;
