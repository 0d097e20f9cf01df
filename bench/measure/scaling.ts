/**
 * How much sooner a backfill is done with two worker processes than with one: real `segmentd run` processes in one consumer group
 * on a real broker. Timed from the publication of the events, while the workers run, have joined and are warm, until every
 * fragment is covered; one and two workers in turn, each on a fresh copy of the same table. Progress goes to standard error.
 *
 *   npm run bench:scaling -- [--rows 20000000] [--fragments 200] [--rows-per-segment 1000000] [--workers 1,2] [--rounds 3]
 *                         [--columns id,name] [--unlimited] [--json]
 *
 * Each worker builds one segment at a time, with one thread of LanceDB's for computing, so that a worker is a core's worth.
 * `--unlimited` leaves LanceDB its own number of threads.
 */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { stringify } from 'yaml';
import { formatTable, printJson, printLine } from '../../src/commands/terminal/output.ts';
import { loadConfig } from '../../src/config/load.ts';
import { kafkaSettings } from '../../src/daemon/kafka-settings.ts';
import { publishSpread } from '../../src/events/publish-events.ts';
import { resolveTable } from '../../src/events/table-address.ts';
import type { KafkaSettings } from '../../src/kafka/client.ts';
import { openProducer } from '../../src/kafka/producer.ts';
import { ensureTopics } from '../../src/kafka/topics.ts';
import { cutBackfill, missingOfAny } from '../../src/lance/plan/backfill-plan.ts';
import { DEFAULT_POLICY } from '../../src/lance/plan/row-ids.ts';
import { planTable } from '../../src/lance/plan/table-plan.ts';
import { LanceTable } from '../../src/lance/table/table.ts';
import { Cleanup } from '../../src/lib/cleanup.ts';
import { backfillEvents } from '../../src/stages/share-backfill.ts';
import { localStore } from '../../src/store/local-store.ts';
import { freePorts, startBroker } from '../../testing/broker/broker.ts';
import type { DaemonProcess, LogLine } from '../../testing/daemon-process.ts';
import { startDaemonProcess } from '../../testing/daemon-process.ts';
import { quantile, screen } from '../../testing/screen.ts';
import { folderOf, makeUnindexed } from '../../testing/unindexed-table.ts';
import { copyTable } from '../support/lookups.ts';

const PARTITIONS = 12;
/** Enough for each partition to have some, and so for each worker. */
const WARM_FRAGMENTS = 48;
const WARM_ROWS = 48_000;
const POLL_MS = 20;
const GIVE_UP_MS = 1_800_000;
const ONE_CORE = { LANCE_CPU_THREADS: '1', TOKIO_WORKER_THREADS: '1' };

const { values: options } = parseArgs({
  options: {
    rows: { type: 'string', default: '20000000' },
    fragments: { type: 'string', default: '200' },
    'rows-per-segment': { type: 'string', default: '1000000' },
    workers: { type: 'string', default: '1,2' },
    rounds: { type: 'string', default: '3' },
    columns: { type: 'string', default: 'id,name' },
    unlimited: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const size = {
  rows: Number(options.rows),
  fragments: Number(options.fragments),
  columns: options.columns.split(','),
};
const rowsPerSegment = Number(options['rows-per-segment']);
const counts = options.workers.split(',').map(Number);

/** Where one run takes place: a database, a topic and a group of its own. */
type Place = {
  readonly home: string;
  readonly database: string;
  readonly id: string;
  readonly settings: KafkaSettings;
};
type Worker = DaemonProcess & { readonly log: readonly LogLine[] };

const configOf = (home: string, database: string, id: string, brokers: readonly string[]) => ({
  databases: { db: database },
  kafka: { brokers, topic: `scaling-${id}`, dead_letter_topic: `dead-${id}`, group_id: `group-${id}` },
  state: { scratch_dir: join(home, `scratch-${id}-${randomUUID()}`) },
  concurrency: { tables: 1 },
  merge: { concurrency: 0 },
  sweep: { interval_s: 0 },
});

async function startWorker({ home, database, id, settings }: Place): Promise<Worker> {
  const [port] = await freePorts();
  const configFile = join(home, `${randomUUID()}.yaml`);
  await writeFile(configFile, stringify({ ...configOf(home, database, id, settings.brokers), http: { port } }));
  const log: LogLine[] = [];
  const daemon = await startDaemonProcess(
    configFile,
    port,
    (line) => log.push(line),
    options.unlimited ? {} : ONE_CORE,
  );
  return { ...daemon, log };
}

/** Partitions of a worker by its last assignment. */
const partitionsOf = ({ log }: Worker, topic: string): number => {
  const last = log.findLast(({ event }) => event === 'rebalanced');
  return ((last?.assigned ?? {}) as Record<string, readonly number[]>)[topic]?.length ?? 0;
};

async function until(what: string, check: () => Promise<boolean> | boolean): Promise<void> {
  const deadline = Date.now() + GIVE_UP_MS;
  while (!(await check())) {
    if (Date.now() > deadline) throw new Error(`not in ${GIVE_UP_MS} ms: ${what}`);
    await sleep(POLL_MS);
  }
}

/** Backfills a table; seconds from the publication of the events until nothing is missing. */
async function backfill({ database, settings }: Place, name: string, rowsPerPart: number) {
  const table = new LanceTable(localStore(folderOf(database, name)));
  const limits = { maxRows: 1, maxFragments: 1 };
  const missing = (manifest: Awaited<ReturnType<LanceTable['latest']>>) =>
    missingOfAny(planTable(manifest, DEFAULT_POLICY, limits).states);
  const before = await table.latest();
  const parts = cutBackfill(before, missing(before), { rowsPerPart, maxFragments: 10_000 });
  const events = backfillEvents(resolveTable(new Map([['db', database]]), `db/${name}`), before.version, parts);
  const producer = openProducer(settings);
  try {
    // Connected before the clock starts, with a record that a daemon ignores.
    await producer.send(settings.deadLetterTopic, [{ key: null, value: Buffer.from('{}') }]);
    const busyBefore = busySeconds();
    const started = performance.now();
    await publishSpread(producer, settings.topic, PARTITIONS, events);
    let seen = before;
    await until(`${name} is covered`, async () => {
      const latest = await table.latest();
      // Nearly always the same: then a look costs next to nothing, and takes nothing from the workers.
      if (latest === seen) return false;
      seen = latest;
      return missing(latest).length === 0;
    });
    const seconds = (performance.now() - started) / 1000;
    const busy = busySeconds() - busyBefore;
    return { seconds, busy, parts: parts.length, commits: (await table.latest()).version - before.version };
  } finally {
    await producer.close();
  }
}

/** Busy time of all cores together since the machine booted, for any process. */
const busySeconds = () =>
  cpus().reduce((sum, { times: { user, nice, sys, irq } }) => sum + (user + nice + sys + irq) / 1000, 0);

const COUNTED = {
  cpu: 'process_cpu_seconds_total',
  builds: 'segmentd_segment_build_seconds_count',
  buildSeconds: 'segmentd_segment_build_seconds_sum',
  builtRows: 'segmentd_segment_build_rows_total',
  commits: 'segmentd_commit_seconds_count',
  commitSeconds: 'segmentd_commit_seconds_sum',
  conflicts: 'segmentd_commit_retries_total',
} as const;
type Counted = Record<keyof typeof COUNTED, number>;

async function count({ url }: Worker): Promise<Counted> {
  const lines = (await (await fetch(`${url}/metrics`)).text()).split('\n');
  const total = (name: string) =>
    lines
      .filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
  return Object.fromEntries(Object.entries(COUNTED).map(([key, name]) => [key, total(name)])) as Counted;
}

const minus = (a: Counted, b: Counted) =>
  Object.fromEntries(Object.entries(a).map(([key, value]) => [key, value - b[key as keyof Counted]])) as Counted;
const sumOf = (each: readonly Counted[], key: keyof Counted) => each.reduce((sum, it) => sum + it[key], 0);

/** One backfill by so many workers. */
async function run(home: string, brokers: readonly string[], workers: number) {
  const cleanup = new Cleanup();
  try {
    return await runIn(home, brokers, workers, cleanup);
  } finally {
    await cleanup.run();
  }
}

async function runIn(home: string, brokers: readonly string[], workers: number, cleanup: Cleanup) {
  const id = randomUUID().slice(0, 8);
  const database = join(home, `db-${id}`);
  for (const name of ['warm', 'big']) {
    await copyTable(folderOf(join(home, 'original'), name), folderOf(database, name));
  }
  cleanup.defer(() => rm(database, { recursive: true }));
  const config = loadConfig({ env: environmentOf(configOf(home, database, id, brokers)), cwd: home });
  const place = { home, database, id, settings: kafkaSettings(config) };
  await ensureTopics(place.settings, { partitions: PARTITIONS, replicationFactor: 1 });
  const group: Worker[] = [];
  for (let at = 0; at < workers; at++) {
    const worker = await startWorker(place);
    cleanup.defer(() => worker.stop());
    group.push(worker);
  }
  await until('all have partitions', () =>
    group.every((worker) => partitionsOf(worker, place.settings.topic) === PARTITIONS / workers),
  );
  const cold = await Promise.all(group.map(count));
  await backfill(place, 'warm', WARM_ROWS / WARM_FRAGMENTS);
  const warm = await Promise.all(group.map(count));
  const { seconds, busy, parts, commits } = await backfill(place, 'big', rowsPerSegment);
  const done = await Promise.all(group.map(count));
  const own = done.map((it, at) => minus(it, warm[at] as Counted));
  const small = warm.map((it, at) => minus(it, cold[at] as Counted));
  return {
    workers,
    seconds,
    rows_per_second: size.rows / seconds,
    parts,
    commits,
    conflicts: sumOf(own, 'conflicts'),
    /** Of each worker: what it used of one core. */
    cores: own.map(({ cpu }) => cpu / seconds),
    /** Of the broker, the kernel and this process, but also of other programs: an idle machine has 0.1 to 0.2. */
    other_cores: (busy - sumOf(own, 'cpu')) / seconds,
    rows_of: own.map(({ builtRows }) => builtRows / size.columns.length),
    build_seconds: own.map(({ buildSeconds }) => buildSeconds),
    commit_ms: (1000 * sumOf(own, 'commitSeconds')) / sumOf(own, 'commits'),
    costs: costsOf(small, own),
  };
}

/** What a build takes whatever its rows, and what each row adds, by the small builds and the large ones of all indexes. */
function costsOf(small: readonly Counted[], large: readonly Counted[]) {
  const mean = (of: readonly Counted[], key: 'buildSeconds' | 'builtRows') => sumOf(of, key) / sumOf(of, 'builds');
  const seconds = [mean(small, 'buildSeconds'), mean(large, 'buildSeconds')] as const;
  const rows = [mean(small, 'builtRows'), mean(large, 'builtRows')] as const;
  const perRow = (seconds[1] - seconds[0]) / (rows[1] - rows[0]);
  return { fixed_ms: 1000 * (seconds[0] - perRow * rows[0]), us_per_row: 1e6 * perRow };
}

const environmentOf = ({ databases, kafka }: ReturnType<typeof configOf>) => ({
  SEGMENTD_DATABASES: JSON.stringify(databases),
  SEGMENTD_KAFKA_BROKERS: kafka.brokers.join(),
  SEGMENTD_KAFKA_TOPIC: kafka.topic,
  SEGMENTD_KAFKA_DEAD_LETTER_TOPIC: kafka.dead_letter_topic,
  SEGMENTD_KAFKA_GROUP_ID: kafka.group_id,
});

type Run = Awaited<ReturnType<typeof run>>;

function report(runs: readonly Run[], speedups: readonly number[]): void {
  const list = (values: readonly number[], digits: number) => values.map((it) => it.toFixed(digits)).join(' + ');
  printLine(
    process.stdout,
    `${size.rows.toLocaleString('en-US')} rows in ${size.fragments} fragments, indexes on ${size.columns.join(' and ')}, ` +
      `${rowsPerSegment.toLocaleString('en-US')} rows per segment, ${PARTITIONS} partitions, ${availableParallelism()} cores.`,
  );
  printLine(
    process.stdout,
    options.unlimited
      ? 'Workers: concurrency.tables 1; LanceDB may use as many threads as it likes.\n'
      : `Workers: concurrency.tables 1; ${Object.entries(ONE_CORE)
          .map((it) => it.join('='))
          .join(' ')}.\n`,
  );
  const header = [
    'workers',
    'seconds',
    'rows/s',
    'cores used',
    'rows built, millions',
    'commits',
    'conflicts',
    'commit ms',
  ];
  const lines = runs.map((it) => [
    it.workers,
    it.seconds.toFixed(2),
    Math.round(it.rows_per_second).toLocaleString('en-US'),
    list(it.cores, 2),
    it.other_cores.toFixed(2),
    list(
      it.rows_of.map((rows) => rows / 1e6),
      1,
    ),
    it.commits,
    it.conflicts,
    it.commit_ms.toFixed(1),
  ]);
  printLine(process.stdout, formatTable(header, lines));
  const most = Math.max(...counts);
  for (const [round, speedup] of speedups.entries()) {
    printLine(
      process.stdout,
      `round ${round + 1}: ${most} workers are ${speedup.toFixed(2)} times as fast as ${counts[0]}`,
    );
  }
  const costs = runs.map((it) => it.costs);
  const median = (key: 'fixed_ms' | 'us_per_row') =>
    quantile(
      costs.map((it) => it[key]),
      0.5,
    );
  printLine(
    process.stdout,
    `one build: ${median('fixed_ms').toFixed(1)} ms and ${median('us_per_row').toFixed(3)} µs per row and index`,
  );
}

const home = await mkdtemp(join(tmpdir(), 'segmentd-scaling-'));
const cleanup = new Cleanup();
cleanup.defer(() => rm(home, { recursive: true, force: true }));
try {
  const broker = await startBroker();
  cleanup.defer(() => broker.stop());
  screen.step(`a table of ${size.rows.toLocaleString('en-US')} rows in ${size.fragments} fragments`);
  const original = join(home, 'original');
  await makeUnindexed(original, 'big', size);
  await makeUnindexed(original, 'warm', { ...size, rows: WARM_ROWS, fragments: WARM_FRAGMENTS });
  const runs: Run[] = [];
  const speedups: number[] = [];
  for (let round = 0; round < Number(options.rounds); round++) {
    screen.step(`round ${round + 1}`);
    const ofRound: Run[] = [];
    for (const workers of counts) {
      const done = await run(home, broker.bootstrap, workers);
      screen.note(`${workers} workers: ${done.seconds.toFixed(2)} s`);
      ofRound.push(done);
    }
    runs.push(...ofRound);
    speedups.push((ofRound[0]?.seconds ?? 0) / (ofRound.at(-1)?.seconds ?? 1));
  }
  if (options.json)
    printJson(process.stdout, {
      ...size,
      rows_per_segment: rowsPerSegment,
      unlimited: options.unlimited,
      runs,
      speedups,
    });
  else report(runs, speedups);
} finally {
  await cleanup.run();
}
