/** Holds the batches of a paused table. */
import type { MonoTypeOperatorFunction } from 'rxjs';
import { concatMap } from 'rxjs';
import type { PipelineContext } from './context.ts';
import type { Batch } from './work.ts';

export function awaitResume(context: PipelineContext): MonoTypeOperatorFunction<Batch> {
  return concatMap(async (batch) => {
    await context.pauses.whenResumed(batch.table.id);
    return batch;
  });
}
