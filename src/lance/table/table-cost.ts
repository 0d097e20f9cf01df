/** What a table costs beside its data: versions, manifests, fragments that should be larger, and files of indexes. */
import { parseManifestName } from '../../lib/manifest-name.ts';
import type { Manifest } from '../codec/manifest.ts';
import { TARGET_ROWS_PER_FRAGMENT } from '../plan/compaction-target.ts';
import { VERSIONS } from './newest-version.ts';
import type { LanceTable } from './table.ts';

/** A fragment is small below a tenth of what a compaction aims at. */
export const SMALL_ROWS = TARGET_ROWS_PER_FRAGMENT / 10;

/** What the latest manifest alone tells. */
export type ManifestCost = {
  readonly fragments: number;
  readonly smallFragments: number;
  readonly rows: number;
  /** Rows that are deleted and still in the data files. */
  readonly deletedRows: number;
};

export type TableCost = ManifestCost & {
  /** Versions that are kept, and the bytes of their manifests. */
  readonly versions: number;
  readonly manifestBytes: number;
  /** When the oldest of them was written, milliseconds since the epoch. */
  readonly oldestVersionMs: number;
  /** Bytes of index files that the latest version names, and of all others below `_indices/`. */
  readonly indexLiveBytes: number;
  readonly indexDeadBytes: number;
};

export function manifestCost({ fragments: { length, rows, deleted } }: Manifest): ManifestCost {
  const cost = { smallFragments: 0, rows: 0, deletedRows: 0 };
  for (let at = 0; at < length; at++) {
    const [live, dead] = [rows[at] as number, deleted[at] as number];
    cost.rows += live;
    cost.deletedRows += dead;
    if (live + dead < SMALL_ROWS) cost.smallFragments += 1;
  }
  return { fragments: length, ...cost };
}

/**
 * Lists the versions and the index files: in an object store a request for each thousand of them, which is paid for. Of an index whose
 * files lie in a base of the manifest nothing is counted. Errors: those of `latest`.
 */
export async function readTableCost(table: LanceTable, manifest: Manifest): Promise<TableCost> {
  const [versions, indexes] = await Promise.all([table.store.survey(VERSIONS), table.store.survey('_indices')]);
  const manifests = versions.filter(({ name }) => parseManifestName(name) !== null);
  const live = new Set(manifest.indexes.map(({ uuid }) => uuid));
  const isLive = ({ name }: { readonly name: string }) => live.has(name.split('/', 1)[0] as string);
  const bytesOf = (files: readonly { readonly bytes: number }[]) => files.reduce((sum, { bytes }) => sum + bytes, 0);
  const indexLiveBytes = bytesOf(indexes.filter(isLive));
  return {
    ...manifestCost(manifest),
    versions: manifests.length,
    manifestBytes: bytesOf(manifests),
    oldestVersionMs: manifests.reduce((oldest, { modifiedMs }) => Math.min(oldest, modifiedMs), manifest.timestampMs),
    indexLiveBytes,
    indexDeadBytes: bytesOf(indexes) - indexLiveBytes,
  };
}
