/** From local files to a version of the table: publish, then commit. */
import { randomUUID } from 'node:crypto';
import { stopwatch } from '../../lib/stopwatch.ts';
import type { Build } from '../segment.ts';
import type { LanceTable } from '../table/table.ts';
import type { CommitOutcome, CommitSettings } from './commit-change.ts';
import { commitChange } from './commit-change.ts';
import { deleteUploaded, uploadSegments } from './upload.ts';

export type Landing = {
  readonly outcome: CommitOutcome;
  readonly transactionUuid: string;
  readonly publishMs: number;
  readonly commitMs: number;
};

export type LandingRequest = {
  /** Uuids of the segments that the built ones replace. */
  readonly remove: readonly string[];
  readonly properties: Readonly<Record<string, string>>;
  /**
   * Runs the commit in a place of its own, which it need not hold while files are moved and synced; rejects without having run it when
   * there is none to be had.
   */
  readonly withSlot?: (commit: () => Promise<CommitOutcome>) => Promise<CommitOutcome>;
};

/** Errors: store_* while publishing, and those of `withSlot`, after which nothing is left; from then on all is in the outcome. */
export async function applyBuild(
  table: LanceTable,
  { manifest, segments }: Pick<Build, 'manifest' | 'segments'>,
  { remove, properties, withSlot }: LandingRequest,
  settings: CommitSettings,
): Promise<Landing> {
  const lap = stopwatch();
  const { durable } = await uploadSegments(table.store, segments);
  const publishMs = lap();
  const transactionUuid = randomUUID();
  const change = { base: manifest, add: segments, remove, durable, transactionUuid, properties };
  let commitMs = 0;
  const commit = async () => {
    const commitLap = stopwatch();
    const outcome = await commitChange(table, change, settings);
    commitMs = commitLap();
    return outcome;
  };
  if (!withSlot) {
    const outcome = await commit();
    return { outcome, transactionUuid, publishMs, commitMs };
  }
  let begun = false;
  try {
    await durable;
    const outcome = await withSlot(() => {
      begun = true;
      return commit();
    });
    return { outcome, transactionUuid, publishMs, commitMs };
  } catch (error) {
    // Once a commit has begun, only its outcome says whether a version names the files.
    if (!begun) await Promise.allSettled([deleteUploaded(table.store, segments)]);
    throw error;
  }
}
