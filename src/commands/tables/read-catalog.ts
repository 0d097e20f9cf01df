/** How commands read the catalog of a database. */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ReadCatalog } from '../../control/table-catalogs.ts';
import { openScratch } from '../../lib/scratch.ts';

/** LanceDB is loaded for it, and a scratch folder made, when there is one to read. Errors: catalog_unreadable, config_invalid. */
export const readCatalog: ReadCatalog = async (manifest, place) => {
  const { readCatalogRows } = await import('../../lance/engine/catalog-rows.ts');
  const scratch = await openScratch(join(tmpdir(), 'segmentd'));
  try {
    return await readCatalogRows(manifest, place, scratch.dir);
  } finally {
    await scratch.remove();
  }
};
