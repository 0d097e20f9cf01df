/** Where the demo's table lies: in a folder, or in a real S3 server on this machine. */
import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { connect, Index } from '@lancedb/lancedb';
import type { Cleanup } from '../src/lib/cleanup.ts';
import type { ObjectStore } from '../src/store/object-store.ts';
import { openStore } from '../src/store/open-store.ts';
import { DATABASE, people, TABLE } from '../testing/people.ts';
import { startS3Server } from '../testing/stores/s3-server.ts';
import type { StoreProxy } from '../testing/stores/store-proxy.ts';
import { startStoreProxy } from '../testing/stores/store-proxy.ts';

export const ROWS = 1_000_000;
const BUCKET = 'lake';

/** A LanceDB database, as LanceDB is told of it. */
export type Database = { readonly uri: string; readonly storageOptions: Record<string, string> };

export type Place = {
  readonly database: Database;
  /** The database in the daemon's configuration. */
  readonly configured: string | { readonly uri: string; readonly storage_options: Record<string, string> };
  /** Variables with which another process gets in, as LanceDB reads them. */
  readonly env: Record<string, string>;
  readonly table: ObjectStore;
  /** Before the store, with no other client than the daemon; undefined on a disk. */
  readonly proxy?: StoreProxy;
  /** The same database once more. */
  copy(): Promise<Database>;
};

/** A folder in `home` with the table in it. */
export async function placeOnDisk(home: string): Promise<Place> {
  const uri = join(home, DATABASE);
  await mkdir(uri);
  const database = { uri, storageOptions: {} };
  await makeTable(database);
  return {
    database,
    configured: uri,
    env: {},
    table: openStore(join(uri, `${TABLE}.lance`)),
    async copy() {
      const copy = join(home, 'copy');
      await cp(uri, copy, { recursive: true });
      return { uri: copy, storageOptions: {} };
    },
  };
}

/** A folder in a bucket with the table in it. Writers and checks go to the server itself, and only the daemon through the proxy. */
export async function placeInS3(home: string, cleanup: Cleanup): Promise<Place> {
  const server = await startS3Server({ backend: join(home, 'objects') });
  cleanup.defer(() => server.stop());
  await server.makeBucket(BUCKET);
  const proxy = await startStoreProxy(server.endpoint);
  cleanup.defer(() => proxy.stop());
  const { endpoint, storageOptions } = server;
  const database = { uri: `s3://${BUCKET}/${DATABASE}`, storageOptions };
  await makeTable(database);
  return {
    database,
    configured: { uri: database.uri, storage_options: server.storageOptionsAt(proxy.url) },
    env: {
      AWS_ACCESS_KEY_ID: server.accessKeyId,
      AWS_SECRET_ACCESS_KEY: server.secretAccessKey,
      AWS_REGION: server.region,
      AWS_ENDPOINT: endpoint,
      AWS_ALLOW_HTTP: 'true',
    },
    table: openStore(`${database.uri}/${TABLE}.lance`, storageOptions),
    proxy,
    async copy() {
      const copy = { uri: `s3://${BUCKET}/copy`, storageOptions };
      await makeTable(copy);
      return copy;
    },
  };
}

async function makeTable({ uri, storageOptions }: Database): Promise<void> {
  const connection = await connect(uri, { storageOptions });
  const table = await connection.createTable(TABLE, people(0, ROWS));
  for (const column of ['id', 'name']) await table.createIndex(column, { config: Index.btree() });
  table.close();
  connection.close();
}
