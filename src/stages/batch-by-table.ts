/**
 * Groups items by table. A table that is idle starts at once (after `lingerMs`); what arrives while it is busy becomes its
 * next batch. Strictly one batch at a time per table, any number of tables.
 */
import type { ObservableInput, OperatorFunction } from 'rxjs';
import { defer, Observable, timer } from 'rxjs';
import { mergeMap } from 'rxjs/operators';
import type { Batch, Item } from './work.ts';

export type Batching = {
  /** How long an idle table waits for more, milliseconds. */
  readonly lingerMs: number;
  /** Offered each item of a busy table, with those that wait; true when one of these, or another in its place, stands for it. */
  readonly fold?: (item: Item, waiting: Item[]) => boolean;
};

export function batchByTable<R>(
  { lingerMs, fold = () => false }: Batching,
  work: (batch: Batch) => ObservableInput<R>,
): OperatorFunction<Item, R> {
  return (items) =>
    new Observable<R>((out) => {
      /** Tables at work, with what has arrived for them meanwhile. */
      const lanes = new Map<string, Item[]>();
      let sourceDone = false;
      const finishIfIdle = () => {
        if (sourceDone && lanes.size === 0) out.complete();
      };
      const startBatch = (id: string) => {
        const delay = lingerMs > 0 ? timer(lingerMs) : [0];
        const batch$ = defer(() => delay).pipe(
          mergeMap(() => {
            const batch = takeBatch(lanes.get(id) ?? []);
            lanes.set(id, []);
            return batch ? work(batch) : [];
          }),
        );
        out.add(
          batch$.subscribe({
            next: (result) => out.next(result),
            error: (error: unknown) => out.error(error),
            complete: () => {
              if (lanes.get(id)?.length) startBatch(id);
              else lanes.delete(id);
              finishIfIdle();
            },
          }),
        );
      };
      out.add(
        items.subscribe({
          next: (item) => {
            const { id } = item.event.table;
            const waiting = lanes.get(id);
            if (waiting) {
              if (!fold(item, waiting)) waiting.push(item);
            } else {
              lanes.set(id, [item]);
              startBatch(id);
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
function takeBatch(waiting: readonly Item[]): Batch | null {
  const items = waiting.filter(({ delivery }) => !delivery?.signal.aborted);
  const [first] = items;
  return first ? { table: first.event.table, items, rest: [], replans: 0, progressed: false } : null;
}
