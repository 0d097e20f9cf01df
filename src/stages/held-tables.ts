/**
 * Tables whose events are held, because an operator paused them or they are retrying. segmentd reads them all the same, so that
 * `/status` and the metrics stay up to date for them.
 */
import type { MonoTypeOperatorFunction } from 'rxjs';
import { concatMap, Observable } from 'rxjs';
import { indexReports } from '../control/index-reports.ts';
import { planTable } from '../lance/plan/table-plan.ts';
import { declinesTable, SegmentdError } from '../lib/errors.ts';
import type { PendingEvent, TableRef } from '../model.ts';
import { isFullyCovered } from '../model.ts';
import { decline } from './ack.ts';
import type { PipelineContext } from './context.ts';
import { forgetGone } from './forget-gone.ts';
import { readManifest } from './read-manifest.ts';
import type { Batch } from './work.ts';

/** Holds the batches of a paused table. */
export function awaitResume(context: PipelineContext): MonoTypeOperatorFunction<Batch> {
  return concatMap(async (batch) => {
    await context.pauses.whenResumed(batch.table.id);
    return batch;
  });
}

/** Passes every event on, and reads the manifest of each table whose events are held, one read at a time. */
export function observeHeld(context: PipelineContext): MonoTypeOperatorFunction<PendingEvent> {
  return (events) =>
    new Observable<PendingEvent>((out) => {
      /** Tables being read, and whether another event came meanwhile. */
      const looking = new Map<string, boolean>();
      const observe = async (table: TableRef) => {
        do {
          looking.set(table.id, false);
          await look(context, table);
        } while (looking.get(table.id) && !out.closed);
        looking.delete(table.id);
      };
      const next = (event: PendingEvent) => {
        out.next(event);
        const { table } = event.event;
        if (!isHeld(context, table.id)) return;
        if (looking.has(table.id)) looking.set(table.id, true);
        else observe(table).catch((error: unknown) => out.error(error));
      };
      out.add(events.subscribe({ next, error: (error) => out.error(error), complete: () => out.complete() }));
    });
}

export function isHeld({ states }: PipelineContext, table: string): boolean {
  const state = states.stateOf(table);
  return state === 'paused' || state === 'retrying';
}

async function look(context: PipelineContext, table: TableRef): Promise<void> {
  const { tables, states, telemetry, settings } = context;
  try {
    const manifest = await readManifest(context, table);
    const plan = planTable(manifest, tables.policy(table.id), settings.limits);
    const indexes = indexReports(plan.states, manifest);
    const { version } = manifest;
    const isCovered = isFullyCovered(indexes);
    states.observed(table.id, version, indexes, isCovered ? version : undefined);
    telemetry.planned({ table: table.id, version, outcome: 'held', indexes });
  } catch (error) {
    if (!(error instanceof SegmentdError)) throw error;
    if (error.code === 'table_not_found') forgetGone(context, table.id);
    // A store that does not answer is asked again with the next event or sweep.
    else if (declinesTable(error.code)) decline(context, table.id, error);
  }
}
