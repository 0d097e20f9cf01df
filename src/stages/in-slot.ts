/** Runs the stages of one batch in one of the places shared by all tables. */
import type { Observable, OperatorFunction } from 'rxjs';
import { concatMap, firstValueFrom } from 'rxjs';
import type { PipelineContext } from './context.ts';

/**
 * The stages run to their end even when nobody listens any more: a build or commit that began is never left half done, and
 * whoever stops the process can wait for the places to become free.
 */
export function inSlot<T, R>(context: PipelineContext, stages: (value: T) => Observable<R>): OperatorFunction<T, R> {
  return concatMap((value) => context.slots.run(() => firstValueFrom(stages(value)), context.signal));
}
