/**
 * The only way of a build into a table: upload, then commit. It alone decides what a refusal, an unknown outcome and a
 * lost conflict mean; the pipeline, merges and the command line all come through here and see the same two answers or an error.
 */
import { randomUUID } from 'node:crypto';
import { SegmentdError } from '../../lib/errors.ts';
import { stopwatch } from '../../lib/stopwatch.ts';
import type { Build, BuiltSegment } from '../segment.ts';
import type { LanceTable } from '../table/table.ts';
import { commitChange } from './commit-change.ts';
import type { CommitOutcome, CommitSettings } from './commit-request.ts';
import type { RebasedSegment } from './rebase.ts';
import type { RejectCause, ReplanCause } from './reject-causes.ts';
import { deleteUploaded, uploadSegments } from './upload.ts';

type BuildChange = {
  /** Uuids of the segments that the built ones replace. */
  readonly replaces: readonly string[];
  /** What the transaction says about who commits and why. */
  readonly properties: Readonly<Record<string, string>>;
  /**
   * Runs the commit in a slot of its own, which it need not hold while files are uploaded; rejects without having run it when there is
   * none.
   */
  readonly withSlot?: (commit: () => Promise<CommitOutcome>) => Promise<CommitOutcome>;
};

export type ApplySettings = CommitSettings & {
  /** Called after every commit, with its outcome and the milliseconds it took. */
  readonly onOutcome?: (outcome: CommitOutcome, commitMs: number) => void;
  /** Does a step, and sees when it began and how it ended; has to return and throw what the step does. */
  readonly step?: <T>(name: 'publish' | 'commit', work: () => Promise<T>) => Promise<T>;
};

/** The build is in the table, in whole or in part. */
export type Committed = {
  readonly kind: 'committed';
  readonly version: number;
  /** Since when readers see it, milliseconds since the epoch; what was proven of it afterwards took longer. */
  readonly landedAtMs: number;
  readonly transactionUuid: string;
  /** What was committed, with the fragments that are left of each segment. */
  readonly segments: readonly RebasedSegment[];
  /** What could not stand on the version it met, and has to be planned again. */
  readonly skipped: readonly { readonly segment: BuiltSegment; readonly cause: ReplanCause }[];
  /** Fragments that left the bitmaps of committed segments. */
  readonly droppedFragments: number;
  /** Uuids of segments without any live fragment, which left along with the replaced ones. */
  readonly stale: readonly string[];
  readonly attempts: number;
  readonly uploadMs: number;
  readonly commitMs: number;
};

/** The table moved under the build. Nothing of it is in the table, its files are deleted, and the work has to be planned again. */
export type Moved = { readonly kind: 'moved'; readonly cause: Exclude<RejectCause, 'contended' | 'store_refused'> };

/**
 * Puts a build into `table`. Errors: store_* when the store refused, commit_contended after too many conflicts or when the signal fired,
 * and what `withSlot` rejects with: after these no file is left. After commit_unknown the files stay: reading the table did not
 * show whether the commit landed.
 */
export async function applyBuild(
  table: LanceTable,
  { manifest, segments }: Pick<Build, 'manifest' | 'segments'>,
  { replaces, properties, withSlot }: BuildChange,
  { onOutcome, step = (_, work) => work(), ...settings }: ApplySettings,
): Promise<Committed | Moved> {
  const lap = stopwatch();
  const { durable } = await step('publish', () => uploadSegments(table.store, segments));
  const uploadMs = lap();
  const transactionUuid = randomUUID();
  let commitMs = 0;
  let begun = false;
  const commit = async () => {
    begun = true;
    const commitLap = stopwatch();
    const change = {
      base: manifest,
      addSegments: segments,
      removeSegments: replaces,
      durable,
      transactionUuid,
      properties,
    };
    const outcome = await commitChange(table, change, settings);
    commitMs = commitLap();
    return outcome;
  };
  return step('commit', async () => {
    const outcome = await (withSlot ? durable.then(() => withSlot(commit)) : commit()).catch(async (error: unknown) => {
      // Once a commit has begun, only its outcome says whether a version names the files.
      if (!begun) await Promise.allSettled([deleteUploaded(table.store, segments)]);
      throw error;
    });
    onOutcome?.(outcome, commitMs);
    return answerTo(outcome, { transactionUuid, uploadMs, commitMs });
  });
}

function answerTo(
  outcome: CommitOutcome,
  facts: Pick<Committed, 'transactionUuid' | 'uploadMs' | 'commitMs'>,
): Committed | Moved {
  switch (outcome.kind) {
    case 'landed': {
      const { version, landedAtMs, attempts, rebased } = outcome;
      const { keep, skipped, droppedFragments, stale } = rebased;
      const landed = { version, landedAtMs, attempts, segments: keep, skipped, droppedFragments, stale };
      return { kind: 'committed', ...landed, ...facts };
    }
    case 'rejected':
      if (outcome.cause === 'contended') {
        throw new SegmentdError('commit_contended', `lost ${outcome.conflicts} conflicts for the next version`);
      }
      if (outcome.cause === 'store_refused') throw outcome.error;
      return { kind: 'moved', cause: outcome.cause };
    case 'unknown':
      throw new SegmentdError('commit_unknown', outcome.error.message, { cause: outcome.error });
  }
}
