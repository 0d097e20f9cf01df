import type { Delivery } from '../model.ts';
import { AckTracker } from './ack-tracker.ts';

/** A record as it was read, before it is handed out. */
export type RawRecord = Omit<Delivery, 'origin' | 'signal' | 'ack'> & { readonly offset: bigint };

/**
 * One partition during one assignment: what was read and waits, what was handed out, and what may be committed. A lane lives
 * from joining the group until the next join; acks that come after that find it closed and do nothing.
 */
export class Lane {
  readonly topic: string;
  readonly partition: number;
  /** Reading of this partition is paused until the buffer is short again. */
  paused = false;
  readonly #tracker = new AckTracker();
  readonly #abort = new AbortController();
  #buffer: RawRecord[] = [];
  #readTo: bigint | undefined;
  #committed: bigint | undefined;
  #dropped = false;
  #closed = false;

  constructor(topic: string, partition: number) {
    this.topic = topic;
    this.partition = partition;
  }

  /** Takes what one fetch brought; `next` is the offset after the batch, control records included. */
  accept(records: readonly RawRecord[], next: bigint): void {
    // After a drop there is a hole: what comes behind it must neither be delivered nor count as reached.
    if (this.#closed || this.#dropped) return;
    this.#buffer.push(...records);
    this.#readTo = next;
    if (this.#buffer.length === 0) this.#tracker.reached(next);
  }

  /** Hands out the next record, or undefined when none waits. `acked` is called once, if the lane is still open then. */
  take(nowMs: number, acked: () => void): Delivery | undefined {
    const record = this.#buffer.shift();
    if (record === undefined) return undefined;
    const { offset, ...rest } = record;
    const settle = this.#tracker.deliver(offset, nowMs);
    // Only now, so that a dropped buffer can never count as delivered.
    if (this.#buffer.length === 0 && this.#readTo !== undefined) this.#tracker.reached(this.#readTo);
    return {
      ...rest,
      origin: { topic: this.topic, partition: this.partition, offset },
      signal: this.#abort.signal,
      ack: () => {
        if (!this.#closed && settle()) acked();
      },
    };
  }

  get buffered(): number {
    return this.#buffer.length;
  }

  get unacked(): number {
    return this.#closed ? 0 : this.#tracker.unacked;
  }

  get window(): number {
    return this.#tracker.window;
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

  /** Forgets what was read and not handed out; it is read again after the next join. The lane takes no more. */
  dropBuffer(): void {
    this.#dropped = true;
    this.#buffer = [];
    this.#readTo = undefined;
  }

  /** Ends the lane. With `lost`, work for its records may stop: another member has the partition. */
  close(lost: boolean): void {
    this.dropBuffer();
    this.#closed = true;
    if (lost) this.#abort.abort();
  }

  /** As `close(true)` for a lane that was closed before anyone knew who would get the partition. */
  abort(): void {
    this.#abort.abort();
  }
}
