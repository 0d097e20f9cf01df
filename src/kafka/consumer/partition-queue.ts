import type { ConsumerRecord } from '../../model.ts';
import { lastOffsetOf } from '../../model.ts';
import { AckTracker } from './ack-tracker.ts';
import type { Fetched } from './consumer-record.ts';
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
  /** In the order they came; none is empty. */
  #waiting: Fetched[] = [];
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

  /** Fires when the partition went to another member. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Takes what one fetch brought; `next` is the offset after the batch, control records included. */
  accept(fetched: Fetched, next: bigint): void {
    // After a drop there is a hole: what comes behind it must neither be delivered nor count as reached.
    if (this.#closed || this.#dropped) return;
    if (fetched.left > 0) this.#waiting.push(fetched);
    this.#readTo = next;
    if (this.#waiting.length === 0) this.#tracker.reached(next);
  }

  /** Hands out the next record, or undefined when none waits. */
  take(nowMs: number): ConsumerRecord | undefined {
    const fetched = this.#waiting[0];
    const bytes = this.nextBytes;
    const message = fetched?.take();
    if (fetched === undefined || message === undefined) return undefined;
    const { repeats } = fetched;
    const record = new OpenRecord(message, { repeats, bytes, sinceMs: nowMs }, this);
    this.#tracker.deliver(record, lastOffsetOf(record.offset, repeats));
    // Only now, so that a dropped buffer can never count as delivered.
    if (fetched.left === 0) this.#finish();
    return record;
  }

  /** Notes that a record of this queue is acknowledged; only the first time counts, and none once the queue is closed. */
  settle(record: OpenRecord): void {
    if (!this.#closed && this.#tracker.settle(record)) this.#acked(record.bytes);
  }

  /** The fetch that was waiting longest is empty. */
  #finish(): void {
    this.#waiting.shift();
    if (this.#waiting.length === 0 && this.#readTo !== undefined) this.#tracker.reached(this.#readTo);
  }

  /** Records that wait, each of those that repeat another one included. */
  get buffered(): number {
    let records = 0;
    for (const { left } of this.#waiting) records += left;
    return records;
  }

  get bufferedBytes(): number {
    let all = 0;
    for (const { bytes } of this.#waiting) all += bytes;
    return all;
  }

  /** Size of the next record; 0 when none waits. */
  get nextBytes(): number {
    return this.#waiting[0]?.nextBytes ?? 0;
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
    this.#waiting = [];
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
