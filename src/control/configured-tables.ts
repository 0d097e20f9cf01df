/** The tables of the configured databases, as they are in the stores now or were when last seen. */
import { resolveTable } from '../events/table-address.ts';
import { SegmentdError } from '../lib/errors.ts';
import type { TableRef } from '../model.ts';
import { listTables } from '../store/list-tables.ts';
import type { ObjectStore } from '../store/object-store.ts';

type Listing = {
  /** Opens a database. */
  readonly storeOf: (uri: string) => ObjectStore;
  /** Ids of tables that are worked on. Those that are gone are returned too: they get the look that finds them gone. */
  readonly known: readonly string[];
  /** Called for each database that cannot be listed. */
  readonly failed: (database: string, error: unknown) => void;
};

/** The tables of all databases that can be listed, and the known ones of these. */
export async function tablesOf(
  databases: ReadonlyMap<string, string>,
  { storeOf, known, failed }: Listing,
): Promise<TableRef[]> {
  const lists = [...databases].map(async ([database, uri]) => {
    try {
      const listed = (await listTables(storeOf(uri))) ?? [];
      const prefix = `${database}/`;
      return [...listed.map((name) => prefix + name), ...known.filter((id) => id.startsWith(prefix))];
    } catch (error) {
      failed(database, error);
      return [];
    }
  });
  const ids = new Set((await Promise.all(lists)).flat());
  return [...ids].flatMap((id) => refOf(databases, id));
}

/** None for a folder whose name no event can address: it is not served. */
function refOf(databases: ReadonlyMap<string, string>, id: string): TableRef[] {
  try {
    return [resolveTable(databases, id)];
  } catch (error) {
    if (error instanceof SegmentdError) return [];
    throw error;
  }
}
