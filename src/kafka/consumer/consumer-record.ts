/** A record from the fetched batch to its ack. */
import type { IHeaders, KafkaMessage } from 'kafkajs';
import { sameButTexts } from '../../lib/same-but-texts.ts';
import { sameBytes } from '../../lib/same-bytes.ts';
import type { ConsumerRecord, RecordPosition } from '../../model.ts';
import { NOTES } from '../../model.ts';
import type { Entry } from './ack-tracker.ts';

const NOTE_NAMES = NOTES.map((name) => Buffer.from(JSON.stringify(name)));

/** Offset, timestamp and value of records that repeat another one. */
type Repeats = ConsumerRecord['repeats'];

/** What one fetch has brought for a partition, and waits to be taken. */
export class Fetched {
  readonly #messages: readonly KafkaMessage[];
  #at = 0;
  #bytes = 0;
  #nextBytes = 0;
  #repeats: KafkaMessage[] | undefined;

  constructor(messages: readonly KafkaMessage[]) {
    this.#messages = messages;
    for (const message of messages) this.#bytes += sizeOf(message);
    this.#measureNext();
  }

  /** How many records are left. */
  get left(): number {
    return this.#messages.length - this.#at;
  }

  /** How many bytes these have. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Size of the next one; 0 when none is left. */
  get nextBytes(): number {
    return this.#nextBytes;
  }

  #measureNext(): void {
    const next = this.#messages[this.#at];
    this.#nextBytes = next ? sizeOf(next) : 0;
  }

  /** The repeats of the record that was taken last. */
  get repeats(): Repeats {
    return this.#repeats;
  }

  /**
   * The next record. Those right behind it that say the same, key included, come with it as its repeats: a writer that announces a table repeatedly costs
   * hardly more than reading its records.
   */
  take(): KafkaMessage | undefined {
    const messages = this.#messages;
    const first = messages[this.#at];
    if (first === undefined) return undefined;
    this.#at += 1;
    this.#repeats = undefined;
    for (let next = messages[this.#at]; next !== undefined && isSame(first, next); next = messages[this.#at]) {
      this.#repeats ??= [];
      this.#repeats.push(next);
      this.#at += 1;
    }
    this.#bytes -= this.#nextBytes * (1 + (this.#repeats?.length ?? 0));
    this.#measureNext();
    return first;
  }
}

/** Key, value and headers, bytes. */
function sizeOf({ key, value, headers }: KafkaMessage): number {
  return (key?.byteLength ?? 0) + (value?.byteLength ?? 0) + (hasNone(headers) ? 0 : sizeOfHeaders(toHeaders(headers)));
}

function isSame(a: KafkaMessage, b: KafkaMessage): boolean {
  const saysTheSame = sameBytes(a.value, b.value) || sameButTexts(NOTE_NAMES, a.value, b.value);
  return saysTheSame && sameBytes(a.key, b.key) && hasNone(a.headers) && hasNone(b.headers);
}

function hasNone(headers: IHeaders = {}): boolean {
  for (const _ in headers) return false;
  return true;
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

function sizeOfHeaders(headers: ConsumerRecord['headers']): number {
  let bytes = 0;
  for (const [name, content] of headers) bytes += name.length + content.byteLength;
  return bytes;
}

/** The partition that a record was read from, which is told when it is acknowledged, however often. */
type Assigned = Pick<RecordPosition, 'topic' | 'partition'> &
  Pick<ConsumerRecord, 'signal'> & { settle(record: OpenRecord): void };

/**
 * A record that was handed out, made no sooner than that: what a whole fetch waits in would outlive the young generation of the heap. A class, and all
 * that is known of the record in one object: a flood makes hundreds of thousands of them a second.
 */
export class OpenRecord implements ConsumerRecord, Entry {
  readonly position: RecordPosition;
  readonly key: ConsumerRecord['key'];
  readonly value: ConsumerRecord['value'];
  readonly headers: ConsumerRecord['headers'];
  readonly timestampMs: number;
  readonly repeats: Repeats;
  readonly signal: AbortSignal;
  /** Key, value and headers. */
  readonly bytes: number;
  readonly sinceMs: number;
  done = false;
  readonly #from: Assigned;

  constructor(
    { key, value, headers, timestamp, offset }: KafkaMessage,
    { repeats, bytes, sinceMs }: Pick<OpenRecord, 'repeats' | 'bytes' | 'sinceMs'>,
    from: Assigned,
  ) {
    this.position = { topic: from.topic, partition: from.partition, offset: toOffset(offset) };
    this.key = key;
    this.value = value;
    this.headers = toHeaders(headers);
    this.timestampMs = Number(timestamp);
    this.repeats = repeats;
    this.signal = from.signal;
    this.bytes = bytes;
    this.sinceMs = sinceMs;
    this.#from = from;
  }

  get offset(): bigint {
    return this.position.offset;
  }

  ack(): void {
    this.#from.settle(this);
  }
}

/** By way of a number where that is exact, which takes a third of the time and holds for every offset that a partition has got to. */
function toOffset(decimal: string): bigint {
  const number = Number(decimal);
  return Number.isSafeInteger(number) ? BigInt(number) : BigInt(decimal);
}
