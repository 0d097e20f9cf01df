import { SegmentdError } from '../lib/errors.ts';
import type { ConsumerRecord } from '../model.ts';
import type { KafkaSettings } from './client.ts';
import type { OutRecord, RecordProducer, SendOptions } from './producer.ts';

/** Of a message in a header; the log line has it in full. */
const MAX_MESSAGE_CHARS = 1_000;
/** Says, on a dead letter that the topic did not take whole, how many bytes of each part were left out. */
const OMITTED = {
  value: 'segmentd-value-omitted-bytes',
  key: 'segmentd-key-omitted-bytes',
  headers: 'segmentd-headers-omitted-bytes',
} as const;

/** Headers that a dead letter has beside those of its record. */
const ADDED = {
  code: 'segmentd-reason',
  message: 'segmentd-message',
  topic: 'segmentd-topic',
  partition: 'segmentd-partition',
  offset: 'segmentd-offset',
  timestamp: 'segmentd-timestamp',
} as const;

type DeadLetters = {
  /**
   * Resolves once the broker has the dead letter; the record may be acknowledged only then. Errors: `broker_unavailable`,
   * `broker_denied`.
   */
  send(record: ConsumerRecord, error: SegmentdError, options?: SendOptions): Promise<void>;
};

/** Sends records that segmentd cannot use to the dead-letter topic: as they were, with the reason and their position as headers. */
export function openDeadLetters(settings: KafkaSettings, producer: RecordProducer): DeadLetters {
  return {
    async send(record, error, options) {
      for (const deadLetter of deadLettersOf(record, error)) {
        try {
          await producer.send(settings.deadLetterTopic, [deadLetter], options);
          return;
        } catch (failure) {
          if (!(failure instanceof SegmentdError) || failure.code !== 'event_too_large') throw failure;
        }
      }
      // Never a code about the record: the topic takes no record at all, and the operator has to fix the topic.
      throw new SegmentdError('broker_denied', `${settings.deadLetterTopic} does not even take a record of a kilobyte`);
    },
  };
}

/**
 * The dead letter, and what to send when it is too large: the record may have been as large as its own topic allowed, and our
 * headers made it larger. A dead letter without the record still names the offset where it is; none at all would block the
 * partition.
 */
function* deadLettersOf(record: ConsumerRecord, error: SegmentdError): Generator<OutRecord> {
  const whole = toDeadLetter(record, error);
  yield whole;
  const valueBytes: [string, string] = [OMITTED.value, String(record.value?.byteLength ?? 0)];
  yield { ...whole, value: null, headers: new Map(whole.headers).set(...valueBytes) };
  const headersBytes = [...record.headers].reduce(
    (sum, [name, content]) => sum + Buffer.byteLength(name) + content.byteLength,
    0,
  );
  const omitted: [string, string][] = [
    valueBytes,
    [OMITTED.key, String(record.key?.byteLength ?? 0)],
    [OMITTED.headers, String(headersBytes)],
  ];
  yield { key: null, value: null, headers: new Map([...headersAdded(record, error), ...omitted]) };
}

/** The record, with the reason and its position in headers. */
function toDeadLetter(record: ConsumerRecord, error: SegmentdError): OutRecord {
  const { key, value, headers } = record;
  return { key, value, headers: new Map<string, Uint8Array | string>([...headers, ...headersAdded(record, error)]) };
}

function headersAdded({ position, timestampMs }: ConsumerRecord, error: SegmentdError): [string, string][] {
  return [
    [ADDED.code, error.code],
    [ADDED.message, error.message.slice(0, MAX_MESSAGE_CHARS)],
    [ADDED.topic, position.topic],
    [ADDED.partition, String(position.partition)],
    [ADDED.offset, String(position.offset)],
    [ADDED.timestamp, String(timestampMs)],
  ];
}

/** A dead letter as it is read again. */
export type ReadLetter = {
  readonly code: string;
  readonly message: string;
  /** Where its record was; null where the headers do not say. */
  readonly source: { readonly topic: string; readonly partition: number; readonly offset: string } | null;
  /** When its record was written, milliseconds since the epoch; null where the headers do not say. */
  readonly timestampMs: number | null;
  /** The record without what was added to it. */
  readonly headers: ReadonlyMap<string, Uint8Array>;
  /** Parts of the record that the dead-letter topic did not take. */
  readonly omitted: readonly string[];
};

const OURS: ReadonlySet<string> = new Set([...Object.values(ADDED), ...Object.values(OMITTED)]);

/** Undefined for a record that is no dead letter of segmentd. */
export function readDeadLetter(headers: ReadonlyMap<string, Uint8Array>): ReadLetter | undefined {
  const text = (name: string) => {
    const content = headers.get(name);
    return content && Buffer.from(content).toString();
  };
  const code = text(ADDED.code);
  if (code === undefined) return undefined;
  const [topic, partition, offset] = [text(ADDED.topic), text(ADDED.partition), text(ADDED.offset)];
  const timestampMs = Number(text(ADDED.timestamp) ?? Number.NaN);
  return {
    code,
    message: text(ADDED.message) ?? '',
    source: topic && partition && offset ? { topic, partition: Number(partition), offset } : null,
    timestampMs: Number.isFinite(timestampMs) ? timestampMs : null,
    headers: new Map([...headers].filter(([name]) => !OURS.has(name))),
    omitted: Object.entries(OMITTED).flatMap(([part, name]) => (headers.has(name) ? [part] : [])),
  };
}
