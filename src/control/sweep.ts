/**
 * Plans every maintained table from time to time, whether or not an append was announced: lost events, appends without
 * events and changes by other writers are found.
 */
import type { Observable } from 'rxjs';
import {
  BehaviorSubject,
  concatMap,
  defer,
  delay,
  distinctUntilChanged,
  EMPTY,
  exhaustMap,
  expand,
  filter,
  from,
  map,
  merge,
  of,
  Subject,
  switchMap,
  takeUntil,
  tap,
  timer,
} from 'rxjs';
import type { PendingEvent, TableRef } from '../model.ts';

export type SweepOptions = {
  readonly intervalMs: number;
  /** Resolves when there is something to own, and again at once from then on. */
  ready(): Promise<void>;
  /** All tables of the configured databases. */
  tables(): Promise<readonly TableRef[]>;
  /** Whether this member of the group is the one that sweeps the table. */
  owns(table: TableRef): boolean;
  /** Called when the last table of the first sweep was handed on. */
  firstEnded?(): void;
};

/** Share of the interval by which sweeps vary, so that members that started together do not sweep together. */
const JITTER = 0.1;
/**
 * Between two tables, milliseconds: a sweep of a thousand tables must not delay fresh events. The first one hurries, since until a table was
 * planned nothing is known of it.
 */
const GAP_MS = { first: 1, later: 5 };

/** The first sweep comes at once, the others every `intervalMs`. */
export function sweep({
  intervalMs,
  ready,
  tables,
  owns,
  firstEnded = () => undefined,
}: SweepOptions): Observable<PendingEvent> {
  const pauseMs = () => intervalMs * (1 + JITTER * (2 * Math.random() - 1));
  const round = (gapMs: number) =>
    defer(tables).pipe(
      concatMap((found) => from(found.filter(owns))),
      concatMap((table) => of(table).pipe(delay(gapMs))),
    );
  return defer(ready).pipe(
    expand(() => timer(pauseMs())),
    // A sweep of very many tables may take longer than the interval: those that fall due meanwhile are left out.
    exhaustMap((_, at) => (at > 0 ? round(GAP_MS.later) : round(GAP_MS.first).pipe(tap({ complete: firstEnded })))),
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
  /** Plans nothing any more. */
  end(): void;
  /** Sweeps at another interval from now on, the first time at once; 0 ends the sweeps. The same interval changes nothing. */
  sweepEvery(intervalMs: number): void;
};

/** With an interval of 0 there is no sweep. */
export function refreshRequests({ intervalMs: first, ...options }: SweepOptions): RefreshRequests {
  const refreshed = new Subject<PendingEvent>();
  const ended = new Subject<void>();
  const intervals = new BehaviorSubject(first);
  const swept = intervals.pipe(
    distinctUntilChanged(),
    switchMap((intervalMs) => (intervalMs === 0 ? EMPTY : sweep({ ...options, intervalMs }))),
  );
  return {
    events: merge(refreshed, swept).pipe(takeUntil(ended)),
    refresh: (table) => refreshed.next({ event: { table }, record: null, receivedAtMs: Date.now() }),
    end: () => ended.next(),
    sweepEvery: (intervalMs) => intervals.next(intervalMs),
  };
}
