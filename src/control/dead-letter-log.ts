/** The last dead letters of this process, and how many there were in a day. */
import { visible, visibleLines } from '../lib/visible-text.ts';
import type { ConsumerRecord } from '../model.ts';

export type DeadLetterEntry = {
  /** ISO 8601. */
  readonly at: string;
  readonly code: string;
  /** With escapes for what cannot be seen. */
  readonly message: string;
  /** Where the record was, which the dead-letter topic has in headers. */
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  /** The first 80 bytes of the record's value, as printable text. */
  readonly value: string;
};

const KEPT = 20;
const VALUE_BYTES = 80;
const MESSAGE_CHARS = 1_000;

const BUCKET_MS = 10 * 60_000;
/** A day, and the bucket that is being filled. */
const BUCKETS = 145;

/** Counts by ten minutes: a day of dead letters takes as much memory as an hour. */
export class DeadLetterLog {
  readonly #now: () => number;
  #newest: readonly DeadLetterEntry[] = [];
  readonly #counts = new Uint32Array(BUCKETS);
  /** The bucket of the last count, in tens of minutes since the epoch. */
  #bucket = 0;

  /** `now` is for tests: milliseconds since the epoch. */
  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Newest first: at most 20. */
  get newest(): readonly DeadLetterEntry[] {
    return this.#newest;
  }

  /** The dead-letter topic has the record. */
  note(record: ConsumerRecord, { code, message }: { readonly code: string; readonly message: string }): void {
    const { topic, partition, offset } = record.position;
    const entry = {
      at: new Date(this.#now()).toISOString(),
      code,
      message: visibleLines(message.slice(0, MESSAGE_CHARS)),
      ...{ topic, partition, offset: offset.toString() },
      value: printableStart(record.value),
    };
    this.#newest = [entry, ...this.#newest].slice(0, KEPT);
    this.#advance();
    const at = this.#bucket % BUCKETS;
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
  }

  /** Dead letters of the last 24 hours, to ten minutes. */
  get ofLastDay(): number {
    this.#advance();
    return this.#counts.reduce((sum, count) => sum + count, 0);
  }

  /** Clears the buckets between the last count and now. A clock that is set back counts in the last bucket. */
  #advance(): void {
    const bucket = Math.floor(this.#now() / BUCKET_MS);
    const steps = Math.min(bucket - this.#bucket, BUCKETS);
    for (let step = 0; step < steps; step++) this.#counts[(bucket - step) % BUCKETS] = 0;
    this.#bucket = Math.max(bucket, this.#bucket);
  }
}

function printableStart(value: Uint8Array | null): string {
  // As a stream: a character that the end cuts is left out. Bytes that are no UTF-8 become U+FFFD.
  return visible(new TextDecoder().decode(value?.subarray(0, VALUE_BYTES), { stream: true }));
}
