/** Runs the stages of one batch in one of the places shared by all tables. */
import type { Observable, OperatorFunction } from 'rxjs';
import { concatMap, firstValueFrom } from 'rxjs';
import type { Kit } from './context.ts';

/**
 * The stages run to their end even when nobody listens any more: a build or commit that began is never left half done, and
 * whoever stops the process can wait for the places to become free.
 */
export function inSlot<T, R>(kit: Kit, stages: (value: T) => Observable<R>): OperatorFunction<T, R> {
  return concatMap((value) => kit.slots.run(() => firstValueFrom(stages(value)), kit.signal));
}
