/**
 * Groups events by table. A table that is idle starts at once (after `lingerMs`); what arrives while it is busy becomes its
 * next batch. Strictly one batch at a time per table, any number of tables.
 */
import type { ObservableInput, OperatorFunction } from 'rxjs';
import { defer, Observable, timer } from 'rxjs';
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
};

export function batchByTable<R>(
  { lingerMs, intervalMs = () => 0, coalesce = () => false }: Batching,
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
      const startBatch = (table: TableRef) => {
        const { id } = table;
        const waitMs = Math.max(lingerMs, pace.waitMs(id, intervalMs(table)));
        const delay = waitMs > 0 ? timer(waitMs) : [0];
        const batch$ = defer(() => delay).pipe(
          mergeMap(() => {
            const batch = takeBatch(pendingByTable.get(id) ?? []);
            pendingByTable.set(id, []);
            pace.started(id, intervalMs(table));
            return batch ? work(batch) : [];
          }),
        );
        out.add(
          batch$.subscribe({
            next: (result) => out.next(result),
            error: (error: unknown) => out.error(error),
            complete: () => {
              if (pendingByTable.get(id)?.length) startBatch(table);
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

/** When the last batch of each table began that has to keep a distance. */
class Pace {
  readonly #startedMs = new RecentMap<string, number>(REMEMBERED);

  started(table: string, intervalMs: number): void {
    if (intervalMs > 0) this.#startedMs.set(table, performance.now());
  }

  /** Milliseconds until the next one may begin. */
  waitMs(table: string, intervalMs: number): number {
    const startedMs = this.#startedMs.get(table);
    return startedMs === undefined ? 0 : Math.max(0, startedMs + intervalMs - performance.now());
  }
}
