/** Keeps a failure that repeats from filling the log: logged at once, then at most once per interval, and once on recovery. */

/** Half of a typical alert's `for`: when the alert fires, a line is on the last page of the log. */
const REPEAT_MS = 30_000;

type Streak = { code: string; saidAtMs: number; failures: number; suppressed: number };

export class ErrorThrottle {
  readonly #now: () => number;
  readonly #streaks = new Map<string, Streak>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Counts a failure of `key`. Returns how many were kept quiet since the last line, or undefined to keep quiet now. */
  failed(key: string, code: string): number | undefined {
    const now = this.#now();
    const streak = this.#streaks.get(key);
    if (streak === undefined) {
      this.#streaks.set(key, { code, saidAtMs: now, failures: 1, suppressed: 0 });
      return 0;
    }
    streak.failures++;
    if (streak.code === code && now - streak.saidAtMs < REPEAT_MS) {
      streak.suppressed++;
      return undefined;
    }
    const { suppressed } = streak;
    Object.assign(streak, { code, saidAtMs: now, suppressed: 0 });
    return suppressed;
  }

  /** Ends a streak and returns how many failures it had: 0 when all was well anyway. */
  recovered(key: string): number {
    const failures = this.#streaks.get(key)?.failures ?? 0;
    this.#streaks.delete(key);
    return failures;
  }
}
