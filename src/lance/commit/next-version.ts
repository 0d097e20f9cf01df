/** The next version of a table: its manifest and its transaction, spliced from the latest ones. Pure. */
import { encodeSegment } from '../codec/index-metadata.ts';
import type { Manifest, WriterVersion } from '../codec/manifest.ts';
import { spliceManifest } from '../codec/manifest.ts';
import { encodeCreateIndex } from '../codec/transaction.ts';
import { FLAG } from '../plan/supported.ts';
import type { CommitRequest } from './commit-request.ts';
import type { Rebased } from './rebase.ts';
import { canRestore } from './rebase.ts';

type NextVersion = {
  readonly manifest: Uint8Array[];
  readonly transaction: Uint8Array;
  /** Name under `_transactions/`, or empty when the table disables transaction files. */
  readonly transactionFile: string;
};

/** `rebased` as the version after `latest`, dated now. */
export function nextVersion(
  latest: Manifest,
  rebased: Rebased,
  request: CommitRequest,
  writer: WriterVersion,
): NextVersion {
  const now = Date.now();
  const replaced = new Set(request.removeSegments);
  const leaving = new Set([...request.removeSegments, ...rebased.stale]);
  const removed = latest.indexes.filter((index) => leaving.has(index.uuid));
  const built = rebased.keep.map(({ segment, fragments, siblings }) => ({
    entry: encodeSegment(segment.metadata, {
      name: segment.index,
      datasetVersion: request.base.version,
      fragments,
      createdAtMs: now,
      indexVersion: segment.indexVersion,
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
