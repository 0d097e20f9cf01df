/** One delivered record; `done` once it was acknowledged. */
type Entry = { readonly offset: bigint; readonly sinceMs: number; done: boolean };

/** How many settled entries may stand before the head until the list is cut. */
const COMPACT_AT = 1024;

/**
 * Which offset of one partition may be committed. Records are acknowledged in any order, and the offset to commit is the one
 * after the longest run of acknowledged records from the start: it never passes a record that is still open.
 *
 * Offsets have gaps (compaction, transactions), so "next" is never "plus one" of the last record alone: `reached` says up to
 * where the partition was read with nothing held back.
 */
export class AckTracker {
  #entries: Entry[] = [];
  #head = 0;
  #committable: bigint | undefined;
  #reached: bigint | undefined;
  #unacked = 0;

  /** Registers a record that is handed out now. Offsets must rise. Returns its ack: true the first time, false after that. */
  deliver(offset: bigint, nowMs: number): () => boolean {
    const last = this.#entries.at(-1)?.offset ?? (this.#committable === undefined ? -1n : this.#committable - 1n);
    if (offset <= last) throw new RangeError(`offset ${offset} was delivered after ${last}`);
    const entry: Entry = { offset, sinceMs: nowMs, done: false };
    this.#entries.push(entry);
    this.#unacked++;
    return () => this.#settle(entry);
  }

  /** Every record before `next` has been delivered, or does not exist for us (control records, compacted ones). */
  reached(next: bigint): void {
    if (this.#reached === undefined || next > this.#reached) this.#reached = next;
    this.#advance();
  }

  /** The offset to commit, which is that of the next record to read; undefined while nothing was settled. */
  get committable(): bigint | undefined {
    return this.#committable;
  }

  /** Records handed out and not acknowledged. */
  get unacked(): number {
    return this.#unacked;
  }

  /** Records from the first open one to the last delivered one: what a crash would deliver again. */
  get window(): number {
    return this.#entries.length - this.#head;
  }

  /** When the oldest open record was handed out. */
  get oldestSinceMs(): number | undefined {
    return this.#entries[this.#head]?.sinceMs;
  }

  #settle(entry: Entry): boolean {
    if (entry.done) return false;
    entry.done = true;
    this.#unacked--;
    this.#advance();
    return true;
  }

  #advance(): void {
    let entry = this.#entries[this.#head];
    while (entry?.done) {
      this.#committable = entry.offset + 1n;
      entry = this.#entries[++this.#head];
    }
    if (this.#head > COMPACT_AT || this.#head === this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    }
    if (this.#entries.length > 0 || this.#reached === undefined) return;
    if (this.#committable === undefined || this.#reached > this.#committable) this.#committable = this.#reached;
  }
}
