/** A LanceDB table in a real store, other writers at it, and segmentd's pipeline over a proxy that notes every request. */
import type { Connection, Table } from '@lancedb/lancedb';
import { connect } from '@lancedb/lancedb';
import type { Table as ArrowTable } from 'apache-arrow';
import { lastValueFrom, of, toArray } from 'rxjs';
import { onTestFinished } from 'vitest';
import { lanceSegmentBuilder } from '../../../src/lance/engine/segment-builder.ts';
import type { TablePolicy } from '../../../src/lance/plan/row-ids.ts';
import { DEFAULT_POLICY } from '../../../src/lance/plan/row-ids.ts';
import { LanceTable } from '../../../src/lance/table/table.ts';
import { openTableCache } from '../../../src/lance/table/table-cache.ts';
import type { KindName } from '../../../src/lib/index-kinds.ts';
import type { MergeSettings } from '../../../src/merge/policy/tiered.ts';
import type { AppendEvent, TableRef } from '../../../src/model.ts';
import { pipeline } from '../../../src/pipeline.ts';
import type { PipelineContext } from '../../../src/stages/context.ts';
import type { ObjectStore } from '../../../src/store/object-store.ts';
import { openStore } from '../../../src/store/open-store.ts';
import { kindUnderTest } from '../../../testing/kinds.ts';
import { people } from '../../../testing/people.ts';
import type { S3Server } from '../../../testing/stores/s3-access.ts';
import type { StoreProxy } from '../../../testing/stores/store-proxy.ts';
import { startStoreProxy } from '../../../testing/stores/store-proxy.ts';
import type { StoreServer } from '../../../testing/stores/store-server.ts';
import { tempDir } from '../../../testing/temp-dir.ts';
import type { TestContext, TestRecord } from '../../unit/stages/context-fixture.ts';
import { consumerRecord, testContext } from '../../unit/stages/context-fixture.ts';

export const ROWS = 10_000;

export type StoreTable = {
  readonly ref: TableRef;
  /** LanceDB's, past the proxy. */
  readonly connection: Connection;
  readonly table: Table;
  /** In front of what segmentd and its engine ask for. */
  readonly proxy: StoreProxy;
  /** Looks at the table past the proxy. */
  seen(): LanceTable;
  /** Appends rows past the proxy; the version that came of it. */
  append(from: number, count?: number): Promise<number>;
  /** What a process of segmentd has: each knows nothing of the others. */
  context(more?: Partial<PipelineContext>, access?: Access): Promise<TestContext>;
};

/** How a context gets at the store: further options, and what stands before it; and what is configured for the table. */
export type Access = {
  readonly storageOptions?: Record<string, string>;
  readonly wrap?: (store: ObjectStore) => ObjectStore;
  readonly policy?: TablePolicy;
};

export type S3Table = StoreTable;

let databases = 0;

/** A column with a BTREE, or with an index of the kind. */
type Indexed = string | { readonly column: string; readonly kind: KindName };

/** A table of people, unless other rows are given, with an index on each of the columns. The server has the bucket `lake`. */
export const s3Table = (server: S3Server, columns: readonly Indexed[], rows?: ArrowTable): Promise<S3Table> =>
  storeTable(server, 's3://lake', columns, rows);

/** The same in a database of its own in `bucket`, the URI of one that the server has. */
export async function storeTable(
  server: StoreServer,
  bucket: string,
  columns: readonly Indexed[],
  rows: ArrowTable = people(0, ROWS),
): Promise<StoreTable> {
  const database = `${bucket}/db${databases++}`;
  const connection = await connect(database, { ...directly(server, database), readConsistencyInterval: 0 });
  const table = await connection.createTable('people', rows);
  for (const indexed of columns) {
    const { column, kind } = typeof indexed === 'string' ? { column: indexed, kind: 'btree' as const } : indexed;
    await table.createIndex(column, { config: kindUnderTest(kind).make() });
  }
  const proxy = await startStoreProxy(server.endpoint);
  onTestFinished(async () => {
    table.close();
    connection.close();
    await proxy.stop();
  });
  const ref = { id: 'lake/people', database: 'lake', name: 'people', uri: `${database}/people.lance` };
  return {
    ref,
    connection,
    table,
    proxy,
    seen: () => new LanceTable(openStore(ref.uri, server.storageOptions)),
    async append(from, count = 100) {
      await table.add(people(from, count));
      return table.version();
    },
    async context(
      more = {},
      { storageOptions = {}, wrap = (store: ObjectStore) => store, policy = DEFAULT_POLICY } = {},
    ) {
      const options = { ...server.storageOptionsAt(proxy.url), ...storageOptions };
      const tables = openTableCache(
        (uri) => wrap(openStore(uri, options)),
        () => policy,
      );
      return testContext({ tables, builder: lanceSegmentBuilder(await tempDir()), ...more });
    },
  };
}

/**
 * How LanceDB gets at a database past the proxy. As segmentd tells its engine, under names that no variable of the environment overrules:
 * Vitest sets BASE_URL.
 */
export const directly = ({ storageOptions }: StoreServer, database: string) => ({
  storageOptions: { ...openStore(database, storageOptions).engineOptions() },
});

const NO_MERGES = {
  settings: { floorRows: 1, factor: 100, maxFactor: 100, maxSegmentRows: 1e9, maxSegments: 1000 },
  concurrency: 0,
};

/** Runs one event through the pipeline, without merges unless they are given; resolves with its record when all is settled. */
export async function runEvent(
  context: PipelineContext,
  event: AppendEvent,
  { settings, concurrency }: { settings: MergeSettings; concurrency: number } = NO_MERGES,
): Promise<TestRecord> {
  const record = consumerRecord(event.version ?? 0);
  const merges = { settings: () => settings, concurrency, pauseLagMs: 5_000 };
  const decoding = { ...context, decodeRecord: () => [event] };
  await lastValueFrom(pipeline(of(record), decoding, { merges }).pipe(toArray()));
  return record;
}
