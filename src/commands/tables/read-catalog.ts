/** How commands read the catalog of a database. */
import type { ReadCatalog } from '../../control/table-catalogs.ts';
import { ownTemporaryFolder, SCRATCH_NAME } from '../../lib/own-folder.ts';
import { openScratch } from '../../lib/scratch.ts';

/** LanceDB is loaded for it, and a scratch folder made, when there is one to read. Errors: catalog_unreadable, scratch_unusable. */
export const readCatalog: ReadCatalog = async (manifest, place) => {
  const { readCatalogRows } = await import('../../lance/engine/catalog-rows.ts');
  const scratch = await openScratch(ownTemporaryFolder(SCRATCH_NAME));
  try {
    return await readCatalogRows(manifest, place, scratch.dir);
  } finally {
    await scratch.remove();
  }
};
