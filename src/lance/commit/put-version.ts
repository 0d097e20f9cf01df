/** One attempt at the next version of a table: the transaction file, then the manifest on the condition that there is none. */
import { asSegmentdError, SegmentdError } from '../../lib/errors.ts';
import { sleep } from '../../lib/sleep.ts';
import type { Manifest } from '../codec/manifest.ts';
import type { LanceTable } from '../table/table.ts';
import type { CommitRequest, CommitSettings } from './commit-request.ts';
import type { Look } from './landing-place.ts';
import { nextVersion } from './next-version.ts';
import type { Rebased } from './rebase.ts';
import { findMissingFiles } from './upload.ts';

/** `refused`: nothing was created for certain. `unclear`: only reading the table can tell. */
type Put =
  /** `overtaken`: there are later versions, and nothing was created. */
  | { readonly kind: 'created' | 'exists' | 'overtaken' }
  | { readonly kind: 'files_gone'; readonly cause: 'files_gone' }
  | { readonly kind: 'refused'; readonly cause: 'store_refused'; readonly error: SegmentdError }
  | { readonly kind: 'unclear'; readonly error: SegmentdError };

/** Errors with which a store promises that it created nothing. */
const REFUSALS: ReadonlySet<string> = new Set(['store_denied', 'store_full', 'store_unfit']);

/** Puts `rebased` as the version after `latest`. Errors: none that is a SegmentdError. */
export async function putVersion(
  table: LanceTable,
  {
    latest,
    rebased,
    request,
  }: { readonly latest: Manifest; readonly rebased: Rebased; readonly request: CommitRequest },
  { writer, look }: Pick<CommitSettings, 'writer'> & { readonly look: Look },
): Promise<Put> {
  const { manifest, transaction, transactionFile } = nextVersion(latest, rebased, request, writer);
  const target = latest.version + 1;
  const key = await table.manifestKey(target);
  // The manifest is made ready while the files it names are checked and become durable, and appears after that.
  const named: { state: 'unproven' | 'fine' | 'files_gone' | 'overtaken' } = { state: 'unproven' };
  const checkNamed = async () => {
    const kept = look === 'none' ? [] : rebased.keep.map(({ segment }) => segment);
    const [missing, newest] = await Promise.all([
      // Only then: where each call is a request, the files may still be on their way.
      request.durable.then(() => findMissingFiles(table.store, kept)),
      look === 'beside' ? table.latest({ listed: true }) : latest,
      transactionFile ? table.store.put(`_transactions/${transactionFile}`, transaction) : undefined,
    ]);
    if (newest !== latest) named.state = 'overtaken';
    else named.state = missing.length > 0 ? 'files_gone' : 'fine';
    if (named.state !== 'fine') throw new SegmentdError('store_unavailable', `${named.state}: ${missing.join(', ')}`);
  };
  try {
    const { promise: proof, resolve: prove } = Promise.withResolvers<void>();
    // The store waits for it, and is who tells.
    proof.catch(() => undefined);
    const putting = table.store.putIfAbsent(key, manifest, proof);
    // Not before: on a disk the manifest is on its way by now, and everything else is done meanwhile.
    prove(checkNamed());
    const file = Buffer.concat(manifest);
    // Of a request the files that the version names may still be on their way.
    if (!table.store.remote) table.expect(file);
    const put = await putting;
    if (put.outcome === 'created') await table.landed(target, file, put.tag);
    return { kind: put.outcome };
  } catch (thrown) {
    if (named.state === 'files_gone') return { kind: 'files_gone', cause: 'files_gone' };
    if (named.state === 'overtaken') return { kind: 'overtaken' };
    const error = asSegmentdError(thrown, 'store_unavailable');
    const isRefused = named.state === 'unproven' || REFUSALS.has(error.code);
    return isRefused ? { kind: 'refused', cause: 'store_refused', error } : { kind: 'unclear', error };
  }
}

type Owner = 'ours' | 'foreign' | 'absent' | 'unknown';

/** How often an unreadable version is looked at again before its owner counts as unknown. */
const OWNER_TRIES = 3;

/** Whose commit a version is, after a put that failed or found the version taken (lance-format 3.2). */
export async function ownerOf(table: LanceTable, version: number, transactionUuid: string): Promise<Owner> {
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

/**
 * Whether a version that this process made without a look right before lies below versions that were there already: a cleanup may have
 * deleted the version after the one that was planned on. Nobody would ever read it. Errors: those of LanceTable.
 */
export async function isBuried(table: LanceTable, version: number, { keep }: Rebased): Promise<boolean> {
  const newest = await table.listedVersion();
  if (newest <= version) return false;
  const uuids = new Set(keep.map(({ segment }) => segment.uuid));
  const later = await Promise.all([version + 1, newest].map((each) => table.at(each)));
  // What was made on top of it names its segments, but for a change that drops the index.
  return !later.some((manifest) => manifest?.indexes.some(({ uuid }) => uuids.has(uuid)));
}
