/** Looks after tables in the background: each time a batch of one is settled, and from time to time after that. */
import type { MonoTypeOperatorFunction } from 'rxjs';
import { defer, finalize, from, ignoreElements, mergeWith, tap } from 'rxjs';
import { RecentMap } from '../lib/recent-map.ts';
import type { MergeAlong } from '../merge/merge-along.ts';
import type { MergeSchedule } from '../merge/merge-schedule.ts';
import { TableQueue } from '../merge/table-queue.ts';
import type { PipelineContext } from '../stages/context.ts';
import type { Batch } from '../stages/work.ts';
import type { LookMemory, MaintainSchedule } from './look-after.ts';
import { lookAfter, newLookMemory } from './look-after.ts';

/** Tables that are looked at while another one is compacted. */
const LOOKS_AT_ONCE = 2;

/** Tables remembered: one that is forgotten is looked at like a new one. */
const REMEMBERED = 10_000;

type MaintainOptions = {
  readonly schedule: MaintainSchedule;
  readonly merges: MergeSchedule;
  readonly along: MergeAlong;
};

/**
 * Passes on batches whose events are settled. When they complete, a run is ended at once: the table is whole at any point of it. Errors with
 * what must end the process.
 */
export function maintainTables(
  context: PipelineContext,
  { schedule, merges, along }: MaintainOptions,
): MonoTypeOperatorFunction<Batch> {
  return (settled) =>
    defer(() => {
      const ending = new AbortController();
      const signal = AbortSignal.any([context.signal, ending.signal]);
      const memories = new RecentMap<string, LookMemory>(REMEMBERED);
      const room = { context, schedule, merges, along, signal, busy: false };
      const queue = new TableQueue(
        (table) => {
          const memory = memories.get(table.id) ?? newLookMemory();
          memories.set(table.id, memory);
          return lookAfter(room, table, memory);
        },
        { concurrency: LOOKS_AT_ONCE, signal },
      );
      context.onReleased((id) => {
        queue.drop(id);
        const memory = memories.get(id);
        if (memory) memory.released = true;
        memories.delete(id);
        schedule.asked?.done(id);
      });
      schedule.asked?.onAsked((table) => queue.hurry(table));
      return settled.pipe(
        tap({
          // Fragments that an event names come to any member; the one that gets the plain events of a table looks after it.
          next: ({ table, events }) => {
            if (events.some(({ event }) => !event.fragments)) queue.request(table);
          },
          complete: () => ending.abort(),
        }),
        mergeWith(from(queue.ended).pipe(ignoreElements())),
        finalize(() => ending.abort()),
      );
    });
}
