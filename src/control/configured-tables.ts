/** The tables of the configured databases, as they are in the stores now. */
import { resolveTable } from '../events/table-address.ts';
import { SegmentdError } from '../lib/errors.ts';
import type { TableRef } from '../model.ts';
import { listTables } from '../store/list-tables.ts';
import { openStore } from '../store/open-store.ts';

/** The tables of all databases that can be listed; `failed` is called for each of the others. */
export async function tablesOf(
  databases: ReadonlyMap<string, string>,
  failed: (database: string, error: unknown) => void,
): Promise<TableRef[]> {
  const lists = [...databases].map(async ([database, uri]) => {
    const names = await listTables(openStore(uri)).catch((error: unknown) => {
      failed(database, error);
      return [];
    });
    return (names ?? []).flatMap((name) => {
      try {
        return [resolveTable(databases, `${database}/${name}`)];
      } catch (error) {
        // A folder whose name no event can address is not served.
        if (error instanceof SegmentdError) return [];
        throw error;
      }
    });
  });
  return (await Promise.all(lists)).flat();
}
