/** Waits before the next try of work that failed. An operator who has fixed the cause ends one early. */
import type { Observable } from 'rxjs';
import { filter, race, Subject, take, timer } from 'rxjs';

export type RetryWaits = {
  /** Emits once and completes: after `ms` milliseconds, or when the wait of the table is ended. */
  wait(table: string, ms: number): Observable<unknown>;
  /** Does nothing for a table that waits for no try. */
  end(table: string): void;
};

export function createRetryWaits(): RetryWaits {
  const ended = new Subject<string>();
  return {
    wait: (table, ms) =>
      race(
        timer(ms),
        ended.pipe(
          filter((each) => each === table),
          take(1),
        ),
      ),
    end: (table) => ended.next(table),
  };
}
