/** Holds the batches of a paused table. */
import type { MonoTypeOperatorFunction } from 'rxjs';
import { concatMap } from 'rxjs';
import type { Kit } from './context.ts';
import type { Batch } from './work.ts';

export function awaitResume(kit: Kit): MonoTypeOperatorFunction<Batch> {
  return concatMap(async (batch) => {
    await kit.pauses.whenResumed(batch.table.id);
    return batch;
  });
}
