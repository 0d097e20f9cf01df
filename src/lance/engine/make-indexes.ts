/** Has LanceDB make the indexes of a view: the part of a build that takes the processors, in this process or in one of its own. */
import type { Connection, Index, Table } from '@lancedb/lancedb';
import { messageOf } from '../../lib/errors.ts';
import { stopwatch } from '../../lib/stopwatch.ts';
import { kindNamed } from '../plan/index-kind.ts';
import type { EngineCall } from '../plan/kinds/kind.ts';
import type { SegmentRequest, TablePlace } from '../segment.ts';
import { lancedb } from './lancedb.ts';

/** An index to make. Plain values, which go to another process as they are. */
export type IndexToMake = Pick<SegmentRequest, 'index' | 'column' | 'kind' | 'parameters' | 'own' | 'rows'>;

export type MakeOrder = Pick<TablePlace, 'storageOptions'> & {
  /** A folder, and the name of the view in it. */
  readonly database: string;
  readonly name: string;
  readonly indexes: readonly IndexToMake[];
};

/**
 * Makes the indexes one after the other. Resolves to the milliseconds that each took, in their order; null where the rows had too little to
 * index, which is no fault of the others. Errors: engine_unloadable, and what LanceDB says.
 */
export type MakeIndexes = (order: MakeOrder) => Promise<readonly (number | null)[]>;

/** In this process. */
export function makeIndexesHere(): MakeIndexes {
  const connections = new ViewConnections();
  return async ({ database, name, indexes, storageOptions }) => {
    try {
      const connection = await connections.to(database);
      const table = await connection.openTable(name, undefined, { storageOptions: { ...storageOptions } });
      try {
        const took: (number | null)[] = [];
        for (const index of indexes) {
          const lap = stopwatch();
          took.push((await createIndex(table, index)) ? lap() : null);
        }
        return took;
      } finally {
        table.close();
      }
    } catch (error) {
      // Opened anew next time: a connection that failed to open stays failed.
      connections.forget();
      throw error;
    }
  };
}

/** Whether the index is there now. */
async function createIndex(
  table: Table,
  { column, index, kind: name, parameters, own, rows }: IndexToMake,
): Promise<boolean> {
  const kind = kindNamed(name);
  const config = await configOf(kind.engineCall({ ...parameters, ...own }, rows));
  try {
    await table.createIndex(column, { config, name: index, replace: true });
    return true;
  } catch (error) {
    if (kind.lacksRows?.(messageOf(error))) return false;
    throw error;
  }
}

async function configOf({ method, options }: EngineCall): Promise<Index> {
  const { Index: indexes } = await lancedb();
  // The kinds name functions of Index; `lance/plan` does not know the package, so that its types cannot say so.
  const make = indexes[method as 'btree'] as (options: EngineCall['options']) => Index;
  return make(options);
}

/** Views are read once and never again, so the engine's default caches (7 GiB) would only fill up with them. */
const CACHE_BYTES = 16n * 1024n * 1024n;

/** An open connection keeps about 16 KB of each view (measured); a new one costs less than a millisecond. */
const VIEWS_PER_CONNECTION = 100;

/** LanceDB's connections to the folders that views lie in. */
class ViewConnections {
  readonly #open = new Map<string, { readonly connection: Promise<Connection>; views: number }>();

  to(database: string): Promise<Connection> {
    const known = this.#open.get(database);
    if (known && known.views < VIEWS_PER_CONNECTION) {
      known.views += 1;
      return known.connection;
    }
    // The previous one is closed by the garbage collector: a build may still use it. The session is no third argument: LanceDB 0.39 drops that.
    const connection = lancedb().then(({ connect, Session }) =>
      connect({ uri: database, session: new Session(CACHE_BYTES, CACHE_BYTES) }),
    );
    this.#open.set(database, { connection, views: 1 });
    return connection;
  }

  forget(): void {
    this.#open.clear();
  }
}
