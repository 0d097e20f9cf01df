/**
 * A LanceDB table in a real S3 server, and segmentd's own pipeline at it, without a broker. What other writers ask for goes through one
 * proxy, what segmentd and the engine under it ask for through another, so that the two are counted apart and delayed alike.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Table } from '@lancedb/lancedb';
import { connect, Index } from '@lancedb/lancedb';
import { Subject } from 'rxjs';
import { loadConfig } from '../../src/config/load.ts';
import { createPauses } from '../../src/control/pauses.ts';
import { TableOwnership } from '../../src/control/table-ownership.ts';
import { TableStates } from '../../src/control/table-states.ts';
import { mergeSchedule, pipelineContext } from '../../src/daemon/pipeline-context.ts';
import { asyncLimit } from '../../src/lib/async-limit.ts';
import { Cleanup } from '../../src/lib/cleanup.ts';
import type { ConsumerRecord } from '../../src/model.ts';
import { pipeline } from '../../src/pipeline.ts';
import { createTelemetry } from '../../src/telemetry/events.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { people, TABLE } from '../../testing/people.ts';
import type { CommittedBatch } from '../../testing/stores/commit-requests.ts';
import { requestsByCommit } from '../../testing/stores/commit-requests.ts';
import type { S3Server } from '../../testing/stores/s3-access.ts';
import type { StoreProxy } from '../../testing/stores/store-proxy.ts';
import { startStoreProxy } from '../../testing/stores/store-proxy.ts';

export const BUCKET = 'lake';
const DATABASE = 'lake';

export type StoreWorldSettings = {
  /** Folder in the bucket; of each world another. */
  readonly name: string;
  readonly rows: number;
  /** Those with a BTREE. */
  readonly columns: readonly string[];
  /** `batch.min_interval_ms`. */
  readonly minIntervalMs: number;
  readonly merging: boolean;
};

/** How an announced version was covered. */
export type Covered = { readonly eventToCoveredMs: number; readonly batch: CommittedBatch };

export type StoreWorld = {
  /** URI of the database. */
  readonly database: string;
  readonly theirs: StoreProxy;
  readonly ours: StoreProxy;
  /** Through `theirs`; another one with each call, as another writer has it. */
  openTable(): Promise<Table>;
  /** Announces a version; resolves when its event is settled. Readers have the segments some requests earlier. */
  announce(version: number): Promise<Covered>;
  readonly batches: readonly CommittedBatch[];
  delay(ms: number): void;
  close(): Promise<void>;
};

/** Makes a table of people past the proxies, which do not delay anything yet. */
export async function makeStoreWorld(
  server: S3Server,
  home: string,
  { name, rows, columns, minIntervalMs, merging }: StoreWorldSettings,
): Promise<StoreWorld> {
  const database = `s3://${BUCKET}/${name}`;
  await makePeople(database, server.storageOptions, rows, columns);
  const cleanup = new Cleanup();
  const [theirs, ours] = await Promise.all([startStoreProxy(server.endpoint), startStoreProxy(server.endpoint)]);
  cleanup.defer(() => Promise.all([theirs.stop(), ours.stop()]));
  const storageOptions = server.storageOptionsAt(theirs.url);
  const connection = await connect(database, { storageOptions });
  cleanup.defer(() => connection.close());
  const env = {
    SEGMENTD_DATABASES: JSON.stringify({
      [DATABASE]: { uri: database, storage_options: server.storageOptionsAt(ours.url) },
    }),
    SEGMENTD_BATCH_MIN_INTERVAL_MS: String(minIntervalMs),
    ...(merging ? {} : { SEGMENTD_MERGE_CONCURRENCY: '0' }),
  };
  const segmentd = await startPipeline(env, join(home, name), ours);
  cleanup.defer(segmentd.stop);
  return {
    database,
    theirs,
    ours,
    openTable: () => connection.openTable(TABLE),
    announce: segmentd.announce,
    batches: segmentd.batches,
    delay(ms) {
      theirs.delayMs = ms;
      ours.delayMs = ms;
    },
    close: () => cleanup.run(),
  };
}

/** A table of people with a BTREE on each of the columns. */
export async function makePeople(
  database: string,
  storageOptions: Record<string, string>,
  rows: number,
  columns: readonly string[],
): Promise<void> {
  const connection = await connect(database, { storageOptions });
  const table = await connection.createTable(TABLE, people(0, rows));
  for (const column of columns) await table.createIndex(column, { config: Index.btree() });
  table.close();
  connection.close();
}

type Segmentd = Pick<StoreWorld, 'announce' | 'batches'> & { stop(): Promise<void> };

async function startPipeline(env: Record<string, string>, scratchDir: string, proxy: StoreProxy): Promise<Segmentd> {
  await mkdir(scratchDir, { recursive: true });
  const config = loadConfig({ env, cwd: scratchDir });
  const { batches, logged } = requestsByCommit(proxy);
  const logger = createLogger({ level: 'debug', format: 'json', write: (line) => logged(JSON.parse(line)) });
  const metrics = createMetrics({ maxTables: 10, version: '0', lancedbVersion: '0', topic: 'events' });
  const pauses = createPauses();
  const stopping = new AbortController();
  const context = pipelineContext(config, {
    telemetry: createTelemetry({ logger, metrics }),
    deadLetter: async (_, error) => {
      throw error;
    },
    notify: () => undefined,
    publish: async () => false,
    signal: stopping.signal,
    pauses,
    states: new TableStates(pauses),
    slots: asyncLimit(config.concurrency.tables),
    scratchDir,
    ownership: new TableOwnership(),
  });
  const records = new Subject<ConsumerRecord>();
  const ended = new Promise<void>((resolve, reject) => {
    pipeline(records, context, { merges: mergeSchedule(config) }).subscribe({ error: reject, complete: resolve });
  });
  ended.catch(() => undefined);
  let offset = 0n;
  return {
    batches,
    async announce(version) {
      const announcedAtMs = performance.timeOrigin + performance.now();
      const settled = new Promise<void>((ack) => records.next(recordOf(version, offset++, ack)));
      await Promise.race([settled, ended]);
      const batch = batches.find(({ coveredVersion }) => coveredVersion >= version);
      if (!batch) throw new Error(`nothing covered version ${version}`);
      // One that was announced late may have been covered before.
      return { eventToCoveredMs: Math.max(0, batch.landedAtMs - announcedAtMs), batch };
    },
    async stop() {
      records.complete();
      await ended;
      stopping.abort();
    },
  };
}

function recordOf(version: number, offset: bigint, ack: () => void): ConsumerRecord {
  return {
    position: { topic: 'events', partition: 0, offset },
    key: null,
    value: Buffer.from(JSON.stringify({ table: `${DATABASE}/${TABLE}`, version })),
    headers: new Map(),
    timestampMs: Date.now(),
    signal: new AbortController().signal,
    ack,
  };
}
