/**
 * Commits a change to the index section as the next version of a table: put-if-absent of a manifest spliced from the latest
 * one, after the conflict rules were checked against exactly that one. A commit has three outcomes, and only a proven
 * rejection deletes files.
 */
import { SegmentdError } from '../../lib/errors.ts';
import { sleep } from '../../lib/sleep.ts';
import { stopwatch } from '../../lib/stopwatch.ts';
import type { Manifest } from '../codec/manifest.ts';
import { RowHistory } from '../table/row-history.ts';
import type { LanceTable } from '../table/table.ts';
import type {
  CommitOutcome,
  CommitRequest,
  CommitSettings,
  Effort,
  OutcomeWithoutEffort,
  Rejected,
} from './commit-request.ts';
import { conflictBackoffMs } from './conflict-wait.ts';
import { landingPlace } from './landing-place.ts';
import { isBuried, ownerOf, putVersion } from './put-version.ts';
import type { Rebased } from './rebase.ts';
import { needsRowHistory, rebaseChange } from './rebase.ts';
import { rollBack } from './roll-back.ts';
import { deleteUploaded, findMissingFiles } from './upload.ts';

type Attempt = { readonly target: number; readonly rebased: Rebased };

export async function commitChange(
  table: LanceTable,
  request: CommitRequest,
  settings: CommitSettings,
): Promise<CommitOutcome> {
  /** An attempt whose put failed and whose version was still free when we looked: it may land at any time. */
  let pending: (Attempt & { error: SegmentdError }) | null = null;
  const history = new RowHistory(table, request.base.version);
  let conflicts = 0;
  let triedMs = 0;
  let triedLast = 0;
  /** Found out by the look beside the put: it comes to the same as a look before it, and is no attempt. */
  let overtaken = false;
  for (let attempts = 1; ; attempts++) {
    const effort = { attempts, conflicts };
    const lap = stopwatch();
    const { latest, look } = await landingPlace(table, request, { attempts, tried: triedLast, overtaken }, settings);
    if (latest instanceof SegmentdError) {
      if (pending) return { ...effort, kind: 'unknown', error: pending.error };
      // Nothing was created: every attempt so far met a version of another writer.
      await discard(table, request);
      throw latest;
    }
    if (pending && pending.target <= latest.version) {
      const owner = await ownerOf(table, pending.target, request.transactionUuid);
      const { target: version, rebased } = pending;
      if (owner === 'ours') return { ...effort, kind: 'landed', version, landedAtMs: Date.now(), rebased };
      // A version that was taken and has been cleaned up may be of this commit too.
      if (owner !== 'foreign') return { ...effort, kind: 'unknown', error: pending.error };
      pending = null;
    }
    const giveUp = async (why: Omit<Rejected, 'kind'>): Promise<CommitOutcome> => {
      if (pending) return { ...effort, kind: 'unknown', error: pending.error };
      await discard(table, request);
      return { ...effort, ...why, kind: 'rejected' } as Effort & Rejected;
    };
    const isOver = attempts > settings.maxAttempts || (conflicts > 0 && settings.signal?.aborted);
    if (isOver) return giveUp({ cause: 'contended' });
    const rebased = rebaseChange(request, latest, await noRowsRestored(history, request, latest));
    if (typeof rebased === 'string') return giveUp({ cause: rebased });
    const target = latest.version + 1;
    const landing = { rebased, latest, request, isBlind: look === 'none' };
    const put = await putVersion(table, landing, { writer: settings.writer, look });
    if (put.kind === 'overtaken') {
      overtaken = true;
      attempts -= 1;
      continue;
    }
    if (put.kind === 'files_gone' || put.kind === 'refused') return giveUp(put);
    const owner = put.kind === 'created' ? 'ours' : await ownerOf(table, target, request.transactionUuid);
    if (owner === 'ours') return { ...effort, ...(await afterLanding(table, landing, settings)) };
    const error = put.kind === 'unclear' ? put.error : taken(target);
    if (owner === 'unknown') return { ...effort, kind: 'unknown', error };
    if (owner === 'absent') pending = { target, rebased, error };
    triedLast = target;
    conflicts += 1;
    triedMs += lap();
    await pause(conflicts, triedMs / conflicts, settings);
  }
}

/** Files that cannot be removed now are unreferenced, and Lance's cleanup collects them after seven days. What is still on its way would arrive afterwards. */
async function discard(table: LanceTable, { addSegments, durable }: CommitRequest): Promise<void> {
  await Promise.allSettled([durable]);
  await Promise.allSettled([deleteUploaded(table.store, addSegments)]);
}

function pause(conflicts: number, attemptMs: number, { initialBackoffMs: firstMs, signal }: CommitSettings) {
  return sleep(conflictBackoffMs(conflicts, { firstMs, attemptMs }), signal);
}

/** Whether it is certain that no deleted row came back since the build; false also where it does not matter. */
async function noRowsRestored(history: RowHistory, request: CommitRequest, latest: Manifest): Promise<boolean> {
  if (!needsRowHistory(request, latest)) return false;
  try {
    return await history.noRowsRestoredUpTo(latest.version);
  } catch (error) {
    if (!(error instanceof SegmentdError)) throw error;
    // What cannot be read proves nothing.
    return false;
  }
}

async function segmentsWithoutFiles(table: LanceTable, { keep }: Rebased): Promise<string[]> {
  const missing = await Promise.all(
    keep.map(async ({ segment }) =>
      (await findMissingFiles(table.store, [segment])).length > 0 ? [segment.uuid] : [],
    ),
  );
  return missing.flat();
}

const isBelow = (version: number) =>
  new SegmentdError('commit_unknown', `version ${version} was made below later ones, which do not have its segments`);

const stillDamaged = (gone: readonly string[]) =>
  new SegmentdError(
    'commit_unknown',
    `the files of ${gone.join(', ')} vanished and the segments are still in the table`,
  );

/** A store that tries again by itself finds what it has just created: "taken" does not say by whom. */
const taken = (version: number) =>
  new SegmentdError('store_unavailable', `version ${version} is taken, and it cannot be read whose it is`);

type Landing = {
  readonly rebased: Rebased;
  readonly latest: Manifest;
  readonly request: CommitRequest;
  /** Whether it was put without a look at the table before. */
  readonly isBlind: boolean;
};

/** The outcome of a version of this commit: landed, unless files that it names are gone. */
async function afterLanding(
  table: LanceTable,
  landing: Landing,
  settings: CommitSettings,
): Promise<OutcomeWithoutEffort> {
  const { rebased, latest, isBlind } = landing;
  const version = latest.version + 1;
  const landedAtMs = Date.now();
  // A cleanup with delete_unverified deletes files that no version names yet, even between our check and our put.
  const [gone, buried] = await Promise.all([
    segmentsWithoutFiles(table, rebased),
    isBlind && isBuried(table, version, rebased),
    tidyUp(table, rebased),
  ]);
  // It names its files for as long as it is there.
  if (buried) return { kind: 'unknown', error: isBelow(version) };
  if (gone.length === 0) return { kind: 'landed', version, landedAtMs, rebased };
  const isOut = await rollBack(table, { gone, ...landing }, (undo) =>
    // Whatever the signal says: the segments are in the table, and must come out of it.
    commitChange(table, undo, { ...settings, signal: undefined }),
  );
  return isOut ? { kind: 'rejected', cause: 'files_gone' } : { kind: 'unknown', error: stillDamaged(gone) };
}

/** Deletes the files of segments that were skipped. */
async function tidyUp(table: LanceTable, { skipped }: Rebased): Promise<void> {
  await Promise.allSettled([
    deleteUploaded(
      table.store,
      skipped.map(({ segment }) => segment),
    ),
  ]);
}
