import type { RecordProducer, SendOptions } from '../kafka/producer.ts';
import type { AppendEvent } from '../model.ts';
import { encodeAppendEvent } from './append-event.ts';

/** Events of a hundred thousand fragments come near the megabyte that a request may have. */
const EVENTS_PER_SEND = 8;

/**
 * Publishes events, to all partitions in turn whatever their key says: parts of one table, for different members to build. Throws
 * what the producer throws; what was sent by then stays.
 */
export async function publishSpread(
  producer: RecordProducer,
  topic: string,
  partitions: number,
  events: readonly AppendEvent[],
  { headers, ...options }: SendOptions & { readonly headers?: ReadonlyMap<string, string> | undefined } = {},
): Promise<void> {
  // A random first partition: else many small jobs would share the first ones.
  const start = Math.floor(Math.random() * partitions);
  const records = events.map((event, at) => ({
    ...encodeAppendEvent(event),
    ...(headers && { headers }),
    partition: (start + at) % partitions,
  }));
  for (let at = 0; at < records.length; at += EVENTS_PER_SEND) {
    await producer.send(topic, records.slice(at, at + EVENTS_PER_SEND), options);
  }
}
