/** The tables a process works on: opened once each, the least recently used forgotten, so that memory stays bounded. */
import type { ObjectStore } from '../../store/object-store.ts';
import type { TablePolicy } from '../plan/row-ids.ts';
import type { OnLanded } from './table.ts';
import { LanceTable } from './table.ts';

export type TableCache = {
  /** The table at `uri`; no I/O. */
  open(uri: string): LanceTable;
  /** What is maintained in the table with this id (`<database>/<table>`), and how. */
  policy(id: string): TablePolicy;
};

/** Bytes of manifests kept; the columns that are read out of one take about a third on top. */
const REMEMBERED_BYTES = 128 * 1024 * 1024;
/** What a table takes beside its manifest: the entry, its paths and parsed lists. */
const TABLE_BYTES = 8 * 1024;
/** On a disk a manifest up to this size is read again in less than a millisecond, so that few of them are worth their memory. */
const SMALL_BYTES = 64 * 1024;
const MOST_SMALL = 1_000;
/** Manifests grow while they are remembered, so that the sum is taken again after so many opens. */
const OPENS_PER_CHECK = 1_000;

type CacheOptions = {
  readonly rememberedBytes?: number;
  /** Given to each table. */
  readonly onLanded?: OnLanded;
};

export function openTableCache(
  storeOf: (uri: string) => ObjectStore,
  policy: (id: string) => TablePolicy,
  { rememberedBytes = REMEMBERED_BYTES, onLanded }: CacheOptions = {},
): TableCache {
  const tables = new Map<string, LanceTable>();
  let newest: LanceTable | undefined;
  let opens = 0;
  const forgetSmall = () => {
    const small = [...tables].filter(([, { store, knownBytes }]) => !store.remote && knownBytes <= SMALL_BYTES);
    for (const [uri] of small.slice(0, -MOST_SMALL)) tables.delete(uri);
  };
  const forgetOldest = () => {
    const weights = [...tables].map(([uri, { knownBytes }]) => ({ uri, bytes: knownBytes + TABLE_BYTES }));
    let sum = weights.reduce((all, { bytes }) => all + bytes, 0);
    // The newest stays, however large it is: its caller is about to use it.
    for (const { uri, bytes } of weights.slice(0, -1)) {
      if (sum <= rememberedBytes) return;
      tables.delete(uri);
      sum -= bytes;
    }
  };
  return {
    open(uri) {
      if (newest?.uri === uri) return newest;
      const table = tables.get(uri) ?? new LanceTable(storeOf(uri), { onLanded });
      // A Map iterates in order of insertion: taking it out and in again makes it the most recent.
      tables.delete(uri);
      tables.set(uri, table);
      newest = table;
      opens += 1;
      if (opens % OPENS_PER_CHECK === 0) {
        forgetSmall();
        forgetOldest();
      }
      return table;
    },
    policy,
  };
}
