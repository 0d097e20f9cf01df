/** Which tables LanceDB's own `optimize` must leave alone. Pure. */
import type { Manifest } from '../lance/codec/manifest.ts';
import { BTREE } from '../lance/plan/kinds/btree.ts';
import { newerFilesReason, unreadableFragments } from '../lance/plan/newer-files.ts';
import type { TablePolicy } from '../lance/plan/row-ids.ts';
import { refuse, servedIndexes } from '../lance/plan/row-ids.ts';
import { ENGINE } from '../lance/plan/supported.ts';

/**
 * Throws why the engine must not compact a table. It changes the bitmaps of segments that record row addresses (index version 1, of Lance 14
 * and newer) under their old uuid when it compacts, after which Lance 14 answers wrongly: measured, see docs/compatibility.md. Errors: those
 * of servedIndexes, table_newer_index, table_newer_data_files.
 */
export function refuseOptimize(manifest: Manifest, policy: TablePolicy): void {
  servedIndexes(manifest, policy);
  const newer = manifest.indexes.find((index) => BTREE.matches(index) && index.indexVersion > 0);
  if (newer) {
    refuse({
      code: 'table_newer_index',
      message:
        `index "${newer.name}" has index version ${newer.indexVersion}, which ${ENGINE.library} ${ENGINE.version} damages when it compacts; ` +
        'compact the table with Lance 14 or newer',
    });
  }
  refuse(newerFilesReason(unreadableFragments(manifest, manifest.fragments.ids)));
}
