/** How long a command tries while the table moves under its builds. The daemon has no such limit: it plans again with the next batch. */
import { SegmentdError } from '../../lib/errors.ts';
import { sleep } from '../../lib/sleep.ts';

/** Rounds in a row that may end without progress before the table counts as contended. */
const MAX_ROUNDS = 10;
const PAUSE_MS = 100;

/** A round that committed, or merged. */
type Won = { readonly kind: 'committed' | 'landed' };
/** A round under which the table moved. */
type Lost = { readonly kind: 'moved' | 'rejected'; readonly cause: string };

/** Counts the rounds without progress. */
export class FruitlessRounds {
  readonly #pause: (ms: number) => Promise<void>;
  #rounds = 0;

  /** `pause` is for tests. */
  constructor(pause: (ms: number) => Promise<void> = sleep) {
    this.#pause = pause;
  }

  /**
   * Runs a round: null when a commit was lost to other writers or the table moved, after a pause that grows. Errors, after too many of
   * these in a row: commit_contended or build_stale, by the last of them; and those of the round.
   */
  async run<Round extends Won | Lost>(round: () => Promise<Round>): Promise<Exclude<Round, Lost> | null> {
    const done = await round().catch((error: unknown) => {
      if (error instanceof SegmentdError && error.code === 'commit_contended') return error;
      throw error;
    });
    const isError = done instanceof SegmentdError;
    if (!isError && !isLost(done)) {
      this.#rounds = 0;
      return done as Exclude<Round, Lost>;
    }
    this.#rounds += 1;
    if (this.#rounds >= MAX_ROUNDS) {
      const [code, last] = isError ? [done.code, done.message] : (['build_stale', done.cause] as const);
      throw new SegmentdError(code, `${this.#rounds} rounds in a row were lost, the last: ${last}`);
    }
    await this.#pause(PAUSE_MS * this.#rounds);
    return null;
  }
}

const isLost = (done: Won | Lost): done is Lost => done.kind === 'moved' || done.kind === 'rejected';
