/**
 * A backfill by a group of `segmentd run` processes on a real broker, timed from the publication of its events, to workers that have joined
 * and are warm, until every fragment is covered. Each worker builds one segment at a time.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { publishSpread } from '../../src/events/publish-events.ts';
import { resolveTable } from '../../src/events/table-address.ts';
import { openProducer } from '../../src/kafka/producer.ts';
import { cutBackfill, missingOfAny } from '../../src/lance/plan/backfill-plan.ts';
import { DEFAULT_POLICY } from '../../src/lance/plan/row-ids.ts';
import { planTable } from '../../src/lance/plan/table-plan.ts';
import { LanceTable } from '../../src/lance/table/table.ts';
import { Cleanup } from '../../src/lib/cleanup.ts';
import { backfillEvents } from '../../src/stages/share-backfill.ts';
import { localStore } from '../../src/store/local-store.ts';
import { freePorts } from '../../testing/free-ports.ts';
import { folderOf, makeUnindexed } from '../../testing/unindexed-table.ts';
import type { Sample } from '../harness/rounds.ts';
import type { DaemonPlace, RunningDaemon } from './daemon-place.ts';
import { DATABASE, daemonPlace, metricsOf, runDaemon } from './daemon-place.ts';
import { copyTable } from './lookups.ts';

const PARTITIONS = 12;
/** Enough for each partition to have some, and so for each worker. */
const WARM = { rows: 48_000, fragments: 48 };
const POLL_MS = 20;
const GIVE_UP_MS = 1_800_000;
/** So that a worker is a core's worth. */
const ONE_CORE = { LANCE_CPU_THREADS: '1', TOKIO_WORKER_THREADS: '1' };
const SETTINGS = { concurrency: { tables: 1 }, merge: { concurrency: 0 }, sweep: { interval_s: 0 } };

export type BackfillSize = {
  readonly rows: number;
  readonly fragments: number;
  readonly columns: readonly string[];
  readonly rowsPerSegment: number;
  /** Leaves LanceDB its own number of threads. */
  readonly unlimited: boolean;
};

/** The tables that each run has copies of. */
export async function makeBackfillTables(database: string, size: BackfillSize): Promise<void> {
  await makeUnindexed(database, 'big', size);
  await makeUnindexed(database, 'warm', { ...size, ...WARM });
}

/** One backfill by so many workers, of copies of the tables in `original`. */
export async function backfillBy(
  workers: number,
  { home, brokers, original, size }: { home: string; brokers: readonly string[]; original: string; size: BackfillSize },
): Promise<Sample> {
  const cleanup = new Cleanup();
  try {
    const place = await daemonPlace(home, brokers, SETTINGS, PARTITIONS);
    for (const name of ['warm', 'big']) await copyTable(folderOf(original, name), folderOf(place.database, name));
    const group: RunningDaemon[] = [];
    for (let at = 0; at < workers; at++) {
      const worker = await startWorker(place, size);
      cleanup.defer(() => worker.stop());
      group.push(worker);
    }
    await until('all have partitions', () => group.every((it) => it.partitions() === PARTITIONS / workers));
    await backfill(place, 'warm', WARM.rows / WARM.fragments);
    const warm = await Promise.all(group.map(count));
    const { seconds, commits } = await backfill(place, 'big', size.rowsPerSegment);
    const done = await Promise.all(group.map(count));
    const total = (key: keyof Counted) => done.reduce((sum, it, at) => sum + it[key] - (warm[at]?.[key] ?? 0), 0);
    return {
      seconds,
      rate: size.rows / seconds,
      cores: total('cpu') / seconds,
      ...{ commits, conflicts: total('conflicts') },
      commit: (1000 * total('commitSeconds')) / total('commits'),
      row: (1e6 * total('buildSeconds')) / total('builtRows'),
    };
  } finally {
    await cleanup.run();
  }
}

async function startWorker(place: DaemonPlace, { unlimited }: BackfillSize): Promise<RunningDaemon> {
  const [port] = await freePorts();
  const own = {
    SEGMENTD_HTTP_PORT: String(port),
    SEGMENTD_STATE_SCRATCH_DIR: join(`${place.database}-scratch`, String(port)),
  };
  return runDaemon({ ...place, port }, { ...own, ...(!unlimited && ONE_CORE) });
}

async function until(what: string, check: () => Promise<boolean> | boolean): Promise<void> {
  const deadline = Date.now() + GIVE_UP_MS;
  while (!(await check())) {
    if (Date.now() > deadline) throw new Error(`not in ${GIVE_UP_MS} ms: ${what}`);
    await sleep(POLL_MS);
  }
}

/** Backfills a table; seconds from the publication of the events until nothing is missing. */
async function backfill({ database, settings }: DaemonPlace, name: string, rowsPerPart: number) {
  const table = new LanceTable(localStore(folderOf(database, name)));
  const limits = { maxRows: 1, maxFragments: 1 };
  const missing = (manifest: Awaited<ReturnType<LanceTable['latest']>>) =>
    missingOfAny(planTable(manifest, DEFAULT_POLICY, limits).states);
  const before = await table.latest();
  const parts = cutBackfill(before, missing(before), { rowsPerPart, maxFragments: 10_000 });
  const ref = resolveTable(new Map([[DATABASE, database]]), `${DATABASE}/${name}`);
  const producer = openProducer(settings);
  try {
    // Connected before the clock starts, with a record that a daemon ignores.
    await producer.send(settings.deadLetterTopic, [{ key: null, value: Buffer.from('{}') }]);
    const started = performance.now();
    await publishSpread(producer, settings.topic, PARTITIONS, backfillEvents(ref, before.version, parts));
    let seen = before;
    await until(`${name} is covered`, async () => {
      const latest = await table.latest();
      // Nearly always the same: then a look costs next to nothing, and takes nothing from the workers.
      if (latest === seen) return false;
      seen = latest;
      return missing(latest).length === 0;
    });
    const seconds = (performance.now() - started) / 1000;
    return { seconds, commits: (await table.latest()).version - before.version };
  } finally {
    await producer.close();
  }
}

const COUNTED = {
  cpu: 'process_cpu_seconds_total',
  buildSeconds: 'segmentd_segment_build_seconds_sum',
  builtRows: 'segmentd_segment_build_rows_total',
  commits: 'segmentd_commit_seconds_count',
  commitSeconds: 'segmentd_commit_seconds_sum',
  conflicts: 'segmentd_commit_retries_total',
} as const;
type Counted = Record<keyof typeof COUNTED, number>;

const count = (worker: RunningDaemon): Promise<Counted> => metricsOf(worker, COUNTED);
