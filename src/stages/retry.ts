/** Work that failed and may succeed later waits, longer each time, and starts over from the plan. */
import type { MonoTypeOperatorFunction } from 'rxjs';
import { retry, timer } from 'rxjs';
import { backoffMs } from '../lib/backoff.ts';
import { SegmentdError } from '../lib/errors.ts';
import type { TableRef } from '../model.ts';
import type { PipelineContext } from './context.ts';

export function retryLater<T>(context: PipelineContext, table: TableRef): MonoTypeOperatorFunction<T> {
  return retry({
    delay: (error: unknown, failures: number) => {
      // Anything unexpected is a bug: it ends the process, and Kafka replays what was not acknowledged.
      if (!(error instanceof SegmentdError) || error.retry === 'never') throw error;
      const nextTryMs = backoffMs(context.settings.retry, failures);
      context.telemetry.workFailed({ table: table.id, error, nextTryMs });
      return timer(nextTryMs);
    },
  });
}
