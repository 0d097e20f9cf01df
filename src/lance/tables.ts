/** The tables a process works on: opened once each, the least recently used forgotten, so that memory stays bounded. */
import type { ObjectStore } from '../store/object-store.ts';
import { LanceTable } from './table.ts';
import type { TablePolicy } from './table-plan.ts';
import { DEFAULT_POLICY } from './table-plan.ts';

export type Tables = {
  /** The table at `uri`; no I/O. */
  open(uri: string): LanceTable;
  /** What is maintained in the table with this id (`<database>/<table>`), and how. */
  policy(id: string): TablePolicy;
};

/** A remembered table keeps its last manifest, which has a few hundred bytes per fragment. */
const REMEMBERED_TABLES = 256;

export function openTables(storeOf: (uri: string) => ObjectStore, policies: ReadonlyMap<string, TablePolicy>): Tables {
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
    policy: (id) => policies.get(id) ?? DEFAULT_POLICY,
  };
}
