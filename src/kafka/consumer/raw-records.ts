/** The records of a fetched batch, as the source keeps them. */
import type { IHeaders, KafkaMessage } from 'kafkajs';
import type { ConsumerRecord } from '../../model.ts';

/** A record as it was read, before it is handed out. */
export type RawRecord = Omit<ConsumerRecord, 'position' | 'signal' | 'ack'> & { readonly offset: bigint };

/**
 * Records in a row that are the same byte for byte, key included, become one with repeats: a writer that announces a table again
 * and again costs hardly more than reading what it sent.
 */
export function toRecords(messages: readonly KafkaMessage[]): RawRecord[] {
  const records: RawRecord[] = [];
  let first: KafkaMessage | undefined;
  let repeats: KafkaMessage[] = [];
  for (const message of messages) {
    if (first !== undefined && isSame(first, message)) {
      repeats.push(message);
      continue;
    }
    first = message;
    repeats = [];
    records.push({ ...toRecord(message), repeats });
  }
  return records;
}

function isSame(a: KafkaMessage, b: KafkaMessage): boolean {
  return isEqual(a.value, b.value) && isEqual(a.key, b.key) && hasNone(a.headers) && hasNone(b.headers);
}

const isEqual = (a: Buffer | null, b: Buffer | null) => (a === null || b === null ? a === b : a.equals(b));

function hasNone(headers: IHeaders = {}): boolean {
  for (const _ in headers) return false;
  return true;
}

function toRecord(message: KafkaMessage): RawRecord {
  return {
    offset: BigInt(message.offset),
    key: message.key,
    value: message.value,
    headers: toHeaders(message.headers),
    timestampMs: Number(message.timestamp),
  };
}

const NO_HEADERS: ReadonlyMap<string, Uint8Array> = new Map();

/** Of a header that is there several times the last one counts, as for Kafka's own `lastHeader`. */
function toHeaders(headers: IHeaders = {}): ReadonlyMap<string, Uint8Array> {
  const names = Object.keys(headers);
  if (names.length === 0) return NO_HEADERS;
  const map = new Map<string, Uint8Array>();
  for (const name of names) {
    const value = headers[name];
    const last = Array.isArray(value) ? value.at(-1) : value;
    map.set(name, typeof last === 'string' ? Buffer.from(last) : (last ?? new Uint8Array()));
  }
  return map;
}
