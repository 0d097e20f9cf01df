/**
 * A year of a table in minutes: appends, upserts and deletes go through segmentd's own pipeline, with housekeeping or without, and what the
 * table and the process cost is measured on the way.
 */
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Table } from '@lancedb/lancedb';
import { connect, Index, Session } from '@lancedb/lancedb';
import { Subject } from 'rxjs';
import { loadConfig } from '../src/config/load.ts';
import { createPauses } from '../src/control/pauses.ts';
import { TableOwnership } from '../src/control/table-ownership.ts';
import { TableStates } from '../src/control/table-states.ts';
import { mergeSchedule, pipelineContext } from '../src/daemon/pipeline-context.ts';
import { LanceTable } from '../src/lance/table/table.ts';
import { readTableCost } from '../src/lance/table/table-cost.ts';
import { asyncLimit } from '../src/lib/async-limit.ts';
import { stopwatch } from '../src/lib/stopwatch.ts';
import type { MaintainSettings } from '../src/maintain/maintain-settings.ts';
import type { ConsumerRecord, PendingEvent, TableRef } from '../src/model.ts';
import { pipeline } from '../src/pipeline.ts';
import { localStore } from '../src/store/local-store.ts';
import { createTelemetry } from '../src/telemetry/events.ts';
import { createLogger } from '../src/telemetry/logger.ts';
import { createMetrics } from '../src/telemetry/metrics.ts';
import { people } from './people.ts';
import { quantile } from './screen.ts';

/** How many times as fast as usual the waits of housekeeping pass: an hour in six seconds. */
const HASTE = 600;

/**
 * A day, as the table has it: changes, and then a quiet hour, in which a compaction meets nobody. It lasts until one has come through that day,
 * which a busy machine may take seconds for.
 */
const DAY_STEPS = 50;
const QUIET_MS = 1_200;
const MOST_QUIET_MS = 20_000;

const ROWS = 50;
const UPSERTED = 20;
const DELETED = 10;
const LOOKUPS = 25;

/** Of the writer, for each of its two caches. */
const CACHE_BYTES = 64n * 1024n * 1024n;

export const HOUSEKEEPING: MaintainSettings = {
  ...{ everyMs: null, smallFragments: 30, deletedFraction: null },
  ...{ keepVersionsMs: 4_000, maxMemoryBytes: 2 * 2 ** 30 },
};

export type SoakSample = {
  readonly step: number;
  readonly rows: number;
  readonly fragments: number;
  readonly segments: number;
  readonly versions: number;
  readonly manifestBytes: number;
  readonly files: number;
  readonly bytes: number;
  readonly rssBytes: number;
  readonly descriptors: number;
  /** Median of lookups by key, milliseconds; each found its row. */
  readonly lookupMs: number;
};

export type Soak = {
  readonly samples: readonly SoakSample[];
  /** Runs of housekeeping by outcome, from the log. */
  readonly runs: Readonly<Record<'maintenanceFinished' | 'maintenanceFailed', number>>;
  readonly seconds: number;
};

type SoakOptions = {
  readonly steps: number;
  readonly samples: number;
  /** Null: none. */
  readonly maintain: MaintainSettings | null;
  readonly onSample?: (sample: SoakSample) => void;
};

/** Keeps a table `t` below `home` busy. Rejects when an answer is wrong, or when the pipeline ends. */
export async function soak(home: string, { steps, samples, maintain, onSample }: SoakOptions): Promise<Soak> {
  const lap = stopwatch();
  const world = await openWorld(home, maintain);
  const taken: SoakSample[] = [];
  try {
    for (let step = 1; step <= steps; step++) {
      await world.change(step);
      if (step % DAY_STEPS === 0) await world.quietHour();
      if (step % Math.ceil(steps / samples) !== 0) continue;
      const sample = await world.sample(step);
      taken.push(sample);
      onSample?.(sample);
    }
    return { samples: taken, runs: world.runs, seconds: lap() / 1000 };
  } finally {
    await world.close();
  }
}

async function openWorld(home: string, maintain: MaintainSettings | null) {
  const database = join(home, 'db');
  const scratchDir = join(home, 'scratch');
  for (const folder of [database, scratchDir]) await mkdir(folder, { recursive: true });
  // LanceDB's caches of seven gigabytes would fill up, and hide what segmentd takes.
  const connection = await connect(database, { readConsistencyInterval: 0 }, new Session(CACHE_BYTES, CACHE_BYTES));
  const writer = await connection.createTable('t', people(0, ROWS));
  await writer.createIndex('id', { config: Index.btree() });
  const folder = join(database, 't.lance');
  const ref: TableRef = { id: 'db/t', database: 'db', name: 't', uri: folder };
  const table = new LanceTable(localStore(folder));
  const runs = { maintenanceFinished: 0, maintenanceFailed: 0 };
  const running = startPipeline(home, ref, maintain, (event) => {
    if (event in runs) runs[event as keyof typeof runs] += 1;
  });
  const rows = new RowModel(writer);
  let ranBefore = 0;
  return {
    runs,
    quietHour: async () => {
      const endMs = performance.now() + MOST_QUIET_MS;
      await sleep(QUIET_MS);
      while (maintain && runs.maintenanceFinished === ranBefore && performance.now() < endMs)
        await sleep(QUIET_MS / 10);
      ranBefore = runs.maintenanceFinished;
    },
    change: async (step: number) => {
      await rows.change(step);
      await running.covered((await table.latest()).version);
    },
    sample: async (step: number): Promise<SoakSample> => {
      const manifest = await table.latest();
      const { versions, manifestBytes } = await readTableCost(table, manifest);
      const files = await table.store.survey('');
      return {
        ...{ step, rows: await rows.check(), fragments: manifest.fragments.length, segments: manifest.indexes.length },
        ...{ versions, manifestBytes, files: files.length },
        bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
        rssBytes: process.memoryUsage.rss(),
        descriptors: (await readdir('/proc/self/fd').catch(() => [])).length,
        lookupMs: await rows.lookUp(),
      };
    },
    close: async () => {
      await running.end();
      writer.close();
      connection.close();
    },
  };
}

/** The rows that a table has to have, by what was done to it. */
class RowModel {
  readonly #table: Table;
  readonly #deleted = new Set<number>();
  #next = ROWS;

  constructor(table: Table) {
    this.#table = table;
  }

  /** Appends; each fifth time upserts old and new rows, and each seventh deletes some. */
  async change(step: number): Promise<void> {
    if (step % 7 === 0) {
      const ids = Array.from({ length: DELETED }, () => this.#anyId());
      for (const id of ids) this.#deleted.add(id);
      await this.#table.delete(`id IN (${ids.join(', ')})`);
    } else if (step % 5 === 0) {
      // The newest of the old ones: a table of events is corrected shortly after.
      const from = this.#next - UPSERTED;
      for (let id = from; id < this.#next; id++) this.#deleted.delete(id);
      await this.#table.mergeInsert('id').whenMatchedUpdateAll().whenNotMatchedInsertAll().execute(people(from, ROWS));
      this.#next = from + ROWS;
    } else {
      await this.#table.add(people(this.#next, ROWS));
      this.#next += ROWS;
    }
  }

  /** Says how many rows there are, and that they are as many as there should be. */
  async check(): Promise<number> {
    const rows = await this.#table.countRows();
    if (rows !== this.#next - this.#deleted.size) {
      throw new Error(`the table has ${rows} rows instead of ${this.#next - this.#deleted.size}`);
    }
    return rows;
  }

  async lookUp(): Promise<number> {
    const times: number[] = [];
    for (let lookup = 0; lookup < LOOKUPS; lookup++) {
      const id = this.#anyId();
      const lap = stopwatch();
      const found = await this.#table.query().where(`id = ${id}`).toArrow();
      times.push(lap());
      if (found.numRows !== (this.#deleted.has(id) ? 0 : 1)) throw new Error(`id = ${id} found ${found.numRows} rows`);
    }
    return quantile(times, 0.5);
  }

  #anyId(): number {
    return Math.floor(Math.random() * this.#next);
  }
}

/** The daemon's pipeline without a broker. Calls `onEvent` for each line of its log. */
function startPipeline(
  home: string,
  ref: TableRef,
  maintain: MaintainSettings | null,
  onEvent: (event: string) => void,
) {
  const config = loadConfig({ env: { SEGMENTD_DATABASES: `{db: ${join(home, 'db')}}` }, cwd: home });
  const metrics = createMetrics({ maxTables: 10, version: '0', lancedbVersion: '0', topic: 'events' });
  const write = (line: string) => onEvent((JSON.parse(line) as { event: string }).event);
  const pauses = createPauses();
  const states = new TableStates(pauses);
  const stopping = new AbortController();
  const context = pipelineContext(config, {
    telemetry: createTelemetry({ logger: createLogger({ level: 'info', format: 'json', write }), metrics }),
    deadLetter: async (_, error) => {
      throw error;
    },
    notify: () => undefined,
    publish: async () => false,
    signal: stopping.signal,
    pauses,
    states,
    slots: asyncLimit(config.concurrency.tables),
    scratchDir: join(home, 'scratch'),
    ownership: new TableOwnership(),
  });
  const records = new Subject<ConsumerRecord>();
  const requests = new Subject<PendingEvent>();
  const refresh = () => requests.next({ event: { table: ref }, record: null, receivedAtMs: Date.now() });
  const maintenance = maintain && { settings: () => maintain, refresh, haste: HASTE };
  const ended = new Promise<void>((resolve, reject) => {
    pipeline(records, context, {
      refreshRequests: requests,
      merges: mergeSchedule(config),
      ...(maintenance && { maintenance }),
    }).subscribe({ complete: resolve, error: reject });
  });
  const failed = ended.then(() => {
    throw new Error('the pipeline has ended');
  });
  failed.catch(() => undefined);
  return {
    covered: async (version: number) => {
      refresh();
      while ((states.of(ref.id).covered_version ?? 0) < version) await Promise.race([sleep(1), failed]);
    },
    end: async () => {
      records.complete();
      requests.complete();
      await ended;
      stopping.abort();
    },
  };
}
