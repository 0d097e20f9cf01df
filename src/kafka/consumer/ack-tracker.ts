/** One delivered record: its offset, when it was handed out, and whether it was acknowledged, which the tracker alone says. */
export type Entry = { readonly offset: bigint; readonly sinceMs: number; done: boolean };

/** The list is cut when it holds this many entries more than twice the open ones: rarely enough to cost nothing per record. */
const COMPACT_AT = 1024;

/**
 * Which offset of one partition may be committed. Records are acknowledged in any order, and the offset to commit is the one
 * after the longest run of acknowledged records from the start: it never passes a record that is still open.
 *
 * However many were settled behind one that stays open, only the open ones take memory. Offsets have gaps (compaction,
 * transactions), so "next" is never "plus one" of the last record alone: `reached` says up to
 * where the partition was read with nothing held back.
 */
export class AckTracker {
  #entries: Entry[] = [];
  #head = 0;
  #committable: bigint | undefined;
  #reached: bigint | undefined;
  #unacked = 0;
  /** The highest offset that was delivered. */
  #last = -1n;

  /** Registers a record that is handed out now, with all behind it up to the offset `last` that it stands for. Offsets must increase. */
  deliver(entry: Entry, last: bigint): void {
    const { offset } = entry;
    const before =
      this.#committable === undefined || this.#committable <= this.#last ? this.#last : this.#committable - 1n;
    if (offset <= before) throw new RangeError(`offset ${offset} was delivered after ${before}`);
    this.#last = last;
    this.#entries.push(entry);
    this.#unacked++;
  }

  /** The record is acknowledged: true the first time, false after that. */
  settle(entry: Entry): boolean {
    if (entry.done) return false;
    entry.done = true;
    this.#unacked--;
    this.#advance();
    return true;
  }

  /** Every record before `next` has been delivered, or is not delivered (control records, compacted ones). */
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

  /** Records that take memory. */
  get kept(): number {
    return this.#entries.length;
  }

  /** When the oldest open record was handed out. */
  get oldestSinceMs(): number | undefined {
    return this.#entries[this.#head]?.sinceMs;
  }

  #advance(): void {
    const from = this.#head;
    while (this.#entries[this.#head]?.done) this.#head++;
    const open = this.#entries[this.#head];
    // All that was delivered before the first open record is settled; what was cut from the list in between is, too.
    if (this.#head > from) this.#committable = open?.offset ?? this.#last + 1n;
    if (open === undefined) {
      this.#entries = [];
      this.#head = 0;
      if (this.#reached === undefined) return;
      if (this.#committable === undefined || this.#reached > this.#committable) this.#committable = this.#reached;
    } else if (this.#entries.length > 2 * this.#unacked + COMPACT_AT) {
      this.#entries = this.#entries.filter(({ done }) => !done);
      this.#head = 0;
    }
  }
}
