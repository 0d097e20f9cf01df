import { SegmentdError } from '../lib/errors.ts';
import type { Delivery } from '../model.ts';
import type { KafkaSettings } from './client.ts';
import type { OutRecord, RecordProducer, SendOptions } from './producer.ts';

/** Of a message in a header; the log line has it in full. */
const MAX_MESSAGE_CHARS = 1_000;
/** Says, on a dead letter whose value the topic did not take, how many bytes were left out. */
const OMITTED_HEADER = 'segmentd-value-omitted-bytes';

export type DeadLetters = {
  /**
   * Resolves once the broker has the letter; the record may be acknowledged only then. Throws as RecordProducer.send does.
   */
  send(delivery: Delivery, error: SegmentdError, options?: SendOptions): Promise<void>;
};

/** Puts records that segmentd cannot use aside: key, value and headers as they were, and why and where from as headers. */
export function openDeadLetters(settings: KafkaSettings, producer: RecordProducer): DeadLetters {
  return {
    async send(delivery, error, options) {
      const letter = toDeadLetter(delivery, error);
      try {
        await producer.send(settings.deadLetterTopic, [letter], options);
      } catch (failure) {
        if (!(failure instanceof SegmentdError) || failure.code !== 'event_too_large') throw failure;
        // It was as large as its own topic allowed, and the headers made it larger. A letter without its value still names
        // the offset where the value is; no letter at all would block the partition.
        const headers = new Map(letter.headers).set(OMITTED_HEADER, String(delivery.value?.byteLength ?? 0));
        await producer.send(settings.deadLetterTopic, [{ ...letter, headers, value: null }], options);
      }
    },
  };
}

/** The record of a dead letter. */
export function toDeadLetter({ origin, key, value, headers, timestampMs }: Delivery, error: SegmentdError): OutRecord {
  const added: [string, string][] = [
    ['segmentd-reason', error.code],
    ['segmentd-message', error.message.slice(0, MAX_MESSAGE_CHARS)],
    ['segmentd-topic', origin.topic],
    ['segmentd-partition', String(origin.partition)],
    ['segmentd-offset', String(origin.offset)],
    ['segmentd-timestamp', String(timestampMs)],
  ];
  return { key, value, headers: new Map<string, Uint8Array | string>([...headers, ...added]) };
}
