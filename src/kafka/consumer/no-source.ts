/** What stands in for the consumer where there is no Kafka: no record comes. */
import { Subject } from 'rxjs';
import { sleep } from '../../lib/sleep.ts';
import type { ConsumerRecord } from '../../model.ts';
import type { RecordSource, SourceHooks, SourceState } from './source.ts';

const BUSY_POLL_MS = 20;

/** Ends as one of Kafka does: a drain waits for the work that is under way. */
export function noSource({ onState, isBusy = () => false }: Pick<SourceHooks, 'onState' | 'isBusy'>): RecordSource {
  const records$ = new Subject<ConsumerRecord>();
  let state: SourceState = 'connecting';
  let drained: Promise<void> | undefined;
  const enter = (next: SourceState) => {
    state = next;
    onState?.(next);
  };
  const drain = async (endMs: number) => {
    enter('draining');
    while (isBusy() && Date.now() < endMs) await sleep(BUSY_POLL_MS);
    records$.complete();
    enter('stopped');
  };
  return {
    records$,
    start: async () => {
      if (state === 'connecting') enter('running');
    },
    state: () => state,
    problem: () => undefined,
    assigned: () => [],
    unacked: () => 0,
    oldestUnackedMs: () => 0,
    drain(deadlineMs) {
      drained ??= drain(Date.now() + deadlineMs);
      return drained;
    },
  };
}
