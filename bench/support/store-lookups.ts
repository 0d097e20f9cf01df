/** What the number of segments costs a reader in an object store. */
import { connect } from '@lancedb/lancedb';
import { catchUp } from '../../src/commands/tables/catch-up.ts';
import { LanceTable } from '../../src/lance/table/table.ts';
import { openStore } from '../../src/store/open-store.ts';
import type { S3Server } from '../../testing/stores/s3-access.ts';
import { startStoreProxy } from '../../testing/stores/store-proxy.ts';
import type { Keys, Kind } from './lookups.ts';
import { keyBatch, lookUp } from './lookups.ts';
import { openBuilder } from './open-builder.ts';
import type { Cost } from './store-cost.ts';
import { timed } from './store-cost.ts';
import { BUCKET } from './store-world.ts';

const FRAGMENTS = 100;
const SEGMENTS = [20, 10, 5, 1];
const INDEX = 'key_idx';

export type LookupCost = {
  /** The first lookup of a connection, which opens the segments. */
  readonly first: Cost;
  readonly next: Cost;
  readonly in_of_ten: Cost;
};

/** Each round with a new connection, which knows no page of the indexes. */
type Settings = { readonly delayMs: number; readonly rows: number; readonly rounds: number };

/** One table of scattered keys, whose index is built anew with fewer segments each time. */
export async function lookupCosts(
  server: S3Server,
  home: string,
  { delayMs, rows, rounds }: Settings,
): Promise<ReadonlyMap<number, readonly LookupCost[]>> {
  const perFragment = Math.ceil(rows / FRAGMENTS);
  const keys: Keys = { rows: perFragment * FRAGMENTS, order: 'scattered' };
  const database = `s3://${BUCKET}/lookups`;
  // Indexes come from others: each use of the table looks for its latest version.
  const connection = await connect(database, { storageOptions: server.storageOptions, readConsistencyInterval: 0 });
  const table = await connection.createTable('t', keyBatch(keys, 0, perFragment));
  for (let at = 1; at < FRAGMENTS; at++) await table.add(keyBatch(keys, at * perFragment, perFragment));
  const builder = await openBuilder(home);
  const costs = new Map<number, readonly LookupCost[]>();
  for (const segments of SEGMENTS) {
    if (costs.size > 0) await table.dropIndex(INDEX);
    await catchUp(new LanceTable(openStore(`${database}/t.lance`, server.storageOptions)), builder, {
      wanted: [{ column: 'key', name: INDEX }],
      limits: { maxRows: Number.MAX_SAFE_INTEGER, maxFragments: FRAGMENTS / segments },
      commit: { maxAttempts: 1, initialBackoffMs: 0, writer: { library: 'segmentd', version: 'bench' } },
      properties: {},
    });
    costs.set(segments, await costOfLookups(server, database, keys, { delayMs, rounds }));
  }
  table.close();
  connection.close();
  return new Map([...costs].reverse());
}

async function costOfLookups(
  server: S3Server,
  database: string,
  keys: Keys,
  { delayMs, rounds }: Pick<Settings, 'delayMs' | 'rounds'>,
): Promise<LookupCost[]> {
  const proxy = await startStoreProxy(server.endpoint, { delayMs });
  const costs: LookupCost[] = [];
  for (let round = 0; round < rounds; round++) {
    const connection = await connect(database, { storageOptions: server.storageOptionsAt(proxy.url) });
    const table = await connection.openTable('t');
    const ask = (kind: Kind) => timed(proxy, () => lookUp(table, kind, keys));
    costs.push({ first: await ask('point'), next: await ask('point'), in_of_ten: await ask('in10') });
    table.close();
    connection.close();
  }
  await proxy.stop();
  return costs;
}
