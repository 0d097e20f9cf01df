/**
 * The rows of a database's catalog, which LanceDB calls a directory namespace with a manifest. Found with LanceDB 0.39 and pylance 7, 11 and 14:
 *
 *   __manifest   a Lance table of the database, beside its tables, made with the first namespace or table through a namespace connection
 *     object_id    namespaces and name, with `$` between them: `sales`, `sales$people`, `sales$eu$people`; unique; anything goes in a part
 *     object_type  `namespace`, `table`; pylance 7 also writes `table_version`, `<table>$<20 digits>`, where the catalog stores versions
 *     location     folder of a table, from the database on: `775d8cd1_sales$people`, `people.lance` for one without namespaces; null
 *     metadata     properties, as a JSON object, or null
 *     base_objects null
 *
 * The eight digits are random: a table that is dropped and made anew lies in another folder. LanceDB cannot rename such a table; whoever
 * deregisters it and registers its folder has renamed it, and the folder keeps the old name. Registering takes any path within the
 * database. A table that is dropped goes with its folder and its row, a deregistered one with its row, and a table that was only declared
 * has a row and no version yet. `managed_versioning` is what a catalog answers when it is asked for a table: a directory catalog does with
 * `table_version_tracking_enabled`, an option of each connection, which leaves no trace: it puts versions where everybody does, sees those
 * of others, and goes on from them. With stored versions it does not see those of others, and the rows show it. Otherwise properties of the
 * table or of a namespace around it may say it. A catalog behind REST leaves none of this in the store.
 */
import { messageOf, SegmentdError } from '../../lib/errors.ts';
import type { Manifest } from '../codec/manifest.ts';
import { fieldByPath } from '../codec/schema-field.ts';
import type { TablePlace } from '../segment.ts';
import { openFragmentView } from './fragment-view.ts';
import { lancedb } from './lancedb.ts';

export type CatalogRow = {
  readonly objectId: string;
  readonly objectType: string;
  readonly location: string | null;
  readonly metadata: string | null;
};

const COLUMNS = ['object_id', 'object_type', 'location', 'metadata'];

/** Read once per version. */
const CACHE_BYTES = 16n * 1024n * 1024n;

/**
 * The rows of the catalog at `place` as of `manifest`. LanceDB opens no table without `.lance`, so they are read through a view below
 * `scratchDir`. Errors: catalog_unreadable.
 */
export async function readCatalogRows(
  manifest: Manifest,
  { uri, storageOptions }: TablePlace,
  scratchDir: string,
): Promise<CatalogRow[]> {
  if (manifest.fragments.length === 0) return [];
  try {
    const fieldIds = COLUMNS.map((column) => fieldByPath(manifest.schema, column)?.id ?? -1);
    const request = { manifest, tableUri: uri, fragments: manifest.fragments.ids, fieldIds, keepsRowIds: false };
    const view = openFragmentView(request, scratchDir);
    try {
      const { connect, Session } = await lancedb();
      const connection = await connect({ uri: scratchDir, session: new Session(CACHE_BYTES, CACHE_BYTES) });
      const table = await connection.openTable(view.name, undefined, { storageOptions: { ...storageOptions } });
      try {
        const rows = await table.query().select(COLUMNS).toArray();
        return rows.map(rowOf);
      } finally {
        table.close();
        connection.close();
      }
    } finally {
      view.remove();
    }
  } catch (error) {
    throw new SegmentdError('catalog_unreadable', `${uri}: ${messageOf(error).split('\n', 1)[0]}`, { cause: error });
  }
}

function rowOf(row: Record<string, unknown>): CatalogRow {
  const text = (value: unknown) => (typeof value === 'string' ? value : null);
  return {
    objectId: text(row.object_id) ?? '',
    objectType: text(row.object_type) ?? '',
    location: text(row.location),
    metadata: text(row.metadata),
  };
}
