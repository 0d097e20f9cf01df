/**
 * Compactions by other writers that failed because of commits of segmentd, as the history of a table shows them.
 *
 * A compaction that meets a conflict fails as a whole, and Lance does not try again. It leaves no transaction file: Lance looks
 * for conflicts before it writes one, and takes it away when the version was taken in between. What it leaves is a version of
 * its own: before its Rewrite it commits a ReserveFragments, which conflicts with nothing, and the fragment ids that this set
 * aside never appear in the table. A test with pylance 7, 11 and 14 holds that.
 *
 * An optimize_indices that failed leaves no version, only a folder below `_indices/` that looks like a build under way. It cannot
 * be seen, and need not be: the commit that it failed on has indexed its fragments, or the next commit of segmentd will.
 */
import type { Manifest } from '../codec/manifest.ts';
import type { LanceTable } from './table.ts';

/** Fragment ids that a compaction by another writer reserved for its result, and that no version has. */
type Reservation = {
  /** Version that it was planned on: it conflicts with commits after that, and with none before. */
  readonly readVersion: number;
  /** Version that reserved the ids, and when. */
  readonly version: number;
  readonly atMs: number;
  readonly firstId: number;
  readonly lastId: number;
};

/** What is known of a table's history; also where to go on reading it. */
export type FailedCompactions = {
  /** Read up to here. */
  readonly version: number;
  /** Highest fragment id the table has ever had, -1 before the first. */
  readonly maxFragmentId: number;
  /** The last version that is known to be a commit of segmentd, 0 before the first. */
  readonly lastOurs: number;
  /** Oldest first; failures before a maintenance commit by another writer landed are gone. */
  readonly unused: readonly Reservation[];
};

/**
 * Compactions that failed in a row: a maintenance commit by another writer that lands ends the row. A compaction that lands late is
 * no longer in it. Those planned on one version count once: a retry on the same version conflicts with the same commit again.
 */
export function consecutiveFailures({ unused, lastOurs }: FailedCompactions): readonly Reservation[] {
  const failed = unused.filter(({ readVersion }) => readVersion < lastOurs);
  return failed.filter((it, at) => failed.findIndex(({ readVersion }) => readVersion === it.readVersion) === at);
}

/** What segmentd writes as the library of its manifests' writer version. */
const OURS = 'segmentd';

/** How long a reservation is remembered, milliseconds: by then its compaction has failed, or was retried with another one. */
const REMEMBERED_MS = 6 * 3600 * 1000;
const MAX_REMEMBERED = 8;

/** What is known once a later version of the table is known too. */
export function followHistory(before: FailedCompactions, manifest: Manifest): FailedCompactions {
  const { version, timestampMs, transaction } = manifest;
  const ours = manifest.writer?.library === OURS;
  const missing = before.unused.filter((it) => !isUsed(it, manifest));
  const landed = missing.length < before.unused.length || (!ours && isMaintenance(manifest));
  const unused = missing.filter(
    ({ readVersion, atMs }) => !(landed && readVersion < before.lastOurs) && timestampMs - atMs < REMEMBERED_MS,
  );
  const lastId = manifest.maxFragmentId ?? -1;
  if (!ours && transaction?.reserved) {
    const firstId = lastId - transaction.reserved + 1;
    unused.push({ readVersion: transaction.readVersion, version, atMs: timestampMs, firstId, lastId });
  }
  return {
    version,
    maxFragmentId: lastId,
    lastOurs: ours ? version : before.lastOurs,
    unused: unused.slice(-MAX_REMEMBERED),
  };
}

function isUsed({ firstId, lastId }: Reservation, { fragments }: Manifest): boolean {
  const first = fragments.ids[fragments.lowerBound(firstId, 0)];
  return first !== undefined && first <= lastId;
}

/** A compaction, or segments of an index replaced by new ones. */
const isMaintenance = ({ transaction }: Manifest) =>
  transaction?.operation === 'Rewrite' || transaction?.replaces === true;

type HistoryLimits = {
  /** Most versions to read at once, and most bytes of manifests; what is older is passed over. */
  readonly versions: number;
  readonly bytes: number;
};

/** For a table that other writers compact: 64 small reads, or four large ones of manifests of 16 MB (100,000 fragments). */
const HISTORY_LIMITS: HistoryLimits = { versions: 64, bytes: 64 * 1024 * 1024 };

/** Manifests read at the same time. */
const READ_AT_ONCE = 8;

/**
 * Reads the history since `before`, or without it as far back as the limits allow. It is free while every fragment id that the
 * table has given out since is in the table, as is so where only segmentd maintains it: no compaction can have failed, and
 * none have landed. Nothing is listed, so the number of files in the table does not matter. Errors: those of LanceTable.
 */
export async function readFailedCompactions(
  table: LanceTable,
  before: FailedCompactions | null,
  limits: HistoryLimits = HISTORY_LIMITS,
): Promise<FailedCompactions> {
  const latest = await table.latest({ recent: true });
  const most = Math.min(limits.versions, Math.floor(limits.bytes / latest.file.byteLength));
  // A table that was made anew begins a new history.
  const known = before && before.version <= latest.version ? before : await startAt(table, latest.version - most);
  if (known.version === latest.version) return known;
  if (known.unused.length === 0 && hasAllIdsSince(known, latest)) return followHistory(known, latest);
  let history = known;
  const from = Math.max(known.version + 1, latest.version - most + 1);
  for (let next = from; next < latest.version; next += READ_AT_ONCE) {
    const count = Math.min(READ_AT_ONCE, latest.version - next);
    const manifests = await Promise.all(Array.from({ length: count }, (_, at) => table.at(next + at)));
    // A version that a cleanup deleted says nothing.
    for (const manifest of manifests) if (manifest) history = followHistory(history, manifest);
  }
  return followHistory(history, latest);
}

async function startAt(table: LanceTable, version: number): Promise<FailedCompactions> {
  const start = { version: Math.max(0, version), maxFragmentId: -1, lastOurs: 0, unused: [] };
  const manifest = version > 0 ? await table.at(version) : null;
  return manifest ? followHistory(start, manifest) : start;
}

function hasAllIdsSince({ maxFragmentId }: FailedCompactions, { fragments, maxFragmentId: newest }: Manifest): boolean {
  const present = fragments.length - fragments.lowerBound(maxFragmentId + 1, 0);
  return present === (newest ?? -1) - maxFragmentId;
}
