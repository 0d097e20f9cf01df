/**
 * Plans every maintained table from time to time, whether or not an append was announced: lost events, appends without
 * events and changes by other writers are found.
 */
import type { Observable } from 'rxjs';
import { concatMap, defer, delay, EMPTY, expand, filter, from, map, merge, of, Subject, timer } from 'rxjs';
import type { PendingEvent, TableRef } from '../model.ts';

export type SweepOptions = {
  readonly intervalMs: number;
  /** Resolves when there is something to own, and again at once from then on. */
  ready(): Promise<void>;
  /** All tables of the configured databases. */
  tables(): Promise<readonly TableRef[]>;
  /** Whether this member of the group is the one that sweeps the table. */
  owns(table: TableRef): boolean;
};

/** Share of the interval by which sweeps vary, so that members that started together do not sweep together. */
const JITTER = 0.1;
/** Between two tables, milliseconds: a sweep of a thousand tables must not delay fresh events. */
const GAP_MS = 5;

/** The first sweep comes at once, the others every `intervalMs`. */
export function sweep({ intervalMs, ready, tables, owns }: SweepOptions): Observable<PendingEvent> {
  const pauseMs = () => intervalMs * (1 + JITTER * (2 * Math.random() - 1));
  return defer(ready).pipe(
    expand(() => timer(pauseMs())),
    concatMap(() => from(tables())),
    concatMap((found) => from(found.filter(owns))),
    concatMap((table) => of(table).pipe(delay(GAP_MS))),
    // A rebalance may have taken the table away while the others were swept.
    filter(owns),
    map((table) => ({ event: { table }, record: null, receivedAtMs: Date.now() })),
  );
}

/** Tables that are planned without an event: those that an operator refreshes, and those of the sweep. */
export type RefreshRequests = {
  readonly events: Observable<PendingEvent>;
  /** Plans the table as soon as it is idle. */
  refresh(table: TableRef): void;
};

/** Without options there is no sweep. */
export function refreshRequests(options: SweepOptions | null): RefreshRequests {
  const refreshed = new Subject<PendingEvent>();
  return {
    events: merge(refreshed, options ? sweep(options) : EMPTY),
    refresh: (table) => refreshed.next({ event: { table }, record: null, receivedAtMs: Date.now() }),
  };
}
