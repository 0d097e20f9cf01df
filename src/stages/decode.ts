/** Records become pending events, or go to the dead-letter topic. */
import type { OperatorFunction, Subscriber } from 'rxjs';
import { Observable } from 'rxjs';
import { SegmentdError } from '../lib/errors.ts';
import type { AppendEvent, ConsumerRecord, PendingEvent } from '../model.ts';
import { recordCount, recordsOf } from '../model.ts';
import type { PipelineContext } from './context.ts';

/** As `mergeMap` would, but without an inner observable for each record: a burst has hundreds of thousands a second. */
export function decode(context: PipelineContext): OperatorFunction<ConsumerRecord, PendingEvent> {
  return (records) =>
    new Observable<PendingEvent>((out) => {
      /** Records on their way to the dead-letter topic, and the source while it lasts. */
      let open = 1;
      const done = () => {
        open -= 1;
        if (open === 0) out.complete();
      };
      const fail = (error: unknown) => out.error(error);
      const next = (record: ConsumerRecord) => {
        let events: readonly AppendEvent[];
        try {
          events = context.decodeRecord(record);
        } catch (error) {
          if (!(error instanceof SegmentdError)) return fail(error);
          open += 1;
          rejectRecord(context, record, error, (one) => ownError(context, one, record.value, error)).then(done, fail);
          return;
        }
        hand(context, record, events, out);
      };
      out.add(records.subscribe({ next, error: fail, complete: done }));
    });
}

/** Of records that say the same each is refused with words about itself: an error may quote what it is about. */
function ownError(
  context: PipelineContext,
  record: ConsumerRecord,
  refused: ConsumerRecord['value'],
  error: SegmentdError,
): SegmentdError {
  if (record.value === refused) return error;
  try {
    context.decodeRecord(record);
  } catch (own) {
    if (own instanceof SegmentdError) return own;
  }
  return error;
}

/** Hands on the events of a record. Nearly always that is one. */
function hand(
  context: PipelineContext,
  record: ConsumerRecord,
  events: readonly AppendEvent[],
  out: Pick<Subscriber<PendingEvent>, 'next'>,
): void {
  const receivedAtMs = Date.now();
  const { position } = record;
  const records = recordCount(record);
  for (const event of events) context.telemetry.eventReceived({ position, event, records });
  if (events.length === 0) {
    context.telemetry.recordIgnored({ position, records });
    record.ack();
  }
  const only = events[0];
  if (only && events.length === 1) {
    out.next({ event: only, record, receivedAtMs });
    return;
  }
  const parts = partsOf(record, events.length);
  events.forEach((event, at) => void out.next({ event, record: parts[at] as ConsumerRecord, receivedAtMs }));
}

/** A record with an ack for each event of a record that has several: the record is acknowledged after the last of them. */
function partsOf(record: ConsumerRecord, events: number): ConsumerRecord[] {
  const open = new Set(Array.from({ length: events }, (_, at) => at));
  return [...open].map((at) => ({
    ...record,
    ack: () => {
      if (open.delete(at) && open.size === 0) record.ack();
    },
  }));
}

/**
 * Settles a record that cannot be worked on: its original bytes go to the dead-letter topic before its offset is done. `errorOf`: where each of the
 * records that it stands for has an error of its own.
 */
export async function rejectRecord(
  context: PipelineContext,
  record: ConsumerRecord,
  shared: SegmentdError,
  errorOf: (record: ConsumerRecord) => SegmentdError = () => shared,
): Promise<void> {
  const reject = async (record: ConsumerRecord) => {
    const error = errorOf(record);
    await context.deadLetter(record, error);
    context.telemetry.eventDeadLettered({ position: record.position, code: error.code, message: error.message });
    context.tracing?.rejected(record, error);
  };
  await Promise.all(recordsOf(record).map(reject));
  record.ack();
}
