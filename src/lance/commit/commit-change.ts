/**
 * Commits a change to the index section as the next version of a table: put-if-absent of a manifest spliced from the latest
 * one, after the conflict rules were checked against exactly that one. A commit has three outcomes, and only a proven
 * rejection deletes files.
 */
import { asSegmentdError, SegmentdError } from '../../lib/errors.ts';
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
import { nextVersion } from './next-version.ts';
import type { Rebased } from './rebase.ts';
import { needsRowHistory, rebaseChange } from './rebase.ts';
import { rollBack } from './roll-back.ts';
import { deleteUploaded, findMissingFiles } from './upload.ts';

type Attempt = { readonly target: number; readonly rebased: Rebased };
type Put =
  | { readonly kind: 'created' | 'exists' | 'files_gone' }
  /** `refused`: nothing was created for certain. `unclear`: only reading the table can tell. */
  | { readonly kind: 'refused'; readonly cause: 'store_refused'; readonly error: SegmentdError }
  | { readonly kind: 'unclear'; readonly error: SegmentdError };

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
  for (let attempts = 1; ; attempts++) {
    const effort = { attempts, conflicts };
    const lap = stopwatch();
    const latest = await latestOrError(table);
    if (latest instanceof SegmentdError) {
      if (pending) return { ...effort, kind: 'unknown', error: pending.error };
      // Nothing was created: every attempt so far met a version of another writer.
      await Promise.allSettled([deleteUploaded(table.store, request.addSegments)]);
      throw latest;
    }
    if (pending && pending.target <= latest.version) {
      const owner = await ownerOf(table, pending.target, request.transactionUuid);
      if (owner === 'ours') return { ...effort, kind: 'landed', version: pending.target, rebased: pending.rebased };
      // A version that was taken and has been cleaned up may be of this commit too.
      if (owner !== 'foreign') return { ...effort, kind: 'unknown', error: pending.error };
      pending = null;
    }
    const giveUp = async (why: Omit<Rejected, 'kind'>): Promise<CommitOutcome> => {
      if (pending) return { ...effort, kind: 'unknown', error: pending.error };
      // Files that cannot be removed now are unreferenced, and Lance's cleanup collects them after seven days.
      await Promise.allSettled([deleteUploaded(table.store, request.addSegments)]);
      return { ...effort, ...why, kind: 'rejected' } as Effort & Rejected;
    };
    if (attempts > settings.maxAttempts || (conflicts > 0 && settings.signal?.aborted)) {
      return giveUp({ cause: 'contended' });
    }
    const rebased = rebaseChange(request, latest, await noRowsRestored(history, request, latest));
    if (typeof rebased === 'string') return giveUp({ cause: rebased });

    const target = latest.version + 1;
    const put = await putVersion(table, latest, rebased, request, settings);
    if (put.kind === 'files_gone') return giveUp({ cause: 'files_gone' });
    if (put.kind === 'refused') return giveUp(put);
    const owner = put.kind === 'created' ? 'ours' : await ownerOf(table, target, request.transactionUuid);
    if (owner === 'ours') return { ...effort, ...(await afterLanding(table, { rebased, latest, request }, settings)) };
    const error = put.kind === 'unclear' ? put.error : taken(target);
    if (owner === 'unknown') return { ...effort, kind: 'unknown', error };
    if (owner === 'absent') pending = { target, rebased, error };
    conflicts += 1;
    triedMs += lap();
    await sleep(
      conflictBackoffMs(conflicts, { firstMs: settings.initialBackoffMs, attemptMs: triedMs / conflicts }),
      settings.signal,
    );
  }
}

/** The latest manifest, or the error of reading it. Listed: a version number that a cleanup left free must not be taken again. */
async function latestOrError(table: LanceTable): Promise<Manifest | SegmentdError> {
  try {
    return await table.latest({ listed: true });
  } catch (error) {
    if (error instanceof SegmentdError) return error;
    throw error;
  }
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

const stillDamaged = (gone: readonly string[]) =>
  new SegmentdError(
    'commit_unknown',
    `the files of ${gone.join(', ')} vanished and the segments are still in the table`,
  );

/** One attempt: the transaction file, then the manifest. */
async function putVersion(
  table: LanceTable,
  latest: Manifest,
  rebased: Rebased,
  request: CommitRequest,
  settings: CommitSettings,
): Promise<Put> {
  const { manifest, transaction, transactionFile } = nextVersion(latest, rebased, request, settings.writer);
  const key = await table.manifestKey(latest.version + 1);
  // The manifest is made ready while the files it names are checked and become durable, and appears after that.
  const named: { state: 'unproven' | 'fine' | 'files_gone' } = { state: 'unproven' };
  const checkNamed = async () => {
    const kept = rebased.keep.map(({ segment }) => segment);
    const [missing] = await Promise.all([
      findMissingFiles(table.store, kept),
      request.durable,
      transactionFile ? table.store.put(`_transactions/${transactionFile}`, transaction) : undefined,
    ]);
    named.state = missing.length > 0 ? 'files_gone' : 'fine';
    if (missing.length > 0) throw new SegmentdError('store_unavailable', `gone: ${missing.join(', ')}`);
  };
  try {
    return { kind: await table.store.putIfAbsent(key, manifest, checkNamed()) };
  } catch (thrown) {
    if (named.state === 'files_gone') return { kind: 'files_gone' };
    const error = asSegmentdError(thrown, 'store_unavailable');
    const isRefused = named.state === 'unproven' || REFUSALS.has(error.code);
    return isRefused ? { kind: 'refused', cause: 'store_refused', error } : { kind: 'unclear', error };
  }
}

/** Errors with which a store promises that it created nothing. */
const REFUSALS: ReadonlySet<string> = new Set(['store_denied', 'store_full']);

/** A store that tries again by itself finds what it has just created: "taken" does not say by whom. */
const taken = (version: number) =>
  new SegmentdError('store_unavailable', `version ${version} is taken, and it cannot be read whose it is`);

type Owner = 'ours' | 'foreign' | 'absent' | 'unknown';

/** How often an unreadable version is looked at again before its owner counts as unknown. */
const OWNER_TRIES = 3;

/** Whose commit a version is, after a put that failed or found the version taken (lance-format 3.2). */
async function ownerOf(table: LanceTable, version: number, transactionUuid: string): Promise<Owner> {
  for (let tries = 1; ; tries++) {
    try {
      const manifest = await table.at(version);
      if (!manifest) return 'absent';
      const ours = manifest.transaction
        ? manifest.transaction.uuid === transactionUuid
        : manifest.transactionFile.includes(transactionUuid);
      return ours ? 'ours' : 'foreign';
    } catch {
      // Which error it was does not matter: as long as the version cannot be read, its owner is not known.
      if (tries >= OWNER_TRIES) return 'unknown';
      await sleep(50 * tries);
    }
  }
}

type Landing = { readonly rebased: Rebased; readonly latest: Manifest; readonly request: CommitRequest };

/** The outcome of a version of this commit: landed, unless files that it names are gone. */
async function afterLanding(
  table: LanceTable,
  landing: Landing,
  settings: CommitSettings,
): Promise<OutcomeWithoutEffort> {
  const { rebased, latest } = landing;
  const version = latest.version + 1;
  // A cleanup with delete_unverified deletes files that no version names yet, even between our check and our put.
  const [gone] = await Promise.all([segmentsWithoutFiles(table, rebased), tidyUp(table, version, rebased)]);
  if (gone.length === 0) return { kind: 'landed', version, rebased };
  const isOut = await rollBack(table, { gone, ...landing }, (undo) =>
    // Whatever the signal says: the segments are in the table, and must come out of it.
    commitChange(table, undo, { ...settings, signal: undefined }),
  );
  return isOut ? { kind: 'rejected', cause: 'files_gone' } : { kind: 'unknown', error: stillDamaged(gone) };
}

/** Writes the version hint and deletes the files of segments that were skipped. */
async function tidyUp(table: LanceTable, version: number, rebased: Rebased): Promise<void> {
  const left = rebased.skipped.map(({ segment }) => segment);
  await Promise.allSettled([deleteUploaded(table.store, left), table.hintAt(version)]);
}
