import type { ConsumerRecord } from '../../model.ts';
import { lastOffsetOf } from '../../model.ts';
import { AckTracker } from './ack-tracker.ts';
import type { RawRecord } from './consumer-record.ts';
import { OpenRecord } from './consumer-record.ts';

/**
 * One partition during one assignment: what was read and waits, what was handed out, and what may be committed. It lives from
 * joining the group until the next join; acks that come after that find it closed and do nothing.
 */
export class PartitionQueue {
  readonly topic: string;
  readonly partition: number;
  /** Reading of this partition is paused until the buffer is short again. */
  paused = false;
  readonly #tracker = new AckTracker();
  readonly #abort = new AbortController();
  readonly #acked: (bytes: number) => void;
  #buffer: RawRecord[] = [];
  #bufferedBytes = 0;
  /** Place in the buffer of the record that is next. */
  #next = 0;
  #readTo: bigint | undefined;
  #committed: bigint | undefined;
  #dropped = false;
  #closed = false;

  /** `acked` is called once per record with its size, if the queue is still open then. */
  constructor(topic: string, partition: number, acked: (bytes: number) => void) {
    this.topic = topic;
    this.partition = partition;
    this.#acked = acked;
  }

  /** Takes what one fetch brought; `next` is the offset after the batch, control records included. */
  accept(records: readonly RawRecord[], next: bigint): void {
    // After a drop there is a hole: what comes behind it must neither be delivered nor count as reached.
    if (this.#closed || this.#dropped) return;
    this.#buffer = this.buffered === 0 ? [...records] : [...this.#buffer.slice(this.#next), ...records];
    this.#next = 0;
    for (const record of records) this.#bufferedBytes += record.bytes;
    this.#readTo = next;
    if (this.buffered === 0) this.#tracker.reached(next);
  }

  /** Hands out the next record, or undefined when none waits. */
  take(nowMs: number): ConsumerRecord | undefined {
    const record = this.#buffer[this.#next];
    if (record === undefined) return undefined;
    this.#next += 1;
    const { bytes } = record;
    this.#bufferedBytes -= bytes;
    const settle = this.#tracker.deliver(record.offset, nowMs, lastOffsetOf(record.offset, record.repeats));
    // Only now, so that a dropped buffer can never count as delivered.
    if (this.buffered === 0) this.#finishBuffer();
    return new OpenRecord(record, this, this.#abort.signal, () => {
      if (!this.#closed && settle()) this.#acked(bytes);
    });
  }

  #finishBuffer(): void {
    this.#buffer = [];
    this.#next = 0;
    if (this.#readTo !== undefined) this.#tracker.reached(this.#readTo);
  }

  get buffered(): number {
    return this.#buffer.length - this.#next;
  }

  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  /** Size of the next record; 0 when none waits. */
  get nextBytes(): number {
    return this.#buffer[this.#next]?.bytes ?? 0;
  }

  get oldestSinceMs(): number | undefined {
    return this.#closed ? undefined : this.#tracker.oldestSinceMs;
  }

  /** The offset to commit, or undefined when the last commit still stands. */
  get pendingCommit(): bigint | undefined {
    const { committable } = this.#tracker;
    if (this.#closed || committable === undefined) return undefined;
    return this.#committed === undefined || committable > this.#committed ? committable : undefined;
  }

  committedTo(offset: bigint): void {
    if (this.#committed === undefined || offset > this.#committed) this.#committed = offset;
  }

  /** Forgets what was read and not handed out; it is read again after the next join. The queue takes no more. */
  dropBuffer(): void {
    this.#dropped = true;
    this.#buffer = [];
    this.#bufferedBytes = 0;
    this.#next = 0;
    this.#readTo = undefined;
  }

  /** Ends the queue. With `lost`, work for its records may stop: another member has the partition. */
  close(lost: boolean): void {
    this.dropBuffer();
    this.#closed = true;
    if (lost) this.#abort.abort();
  }

  /** As `close(true)` for a queue that was closed before it was known which member gets the partition. */
  abort(): void {
    this.#abort.abort();
  }
}
