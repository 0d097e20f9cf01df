/** The tables of the configured databases, as they are in the stores now or were when last seen. */
import type { Databases } from '../events/table-address.ts';
import { resolveTable } from '../events/table-address.ts';
import { SegmentdError } from '../lib/errors.ts';
import type { TableRef } from '../model.ts';
import type { TableCatalogs } from './table-catalogs.ts';

type Listing = {
  /** Ids of tables that are worked on. Those that are gone are returned too: they get the look that finds them gone. */
  readonly known: readonly string[];
  /** Called for each database that cannot be listed, and for each whose catalog cannot be read. */
  readonly failed: (database: string, error: unknown) => void;
};

/** The tables of all databases that can be listed, and the known ones of these. */
export async function tablesOf(
  catalogs: Pick<TableCatalogs, 'databases' | 'look'>,
  { known, failed }: Listing,
): Promise<TableRef[]> {
  const { databases } = catalogs;
  const lists = [...databases.keys()].map(async (database) => {
    try {
      const { names = [], problem } = (await catalogs.look(database)) ?? {};
      if (problem) failed(database, problem);
      const prefix = `${database}/`;
      return [...names.map((name) => prefix + name), ...known.filter((id) => id.startsWith(prefix))];
    } catch (error) {
      failed(database, error);
      return [];
    }
  });
  const ids = new Set((await Promise.all(lists)).flat());
  return [...ids].flatMap((id) => refOf(databases, id));
}

/** None for a folder whose name no event can address: it is not served. */
function refOf(databases: Databases, id: string): TableRef[] {
  try {
    return [resolveTable(databases, id)];
  } catch (error) {
    if (error instanceof SegmentdError) return [];
    throw error;
  }
}
