/** What a table costs, as `status` and `optimize` show it. */
import type { TableCost } from '../../lance/table/table-cost.ts';
import { counted, formatBytes, formatShare } from '../terminal/output.ts';

export type CostReport = {
  /** Versions that are kept, since when, and the bytes of their manifests. */
  readonly versions: number;
  readonly oldest_version_at: string;
  readonly manifest_bytes: number;
  /** Fragments of less than a tenth of the rows that a compaction aims at. */
  readonly small_fragments: number;
  /** Rows that are deleted and still in the data files, and their share of all. */
  readonly deleted_rows: number;
  readonly deleted_fraction: number;
  /** Bytes of index files that the latest version names, and of all others. */
  readonly index_live_bytes: number;
  readonly index_dead_bytes: number;
};

export function costReport(cost: TableCost): CostReport {
  return {
    versions: cost.versions,
    oldest_version_at: new Date(cost.oldestVersionMs).toISOString(),
    manifest_bytes: cost.manifestBytes,
    small_fragments: cost.smallFragments,
    deleted_rows: cost.deletedRows,
    deleted_fraction: cost.deletedRows / Math.max(1, cost.rows + cost.deletedRows),
    index_live_bytes: cost.indexLiveBytes,
    index_dead_bytes: cost.indexDeadBytes,
  };
}

export function formatCost(cost: CostReport): string {
  const parts = [
    `${counted(cost.versions, 'version')} since ${cost.oldest_version_at}, ` +
      `manifests ${formatBytes(cost.manifest_bytes)}`,
    counted(cost.small_fragments, 'small fragment'),
    `${counted(cost.deleted_rows, 'deleted row')} (${formatShare(cost.deleted_fraction)})`,
    `indexes ${formatBytes(cost.index_live_bytes)} live, ${formatBytes(cost.index_dead_bytes)} dead`,
  ];
  return `cost: ${parts.join('; ')}`;
}
