/** How a round ends that did not commit: it is planned again, declined, or waits for its next try. */
import type { MonoTypeOperatorFunction } from 'rxjs';
import { catchError, of, retry } from 'rxjs';
import type { RejectCause } from '../lance/commit/reject-causes.ts';
import { backoffMs } from '../lib/backoff.ts';
import { declinesTable, SegmentdError } from '../lib/errors.ts';
import type { TableRef } from '../model.ts';
import type { PipelineContext } from './context.ts';
import type { Batch, Requeue, Settleable } from './work.ts';

/** Rounds without any progress before a batch waits like one that failed: a table that moves that fast needs a pause. */
const MAX_REPLANS = 5;

/** Sends a batch round again after the table had moved under it. Errors: build_stale after too many rounds. */
export function requeue(context: PipelineContext, batch: Batch, cause: RejectCause): Requeue {
  context.telemetry.replanned({ table: batch.table.id, cause });
  if (batch.replanCount >= MAX_REPLANS) {
    throw new SegmentdError('build_stale', `planned ${batch.replanCount} times in a row, last because of ${cause}`);
  }
  return { kind: 'requeue', batch: { ...batch, replanCount: batch.replanCount + 1 } };
}

/**
 * Ends the round of one batch, not the process, wherever in it the table turned out to be gone or not to be served: a table can be
 * dropped or changed at any moment. One that is gone is waited for, as for a version that is not there yet.
 */
export function endRound(context: PipelineContext, batch: Batch): MonoTypeOperatorFunction<Settleable> {
  return catchError((error: unknown) => {
    if (!(error instanceof SegmentdError) || !declinesTable(error.code)) throw error;
    if (error.code === 'table_not_found') return of(requeue(context, batch, 'files_gone'));
    return of<Settleable>({ kind: 'declined', batch, error });
  });
}

/** Work that failed and may succeed later waits, longer each time unless an operator ends the wait, and starts over from the plan. */
export function retryLater<T>(context: PipelineContext, table: TableRef): MonoTypeOperatorFunction<T> {
  return retry({
    delay: (error: unknown, failures: number) => {
      // Anything unexpected is a bug: it ends the process, and Kafka replays what was not acknowledged.
      if (!(error instanceof SegmentdError) || error.retry === 'never') throw error;
      const nextTryMs = backoffMs(context.settings.retry, failures);
      context.states.failed(table.id, error, nextTryMs);
      context.telemetry.workFailed({ table: table.id, error, nextTryMs });
      return context.retryWaits.wait(table.id, nextTryMs);
    },
  });
}
