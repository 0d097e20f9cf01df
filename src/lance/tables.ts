/** The tables a process works on: opened once each, the least recently used forgotten, so that memory stays bounded. */
import type { ObjectStore } from '../store/object-store.ts';
import type { WantedIndexes } from './plan.ts';
import { LanceTable } from './table.ts';

export type Tables = {
  /** The table at `uri`; no I/O. */
  open(uri: string): LanceTable;
  /** Which indexes of the table with this id (`<database>/<table>`) are maintained. */
  wanted(id: string): WantedIndexes;
};

/** A remembered table keeps its last manifest, which has a few hundred bytes per fragment. */
const REMEMBERED_TABLES = 256;

export function openTables(storeOf: (uri: string) => ObjectStore, wanted: ReadonlyMap<string, WantedIndexes>): Tables {
  const tables = new Map<string, LanceTable>();
  return {
    open(uri) {
      const table = tables.get(uri) ?? new LanceTable(storeOf(uri));
      // A Map iterates in order of insertion: taking it out and in again makes it the most recent.
      tables.delete(uri);
      tables.set(uri, table);
      const [oldest] = tables.keys();
      if (tables.size > REMEMBERED_TABLES && oldest !== undefined) tables.delete(oldest);
      return table;
    },
    wanted: (id) => wanted.get(id) ?? 'existing',
  };
}
