/** Whether another writer compacts a table, or has just done so, as far as its recent versions tell. */
import type { Manifest } from '../codec/manifest.ts';
import type { LanceTable } from './table.ts';

/**
 * `landed`: another writer's compaction is in the table. `under_way`: fragment ids were set aside for one, and no version has them; it may
 * have failed as well.
 */
type ForeignCompaction = { readonly kind: 'landed' | 'under_way'; readonly version: number; readonly atMs: number };

/** Most versions to read, and most bytes of manifests: what is older counts as long ago. */
const LIMITS = { versions: 256, bytes: 64 * 1024 * 1024 };

/**
 * The newest compaction by another process since `sinceMs`, milliseconds since the epoch; null when the versions that were read show none.
 * Those that `isOwn` claims do not count. Errors: those of LanceTable.
 */
export async function recentCompaction(
  table: LanceTable,
  sinceMs: number,
  isOwn: (version: number) => boolean,
): Promise<ForeignCompaction | null> {
  const latest = await table.latest();
  const most = Math.max(1, Math.min(LIMITS.versions, Math.floor(LIMITS.bytes / latest.file.byteLength)));
  for (let version = latest.version; version > Math.max(0, latest.version - most); version--) {
    const manifest: Manifest | null = version === latest.version ? latest : await table.at(version);
    // What a cleanup deleted is older than the versions that it left.
    if (!manifest || manifest.timestampMs < sinceMs) return null;
    const { transaction, timestampMs: atMs } = manifest;
    if (isOwn(version)) continue;
    if (transaction?.operation === 'Rewrite') return { kind: 'landed', version, atMs };
    if (transaction?.reserved && !isUsed(manifest, latest)) return { kind: 'under_way', version, atMs };
  }
  return null;
}

/** Whether a fragment that the version set an id aside for is in the table. */
function isUsed({ transaction, maxFragmentId }: Manifest, { fragments }: Manifest): boolean {
  const lastId = maxFragmentId ?? -1;
  const first = fragments.ids[fragments.lowerBound(lastId - (transaction?.reserved ?? 0) + 1, 0)];
  return first !== undefined && first <= lastId;
}
