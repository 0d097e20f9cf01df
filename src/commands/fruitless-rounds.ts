/** How long a command tries while the table moves under its builds. The daemon has no such limit: it plans again with the next batch. */
import type { Committed, Moved } from '../lance/commit/apply-build.ts';
import { SegmentdError } from '../lib/errors.ts';
import { sleep } from '../lib/sleep.ts';

/** Rounds in a row that may end without progress before the table counts as contended. */
const MAX_ROUNDS = 10;
const PAUSE_MS = 100;

/** Counts the rounds without progress. */
export class FruitlessRounds {
  readonly #pause: (ms: number) => Promise<void>;
  #rounds = 0;

  /** `pause` is for tests. */
  constructor(pause: (ms: number) => Promise<void> = sleep) {
    this.#pause = pause;
  }

  /**
   * Runs a round: null when a commit was lost to other writers or the table moved, after a pause that grows. Errors: commit_contended
   * after too many of these in a row, and those of the round.
   */
  async run<T extends Pick<Committed, 'kind'>>(round: () => Promise<T | Moved>): Promise<T | null> {
    const done = await round().catch((error: unknown) => {
      if (error instanceof SegmentdError && error.code === 'commit_contended') return error;
      throw error;
    });
    if (!(done instanceof SegmentdError) && done.kind === 'committed') {
      this.#rounds = 0;
      return done as T;
    }
    this.#rounds += 1;
    if (this.#rounds >= MAX_ROUNDS) {
      const last = done instanceof SegmentdError ? done.message : (done as Moved).cause;
      throw new SegmentdError('commit_contended', `${this.#rounds} rounds in a row were lost, the last: ${last}`);
    }
    await this.#pause(PAUSE_MS * this.#rounds);
    return null;
  }
}
