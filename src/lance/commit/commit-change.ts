/**
 * Commits a change to the index section as the next version of a table: put-if-absent of a manifest spliced from the latest
 * one, after the conflict rules were checked against exactly that one. A commit has three outcomes, and only a proven
 * rejection takes files away.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { asSegmentdError, SegmentdError } from '../../lib/errors.ts';
import { stopwatch } from '../../lib/stopwatch.ts';
import type { IndexMetadata } from '../codec/index-metadata.ts';
import { encodeSegment } from '../codec/index-metadata.ts';
import type { Manifest, WriterVersion } from '../codec/manifest.ts';
import { spliceManifest } from '../codec/manifest.ts';
import { encodeCreateIndex } from '../codec/transaction.ts';
import { FLAG } from '../plan/supported.ts';
import { RowHistory } from '../table/row-history.ts';
import type { LanceTable } from '../table/table.ts';
import { conflictBackoffMs } from './conflict-wait.ts';
import type { Rebased, TableChange } from './rebase.ts';
import { canRestore, needsRowHistory, rebaseChange } from './rebase.ts';
import type { RejectCause } from './reject-causes.ts';
import { deleteUploaded, findMissingFiles } from './upload.ts';

export type CommitSettings = {
  readonly maxAttempts: number;
  /** First pause after a lost race, milliseconds; it doubles, with jitter. */
  readonly backoffMs: number;
  readonly writer: WriterVersion;
  /** Once it fires, a commit that has lost a race gives up as contended instead of waiting for another. */
  readonly signal?: AbortSignal;
};

export type CommitRequest = TableChange & {
  /** Resolves when the files of the added segments are durable. */
  readonly durable: Promise<void>;
  /** Chosen before the first attempt: the only proof that a version is ours. */
  readonly transactionUuid: string;
  readonly properties: Readonly<Record<string, string>>;
  /** Segments that come back as they were in `asOf`, where the table has not moved since. */
  readonly restore?: { readonly segments: readonly IndexMetadata[]; readonly asOf: Manifest };
};

type Effort = { readonly attempts: number; readonly conflicts: number };

export type CommitOutcome =
  | (Effort & { readonly kind: 'landed'; readonly version: number; readonly rebased: Rebased })
  /** Nothing of the change is in the table, now or later, and its files are gone again. */
  | (Effort & { readonly kind: 'rejected'; readonly cause: RejectCause; readonly error?: SegmentdError })
  /** It may have landed or still land. The files stay; the next plan reads the truth from the table. */
  | (Effort & { readonly kind: 'unknown'; readonly error: SegmentdError });

type Attempt = { readonly target: number; readonly rebased: Rebased };
type Put =
  | { readonly kind: 'created' | 'exists' | 'files_gone' }
  /** `refused`: nothing was created for certain. `unclear`: only looking can tell. */
  | { readonly kind: 'refused' | 'unclear'; readonly error: SegmentdError };

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
    const latest = await table.latest();
    if (pending && pending.target <= latest.version) {
      const owner = await ownerOf(table, pending.target, request.transactionUuid);
      if (owner === 'ours') return { ...effort, kind: 'landed', version: pending.target, rebased: pending.rebased };
      // A version that was taken and is gone again may have been ours too.
      if (owner !== 'foreign') return { ...effort, kind: 'unknown', error: pending.error };
      pending = null;
    }
    const giveUp = async (cause: RejectCause, error?: SegmentdError): Promise<CommitOutcome> => {
      if (pending) return { ...effort, kind: 'unknown', error: pending.error };
      // Files that cannot be removed now are unreferenced, and Lance's cleanup collects them after seven days.
      await Promise.allSettled([deleteUploaded(table.store, request.add)]);
      return { ...effort, kind: 'rejected', cause, ...(error ? { error } : {}) };
    };
    if (attempts > settings.maxAttempts || (conflicts > 0 && settings.signal?.aborted)) return giveUp('contended');
    const rebased = rebaseChange(request, latest, await noRowsRestored(history, request, latest));
    if (typeof rebased === 'string') return giveUp(rebased);

    const target = latest.version + 1;
    const put = await putVersion(table, latest, rebased, request, settings);
    if (put.kind === 'files_gone') return giveUp('files_gone');
    if (put.kind === 'refused') return giveUp('store_refused', put.error);
    const owner = put.kind === 'created' ? 'ours' : await ownerOf(table, target, request.transactionUuid);
    if (owner === 'ours') {
      // A cleanup with delete_unverified takes files that no version names yet, even between our look and our put.
      const [gone] = await Promise.all([segmentsWithoutFiles(table, rebased), afterLanding(table, target, rebased)]);
      if (gone.length > 0) return rollBack(table, { gone, rebased, latest, request }, settings, effort);
      return { ...effort, kind: 'landed', version: target, rebased };
    }
    const error = put.kind === 'unclear' ? put.error : takenBySomebody(target);
    if (owner === 'unknown') return { ...effort, kind: 'unknown', error };
    if (owner === 'absent') pending = { target, rebased, error };
    conflicts += 1;
    triedMs += lap();
    await pause(
      conflictBackoffMs(conflicts, { firstMs: settings.backoffMs, attemptMs: triedMs / conflicts }),
      settings.signal,
    );
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

/** Waits, until the signal at the longest. */
const pause = (ms: number, signal?: AbortSignal) =>
  sleep(ms, undefined, signal ? { signal } : {}).catch(() => undefined);

async function segmentsWithoutFiles(table: LanceTable, { keep }: Rebased): Promise<string[]> {
  const missing = await Promise.all(
    keep.map(async ({ segment }) =>
      (await findMissingFiles(table.store, [segment])).length > 0 ? [segment.uuid] : [],
    ),
  );
  return missing.flat();
}

/** What landed on `latest`, with segments in it that have lost their files. */
type Damage = {
  readonly gone: readonly string[];
  readonly rebased: Rebased;
  readonly latest: Manifest;
  readonly request: CommitRequest;
};

/**
 * Takes segments whose files vanished out of the table again: with them in it, every query on the column fails. What they had
 * replaced comes back: without it an index that was merged into one segment would be gone.
 */
async function rollBack(
  table: LanceTable,
  { gone, rebased, latest, request }: Damage,
  settings: CommitSettings,
  effort: Effort,
): Promise<CommitOutcome> {
  const damaged = new Set(rebased.keep.flatMap(({ segment }) => (gone.includes(segment.uuid) ? [segment.index] : [])));
  const replaced = latest.indexes.filter(({ name, uuid }) => damaged.has(name) && request.remove.includes(uuid));
  const missing = await Promise.all(
    replaced.map((segment) => findMissingFiles(table.store, [segment], latest.basePaths)),
  );
  const removal = {
    base: await table.latest(),
    add: [],
    remove: gone,
    durable: Promise.resolve(),
    transactionUuid: randomUUID(),
    properties: request.properties,
    restore: { segments: replaced.filter((_, at) => missing[at]?.length === 0), asOf: latest },
  };
  // Whatever the signal says: it is in the table, and must come out of it.
  const { signal: _, ...patient } = settings;
  const outcome = await commitChange(table, removal, patient);
  if (outcome.kind === 'landed') return { ...effort, kind: 'rejected', cause: 'files_gone' };
  const why = `the files of ${gone.join(', ')} vanished and the segments could not be withdrawn`;
  return { ...effort, kind: 'unknown', error: new SegmentdError('commit_unknown', why) };
}

type NextVersion = {
  readonly manifest: Uint8Array[];
  readonly transaction: Uint8Array;
  /** Name under `_transactions/`, or empty when the table disables transaction files. */
  readonly transactionFile: string;
};

function nextVersion(latest: Manifest, rebased: Rebased, request: CommitRequest, writer: WriterVersion): NextVersion {
  const now = Date.now();
  const replaced = new Set(request.remove);
  const leaving = new Set([...request.remove, ...rebased.stale]);
  const removed = latest.indexes.filter((index) => leaving.has(index.uuid));
  const built = rebased.keep.map(({ segment, fragments, siblings }) => ({
    entry: encodeSegment(segment.metadata, {
      name: segment.index,
      datasetVersion: request.base.version,
      fragments,
      createdAtMs: now,
      details: siblings[0]?.details ?? null,
      files: segment.files,
    }),
    replacesEntry: removed.find(({ name, uuid }) => name === segment.index && replaced.has(uuid))?.uuid,
  }));
  const { segments: left, asOf } = request.restore ?? { segments: [], asOf: latest };
  const back = left
    .filter((segment) => canRestore(segment, asOf, latest, leaving))
    .map(({ raw, name }) => ({ entry: raw, replacesEntry: removed.find((it) => it.name === name)?.uuid }));
  const added = [...built, ...back];
  const transaction = encodeCreateIndex({
    uuid: request.transactionUuid,
    readVersion: request.base.version,
    added: added.map(({ entry }) => entry),
    removed: removed.map((index) => index.raw),
    properties: request.properties,
  });
  const writesFile = (latest.writerFlags & FLAG.disableTransactionFile) === 0n;
  const transactionFile = writesFile ? `${request.base.version}-${request.transactionUuid}.txn` : '';
  const version = latest.version + 1;
  const change = { version, timestampMs: now, writer, transaction, transactionFile, added, removed: leaving };
  return { manifest: spliceManifest(latest, change), transaction, transactionFile };
}

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
    return { kind: named.state === 'unproven' || REFUSALS.has(error.code) ? 'refused' : 'unclear', error };
  }
}

/** Errors with which a store promises that it created nothing. */
const REFUSALS: ReadonlySet<string> = new Set(['store_denied', 'store_full']);

/** A store that tries again by itself finds what it has just created: "taken" does not say by whom. */
const takenBySomebody = (version: number) =>
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

/** The version hint is a courtesy to readers that cannot list in order; segments that did not make it go again. */
async function afterLanding(table: LanceTable, version: number, rebased: Rebased): Promise<void> {
  const left = rebased.skipped.map(({ segment }) => segment);
  const hint = new TextEncoder().encode(JSON.stringify({ version }));
  const tidy = [deleteUploaded(table.store, left)];
  if (!table.store.listsInOrder) tidy.push(table.store.put('_versions/latest_version_hint.json', hint));
  await Promise.allSettled(tidy);
}
