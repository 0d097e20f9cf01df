/** A record from the fetched batch to its ack. */
import type { IHeaders, KafkaMessage } from 'kafkajs';
import { sameBytes } from '../../lib/same-bytes.ts';
import type { ConsumerRecord, RecordPosition } from '../../model.ts';

/** A record as it was read, before it is handed out. */
export type RawRecord = Omit<ConsumerRecord, 'position' | 'signal' | 'ack'> & {
  readonly offset: bigint;
  /** Of the record as it came; its repeats are of the same fetch, which is bounded by itself. */
  readonly bytes: number;
};

/**
 * Records in a row that are the same byte for byte, key included, become one with repeats: a writer that announces a table
 * repeatedly costs hardly more than reading its records.
 */
export function toRecords(messages: readonly KafkaMessage[]): RawRecord[] {
  const records: Repeating[] = [];
  let first: KafkaMessage | undefined;
  let last: Repeating | undefined;
  for (const message of messages) {
    if (first !== undefined && last !== undefined && isSame(first, message)) {
      last.repeats ??= [];
      last.repeats.push(message);
      continue;
    }
    first = message;
    last = toRecord(message);
    records.push(last);
  }
  return records;
}

type Repeating = RawRecord & { repeats: KafkaMessage[] | undefined };

function isSame(a: KafkaMessage, b: KafkaMessage): boolean {
  return sameBytes(a.value, b.value) && sameBytes(a.key, b.key) && hasNone(a.headers) && hasNone(b.headers);
}

function hasNone(headers: IHeaders = {}): boolean {
  for (const _ in headers) return false;
  return true;
}

function toRecord({ offset, key, value, headers: read, timestamp }: KafkaMessage): Repeating {
  const headers = toHeaders(read);
  return {
    offset: BigInt(offset),
    key,
    value,
    headers,
    timestampMs: Number(timestamp),
    repeats: undefined,
    bytes: (key?.byteLength ?? 0) + (value?.byteLength ?? 0) + sizeOf(headers),
  };
}

const NO_HEADERS: ReadonlyMap<string, Uint8Array> = new Map();

/** Of a header that is there several times the last one counts, as for Kafka's own `lastHeader`. */
function toHeaders(headers: IHeaders = {}): ReadonlyMap<string, Uint8Array> {
  if (hasNone(headers)) return NO_HEADERS;
  const names = Object.keys(headers);
  const map = new Map<string, Uint8Array>();
  for (const name of names) {
    const value = headers[name];
    const last = Array.isArray(value) ? value.at(-1) : value;
    map.set(name, typeof last === 'string' ? Buffer.from(last) : (last ?? new Uint8Array()));
  }
  return map;
}

function sizeOf(headers: RawRecord['headers']): number {
  if (headers === NO_HEADERS) return 0;
  let bytes = 0;
  for (const [name, content] of headers) bytes += name.length + content.byteLength;
  return bytes;
}

type Partition = { readonly topic: string; readonly partition: number };

/** A record that was handed out. A class, since a flood makes hundreds of thousands of them a second. */
export class OpenRecord implements ConsumerRecord {
  readonly position: RecordPosition;
  readonly key: ConsumerRecord['key'];
  readonly value: ConsumerRecord['value'];
  readonly headers: ConsumerRecord['headers'];
  readonly timestampMs: number;
  readonly repeats: ConsumerRecord['repeats'];
  readonly signal: AbortSignal;
  readonly ack: () => void;

  constructor(record: RawRecord, { topic, partition }: Partition, signal: AbortSignal, ack: () => void) {
    this.position = { topic, partition, offset: record.offset };
    this.key = record.key;
    this.value = record.value;
    this.headers = record.headers;
    this.timestampMs = record.timestampMs;
    this.repeats = record.repeats;
    this.signal = signal;
    this.ack = ack;
  }
}
