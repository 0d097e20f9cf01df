/** Sends a batch round again after the table had moved under it. */
import type { RejectCause } from '../lance/commit/reject-causes.ts';
import { SegmentdError } from '../lib/errors.ts';
import type { Kit } from './context.ts';
import type { Again, Batch } from './work.ts';

/** Rounds without any progress before a batch waits like one that failed: a table that moves that fast needs a pause. */
const MAX_REPLANS = 5;

/** Errors: build_stale after too many rounds. */
export function planAgain(kit: Kit, batch: Batch, cause: RejectCause): Again {
  kit.telemetry.replanned({ table: batch.table.id, cause });
  if (batch.replans >= MAX_REPLANS) {
    throw new SegmentdError('build_stale', `planned ${batch.replans} times in a row, last because of ${cause}`);
  }
  return { kind: 'again', batch: { ...batch, replans: batch.replans + 1 } };
}
