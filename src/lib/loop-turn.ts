/**
 * Turns of the event loop. Work that waits for nothing outside, of which one step leads to the next, would keep timers, probes and heartbeats waiting for
 * as long as there is more of it: it asks here, and goes on in the next turn once this one has been long.
 */

/** Milliseconds. A probe takes a few turns to be answered. */
const LONG_MS = 10;

export class LoopTurn {
  readonly #nowMs: () => number;
  readonly #defer: (what: () => void) => void;
  /** When somebody asked first in this turn. */
  #sinceMs: number | undefined;
  /** Those that wait go on one after the other, each if the one before has left time. */
  #last: Promise<void> = Promise.resolve();

  constructor(nowMs = () => performance.now(), defer: (what: () => void) => void = setImmediate) {
    this.#nowMs = nowMs;
    this.#defer = defer;
  }

  /** Whether so much has been done since this was first asked in this turn that the rest is for the next. */
  isLong(): boolean {
    const nowMs = this.#nowMs();
    this.#sinceMs ??= this.#begin(nowMs);
    return nowMs - this.#sinceMs >= LONG_MS;
  }

  /** Resolves in a turn that has time, after all that waited before: in each turn those that wait have as much as all that asked before them. */
  room(): Promise<void> {
    this.#last = this.#last.then(() => (this.isLong() ? this.#next() : undefined));
    return this.#last;
  }

  #next(): Promise<void> {
    return new Promise((resolve) => {
      this.#defer(() => {
        this.#sinceMs = this.#begin(this.#nowMs());
        resolve();
      });
    });
  }

  /** What is counted from here on ends with this turn. */
  #begin(nowMs: number): number {
    this.#defer(() => {
      this.#sinceMs = undefined;
    });
    return nowMs;
  }
}

/** The turns of this process. */
export const loopTurn = new LoopTurn();
