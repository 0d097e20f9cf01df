/** A table that grows through the daemon's own pipeline, without a broker: an append, its event, and on when it is covered. */
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection, Table } from '@lancedb/lancedb';
import { connect, Index, Session } from '@lancedb/lancedb';
import { Subject } from 'rxjs';
import { loadConfig } from '../../src/config/load.ts';
import { createPauses } from '../../src/control/pauses.ts';
import { TableOwnership } from '../../src/control/table-ownership.ts';
import { TableStates } from '../../src/control/table-states.ts';
import { mergeSchedule, pipelineContext } from '../../src/daemon/pipeline-context.ts';
import { DEFAULT_POLICY } from '../../src/lance/plan/row-ids.ts';
import { LanceTable } from '../../src/lance/table/table.ts';
import { asyncLimit } from '../../src/lib/async-limit.ts';
import { stopwatch } from '../../src/lib/stopwatch.ts';
import { planMerges } from '../../src/merge/merge-plan.ts';
import { planAhead } from '../../src/merge/policy/tiered.ts';
import type { ConsumerRecord } from '../../src/model.ts';
import { pipeline } from '../../src/pipeline.ts';
import { localStore } from '../../src/store/local-store.ts';
import { createTelemetry } from '../../src/telemetry/events.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import type { Keys } from './lookups.ts';
import { keyBatch } from './lookups.ts';

/** What a cleanup of the table would leave of its history. Each manifest of 10,000 fragments takes megabytes. */
const VERSIONS_KEPT = 20;
const TIDY_EVERY = 100;
const CACHE_BYTES = 64n * 1024n * 1024n;
const IDLE_POLL_MS = 20;

export type MergingWorld = {
  readonly folder: string;
  readonly table: LanceTable;
  /** Appends a batch and announces it; milliseconds from the announcement until it was covered. */
  append(): Promise<number>;
  /** Resolves when no merge is due any more. */
  merged(): Promise<void>;
  /** A metric as the daemon would export it, summed over its labels. */
  metric(name: string): Promise<number>;
  close(): Promise<void>;
};

/** A fresh table in `home/db` and a pipeline beside it. `merging`: off means that segments only add up. */
export async function makeMergingWorld(
  home: string,
  keys: Keys,
  batchRows: number,
  merging: boolean,
  name: string,
): Promise<MergingWorld> {
  const database = join(home, 'db');
  const scratchDir = join(home, 'scratch');
  await mkdir(database, { recursive: true });
  await mkdir(scratchDir, { recursive: true });
  const env = { SEGMENTD_DATABASES: `{db: ${database}}`, ...(merging ? {} : { SEGMENTD_MERGE_CONCURRENCY: '0' }) };
  const config = loadConfig({ env, cwd: home });
  const metrics = createMetrics({ maxTables: 10, version: '0', lancedbVersion: '0', topic: 'events' });
  const logger = createLogger({ level: 'warn', format: 'json' });
  const pauses = createPauses();
  const context = pipelineContext(config, {
    telemetry: createTelemetry({ logger, metrics }),
    deadLetter: async (_, error) => {
      throw error;
    },
    notify: () => undefined,
    publish: async () => false,
    signal: new AbortController().signal,
    pauses,
    states: new TableStates(pauses),
    slots: asyncLimit(config.concurrency.tables),
    scratchDir,
    ownership: new TableOwnership(),
  });
  const records = new Subject<ConsumerRecord>();
  const failed = new Promise<never>((_, reject) => {
    pipeline(records, context, { merges: mergeSchedule(config) }).subscribe({ error: reject });
  });
  failed.catch(() => undefined);

  // By default it keeps what it reads, up to 7 GiB: with thousands of versions of thousands of segments that is all of it.
  const connection = await connect({ uri: database, session: new Session(CACHE_BYTES, CACHE_BYTES) });
  const writer = await connection.createTable(name, keyBatch(keys, 0, batchRows));
  await writer.createIndex('key', { config: Index.btree() });
  const folder = join(database, `${name}.lance`);
  const table = new LanceTable(localStore(folder));
  let batches = 1;
  const settings = mergeSchedule(config).settings({ id: `db/${name}`, database: 'db', name, uri: folder });
  const rule = (segments: Parameters<typeof planAhead>[0]) => planAhead(segments, settings);
  return {
    folder,
    table,
    append: async () => {
      await writer.add(keyBatch(keys, batches * batchRows, batchRows));
      batches += 1;
      if (batches % TIDY_EVERY === 0) await tidy(folder);
      const lap = stopwatch();
      await Promise.race([announce(records, name, BigInt(batches)), failed]);
      return lap();
    },
    merged: async () => {
      while (merging && planMerges(await table.latest(), DEFAULT_POLICY, rule).pending > 0) await sleep(IDLE_POLL_MS);
    },
    metric: async (name) => {
      const lines = (await metrics.render()).split('\n').filter((line) => line.startsWith(`segmentd_${name}`));
      return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
    },
    close: () => close(records, connection, writer),
  };
}

/** Resolves when the record is acknowledged. */
function announce(records: Subject<ConsumerRecord>, name: string, offset: bigint): Promise<void> {
  const { signal } = new AbortController();
  return new Promise((ack) =>
    records.next({
      position: { topic: 'events', partition: 0, offset },
      key: null,
      value: Buffer.from(JSON.stringify({ table: `db/${name}` })),
      headers: new Map(),
      timestampMs: Date.now(),
      signal,
      ack,
    }),
  );
}

async function tidy(folder: string): Promise<void> {
  const versions = join(folder, '_versions');
  const names = (await readdir(versions)).filter((name) => name.endsWith('.manifest')).sort();
  await Promise.all(names.slice(VERSIONS_KEPT).map((name) => rm(join(versions, name))));
}

async function close(records: Subject<ConsumerRecord>, connection: Connection, writer: Table): Promise<void> {
  records.complete();
  writer.close();
  connection.close();
}
