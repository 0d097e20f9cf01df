/**
 * Groups events by table. A table that is idle starts at once (after `lingerMs`); what arrives while it is busy becomes its
 * next batch. Strictly one batch at a time per table, any number of tables.
 */
import type { ObservableInput, OperatorFunction } from 'rxjs';
import { filter, Observable, of, race, Subject, take, timer } from 'rxjs';
import { mergeMap } from 'rxjs/operators';
import { RecentMap } from '../lib/recent-map.ts';
import type { PendingEvent, TableRef } from '../model.ts';
import type { Batch } from './work.ts';

type Batching = {
  /** How long an idle table waits for more, milliseconds. */
  readonly lingerMs: number;
  /** Least time from the start of one batch of a table to that of the next, milliseconds. */
  readonly intervalMs?: (table: TableRef) => number;
  /** Called for each event of a busy table, with those that wait; true when it was merged into one of these. */
  readonly coalesce?: (pending: PendingEvent, waiting: PendingEvent[]) => boolean;
  /**
   * Whether others committed to the table while its batch was at work, which has just ended. If events wait by then, the next batch waits for one more: a
   * writer has announced what it appended and prepares the next append then, so that a batch that starts behind an event is done before that commits,
   * and one that starts at any other time shares the processors with it and loses the next version to it, again and again.
   */
  readonly wasOvertaken?: (table: TableRef) => boolean;
};

/** How long to wait for one more event, at most, milliseconds: no longer than the last batch took either. */
const ONE_MORE_MAX_MS = 50;

export function batchByTable<R>(
  { lingerMs, intervalMs = () => 0, coalesce = () => false, wasOvertaken = () => false }: Batching,
  work: (batch: Batch) => ObservableInput<R>,
): OperatorFunction<PendingEvent, R> {
  return (events) =>
    new Observable<R>((out) => {
      /** Tables at work, with what has arrived for them meanwhile. */
      const pendingByTable = new Map<string, PendingEvent[]>();
      const pace = new Pace();
      let sourceDone = false;
      const finishIfIdle = () => {
        if (sourceDone && pendingByTable.size === 0) out.complete();
      };
      const startBatch = (table: TableRef, oneMoreWithinMs = 0) => {
        const { id } = table;
        const waitMs = Math.max(lingerMs, pace.waitMs(id, intervalMs(table)));
        let startedMs = 0;
        const batch$ = pace.begin(id, waitMs, oneMoreWithinMs).pipe(
          mergeMap(() => {
            const batch = takeBatch(pendingByTable.get(id) ?? []);
            pendingByTable.set(id, []);
            startedMs = pace.started(id, intervalMs(table));
            return batch ? work(batch) : [];
          }),
        );
        out.add(
          batch$.subscribe({
            next: (result) => out.next(result),
            error: (error: unknown) => out.error(error),
            complete: () => {
              const withinMs = wasOvertaken(table) ? Math.min(performance.now() - startedMs, ONE_MORE_MAX_MS) : 0;
              if (pendingByTable.get(id)?.length) startBatch(table, withinMs);
              else pendingByTable.delete(id);
              finishIfIdle();
            },
          }),
        );
      };
      out.add(
        events.subscribe({
          next: (pending) => {
            const { id } = pending.event.table;
            const waiting = pendingByTable.get(id);
            if (waiting) {
              if (!coalesce(pending, waiting)) waiting.push(pending);
              pace.arrived(id);
            } else {
              pendingByTable.set(id, [pending]);
              startBatch(pending.event.table);
            }
          },
          error: (error: unknown) => out.error(error),
          complete: () => {
            sourceDone = true;
            finishIfIdle();
          },
        }),
      );
    });
}

/** Everything that waits, without records whose partition has moved: their new owner gets them again. */
function takeBatch(waiting: readonly PendingEvent[]): Batch | null {
  const events = waiting.filter(({ record }) => !record?.signal.aborted);
  const [first] = events;
  return first ? { table: first.event.table, events, deferred: [], replanCount: 0, committed: false } : null;
}

/** Tables remembered: of one that is forgotten the next batch starts at once. */
const REMEMBERED = 10_000;

/** When the last batch of each table began that has to keep a distance, and which tables have events now. */
class Pace {
  readonly #startedMs = new RecentMap<string, number>(REMEMBERED);
  readonly #arrivals = new Subject<string>();

  arrived(table: string): void {
    this.#arrivals.next(table);
  }

  /** Emits once: after `waitMs`, or else with the next event of the table, no later than `oneMoreWithinMs` from now, or at once. */
  begin(table: string, waitMs: number, oneMoreWithinMs: number): Observable<unknown> {
    if (waitMs > 0) return timer(waitMs);
    if (oneMoreWithinMs === 0) return of(0);
    return race(this.#arrivals.pipe(filter((it) => it === table)), timer(oneMoreWithinMs)).pipe(take(1));
  }

  /** A batch of the table begins now: in milliseconds. */
  started(table: string, intervalMs: number): number {
    const now = performance.now();
    if (intervalMs > 0) this.#startedMs.set(table, now);
    return now;
  }

  /** Milliseconds until the next one may begin. */
  waitMs(table: string, intervalMs: number): number {
    const startedMs = this.#startedMs.get(table);
    return startedMs === undefined ? 0 : Math.max(0, startedMs + intervalMs - performance.now());
  }
}
