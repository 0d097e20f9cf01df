/** Sends a batch round again after the table had moved under it. */
import type { RejectCause } from '../lance/commit/reject-causes.ts';
import { SegmentdError } from '../lib/errors.ts';
import type { PipelineContext } from './context.ts';
import type { Batch, Requeue } from './work.ts';

/** Rounds without any progress before a batch waits like one that failed: a table that moves that fast needs a pause. */
const MAX_REPLANS = 5;

/** Errors: build_stale after too many rounds. */
export function requeue(context: PipelineContext, batch: Batch, cause: RejectCause): Requeue {
  context.telemetry.replanned({ table: batch.table.id, cause });
  if (batch.replanCount >= MAX_REPLANS) {
    throw new SegmentdError('build_stale', `planned ${batch.replanCount} times in a row, last because of ${cause}`);
  }
  return { kind: 'requeue', batch: { ...batch, replanCount: batch.replanCount + 1 } };
}
