/**
 * Merges small segments in the background. A table is requested when a batch of it is settled, and runs again after each merge,
 * behind the other tables that wait: large tables do not keep small ones waiting, and fresh data never waits for a merge.
 */
import type { OperatorFunction } from 'rxjs';
import { defer, filter, finalize, ignoreElements, mergeWith, tap } from 'rxjs';
import type { PipelineContext } from '../stages/context.ts';
import type { Batch } from '../stages/work.ts';
import { CompactionBackoff } from './compaction-backoff.ts';
import type { MergeAlong } from './merge-along.ts';
import type { TableMemory } from './merge-once.ts';
import { mergeOnce, newTableMemory } from './merge-once.ts';
import type { MergeSchedule } from './merge-schedule.ts';
import { TableQueue } from './table-queue.ts';

/**
 * Takes batches whose events are settled. Completes when they do and no merge runs; tables that wait by then run once more. Errors
 * with what must end the process.
 */
export function mergeSegments(
  context: PipelineContext,
  schedule: MergeSchedule,
  along: MergeAlong,
): OperatorFunction<Batch, never> {
  return (settled) =>
    defer(() => {
      const memories = new Map<string, TableMemory>();
      const room = { compactions: new CompactionBackoff(), along };
      const unsubscribed = new AbortController();
      const queue = new TableQueue(
        (table) => {
          const memory = memories.get(table.id) ?? newTableMemory();
          memories.set(table.id, memory);
          return mergeOnce(context, schedule, table, memory, room);
        },
        {
          get concurrency() {
            return Math.max(1, schedule.concurrency);
          },
          signal: AbortSignal.any([context.signal, unsubscribed.signal]),
        },
      );
      // When the table comes back, it is reported and merged like a new one.
      context.onReleased((id) => {
        queue.drop(id);
        memories.delete(id);
        schedule.asked?.done(id);
      });
      schedule.asked?.onAsked((table) => queue.hurry(table));
      return settled.pipe(
        // Fragments that an event names come to any member; the member that gets the plain events of a table merges it.
        filter(({ events }) => events.some(({ event }) => !event.fragments)),
        tap({ next: ({ table }) => queue.request(table), complete: () => queue.drain() }),
        mergeWith(queue.ended),
        ignoreElements(),
        finalize(() => unsubscribed.abort()),
      );
    });
}
