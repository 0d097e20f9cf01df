/** The newest version of a table that segmentd committed, as far back as is cheap to read. */
import { SegmentdError } from '../../lib/errors.ts';
import { transactionOf } from '../codec/manifest-transaction.ts';
import type { LanceTable } from './table.ts';

/** Transaction properties of segmentd begin with this; each commit has at least the version that made it. */
const OURS = 'segmentd.';

export type OwnCommit = {
  readonly version: number;
  /** Uuid of the transaction. */
  readonly transaction: string;
  readonly operation: string;
  /** Version that the change was planned on. */
  readonly read_version: number;
  /** Its `segmentd.*` properties: who made it, and which events asked for it. */
  readonly properties: Readonly<Record<string, string>>;
};

export type LastCommit = {
  readonly commit: OwnCommit | null;
  /** The oldest version that was looked at. */
  readonly lookedBackTo: number;
};

export type LookBack = {
  /** Versions to look at. */
  readonly versions: number;
  /** Bytes of manifests to read; the first is read however large it is. */
  readonly bytes: number;
};

/** A hundred versions are a day of a quiet table; 64 MiB of manifests are read in a tenth of a second. */
const LOOK_BACK: LookBack = { versions: 100, bytes: 64 * 1024 * 1024 };

/** Reads from version `latest` backwards. Versions that a cleanup deleted are skipped. Errors: table_unreadable, store_*. */
export async function findLastCommit(
  table: LanceTable,
  latest: number,
  { versions, bytes }: LookBack = LOOK_BACK,
): Promise<LastCommit> {
  const oldest = Math.max(1, latest - versions + 1);
  let read = 0;
  for (let version = latest; version >= oldest; version--) {
    const file = await table.manifestFile(version);
    if (!file) continue;
    const commit = ownCommitOrNone(version, file, latest);
    if (commit) return { commit, lookedBackTo: version };
    read += file.byteLength;
    if (read >= bytes) return { commit: null, lookedBackTo: version };
  }
  return { commit: null, lookedBackTo: oldest };
}

/** An older version that cannot be read is skipped; the latest must be readable. */
function ownCommitOrNone(version: number, file: Uint8Array, latest: number): OwnCommit | null {
  try {
    return ownCommit(version, file);
  } catch (error) {
    if (version === latest || !(error instanceof SegmentdError)) throw error;
    return null;
  }
}

function ownCommit(version: number, file: Uint8Array): OwnCommit | null {
  const transaction = transactionOf(file);
  const properties = [...(transaction?.properties ?? [])].filter(([key]) => key.startsWith(OURS));
  if (!transaction || properties.length === 0) return null;
  const { uuid, operation, readVersion } = transaction;
  return {
    version,
    transaction: uuid,
    operation,
    read_version: readVersion,
    properties: Object.fromEntries(properties),
  };
}
