/** The stores of the configured databases. */
import type { Config } from '../config/schema.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { storesIn } from '../store/open-store.ts';
import type { OnRequest } from '../store/store-request.ts';

/** Places of the databases by their names. */
export const databasesOf = ({ databases }: Pick<Config, 'databases'>): ReadonlyMap<string, string> =>
  new Map(Object.entries(databases).map(([name, { uri }]) => [name, uri]));

/** Opens a database, and what lies in it, with the storage options of that database. `onRequest` is told of each request. */
export function storesOf({ databases }: Config, onRequest?: OnRequest): (uri: string) => ObjectStore {
  return storesIn(
    Object.values(databases).map(({ uri, storage_options: storageOptions }) => ({ uri, storageOptions })),
    onRequest,
  );
}
