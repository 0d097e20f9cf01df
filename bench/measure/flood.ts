/**
 * What a flood of announcements costs: how many segments and commits it coalesces into, how fast it is read beside a consumer of
 * the same client library that does nothing, and how much memory the daemon takes. Once as a writer announces that says where and
 * when, and no more, so that events of one moment are the same; once with an id in each event. Progress goes to standard error.
 *
 *   npm run bench:flood -- [--events 100000] [--rounds 3] [--many 1000000] [--tables 1000] [--json]
 *
 * The last two set the size of the long floods, for one table and for that many; `--many 0` leaves them out.
 */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { connect, Index } from '@lancedb/lancedb';
import { stringify } from 'yaml';
import { formatBytes, formatTable, printJson, printLine } from '../../src/commands/terminal/output.ts';
import { loadConfig } from '../../src/config/load.ts';
import { kafkaSettings } from '../../src/daemon/kafka-settings.ts';
import type { KafkaSettings } from '../../src/kafka/client.ts';
import { openProducer } from '../../src/kafka/producer.ts';
import { ensureTopics } from '../../src/kafka/topics.ts';
import { inspectTable } from '../../src/lance/inspect/inspect.ts';
import { LanceTable } from '../../src/lance/table/table.ts';
import { Cleanup } from '../../src/lib/cleanup.ts';
import { localStore } from '../../src/store/local-store.ts';
import { freePorts, startBroker } from '../../testing/broker/broker.ts';
import type { DaemonProcess, LogLine } from '../../testing/daemon-process.ts';
import { startDaemonProcess } from '../../testing/daemon-process.ts';
import { people } from '../../testing/people.ts';
import { quantile, screen } from '../../testing/screen.ts';

const PARTITIONS = 4;
const SEND = 1_000;
const TABLE_ROWS = 100;
const APPEND_ROWS = 10;
/** Appends of the announced table during a flood, evenly spread. */
const APPENDS = 50;
/** Rare enough not to slow the daemon down, which answers each time. */
const POLL_MS = 50;
const MEMORY_POLL_MS = 1_000;
const GIVE_UP_MS = 900_000;
const MEMORY_LINES = 12;

const { values: options } = parseArgs({
  options: {
    events: { type: 'string', default: '100000' },
    rounds: { type: 'string', default: '3' },
    many: { type: 'string', default: '1000000' },
    tables: { type: 'string', default: '1000' },
    json: { type: 'boolean', default: false },
  },
});

/** The setup of one burst: a topic of its own. */
type Place = { readonly home: string; readonly database: string; readonly configFile: string; readonly port: number };
type Flood = Place & { readonly settings: KafkaSettings; readonly names: readonly string[]; readonly ids: boolean };

async function makePlace(
  home: string,
  brokers: readonly string[],
  names: readonly string[],
  ids = false,
): Promise<Flood> {
  const id = randomUUID().slice(0, 8);
  const database = join(home, `db-${id}`);
  await mkdir(database);
  const connection = await connect(database);
  const [first = '', ...others] = names;
  const table = await connection.createTable(first, people(0, TABLE_ROWS));
  await table.createIndex('id', { config: Index.btree() });
  table.close();
  connection.close();
  // A table holds no path of its own: the rest are copies.
  for (const name of others) await cp(folderOf(database, first), folderOf(database, name), { recursive: true });
  const [port] = await freePorts();
  const configFile = join(home, `${id}.yaml`);
  const config = {
    databases: { db: database },
    kafka: { brokers, topic: `flood-${id}`, dead_letter_topic: `dead-${id}`, group_id: `group-${id}` },
    state: { scratch_dir: join(home, `scratch-${id}`) },
    http: { port },
  };
  await writeFile(configFile, stringify(config));
  const settings = kafkaSettings(loadConfig({ file: configFile, env: {}, cwd: home }));
  await ensureTopics(settings, { partitions: PARTITIONS, replicationFactor: 1 });
  return { home, database, configFile, port, settings, names, ids };
}

const folderOf = (database: string, name: string) => join(database, `${name}.lance`);

/** Announces the tables in turn, and appends to the first one now and then; seconds that it took. */
async function announceAll({ database, settings, names, ids }: Flood, events: number): Promise<number> {
  const producer = openProducer(settings);
  const connection = await connect(database);
  const table = await connection.openTable(names[0] as string);
  let version = await table.version();
  const started = performance.now();
  const appendEvery = Math.max(SEND, Math.ceil(events / APPENDS / SEND) * SEND);
  for (let sent = 0; sent < events; sent += SEND) {
    if (sent % appendEvery === 0) {
      await table.add(people(TABLE_ROWS + sent, APPEND_ROWS));
      version = await table.version();
    }
    const records = Array.from({ length: Math.min(SEND, events - sent) }, (_, at) => {
      const name = names[(sent + at) % names.length] as string;
      const time = new Date().toISOString();
      const more = { ...(name === names[0] && { version }), ...(ids && { id: randomUUID() }) };
      const event = { table: `db/${name}`, ...more, time };
      return { key: Buffer.from(event.table), value: Buffer.from(JSON.stringify(event)) };
    });
    await producer.send(settings.topic, records);
  }
  const seconds = (performance.now() - started) / 1000;
  table.close();
  connection.close();
  await producer.close();
  return seconds;
}

const pageOf = async (port: number) =>
  fetch(`http://127.0.0.1:${port}/metrics`).then(
    (answer) => answer.text(),
    () => '',
  );

function metric(page: string, name: string): number {
  const lines = page.split('\n').filter((line) => line.startsWith(`segmentd_${name}`));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}

/** When the daemon had settled `events` records, milliseconds since the epoch. */
async function settledAt(port: number, events: number, pollMs: number): Promise<number> {
  const deadline = Date.now() + GIVE_UP_MS;
  while (metric(await pageOf(port), 'events_total{') < events) {
    if (Date.now() > deadline) throw new Error(`${events} events were not settled in ${GIVE_UP_MS} ms`);
    await sleep(pollMs);
  }
  return Date.now();
}

/** Resident memory of a process in bytes. */
async function memoryOf(pid: number): Promise<number> {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=', '-p', String(pid)]);
  return Number(stdout) * 1024;
}

type Memory = { readonly before: number; readonly peak: number; readonly samples: readonly number[] };

/** Watches memory until `work` is done. */
async function withMemory<T>(pid: number, work: () => Promise<T>): Promise<{ value: T; memory: Memory }> {
  const samples = [await memoryOf(pid)];
  const done = new AbortController();
  const watch = async () => {
    while (!done.signal.aborted) {
      await sleep(MEMORY_POLL_MS, undefined, { signal: done.signal }).catch(() => undefined);
      samples.push(await memoryOf(pid));
    }
  };
  const watching = watch();
  const value = await work().finally(() => done.abort());
  await watching;
  return { value, memory: { before: samples[0] as number, peak: Math.max(...samples), samples } };
}

async function withDaemon<T>(
  { configFile, port }: Place,
  use: (daemon: DaemonProcess, log: readonly LogLine[]) => Promise<T>,
): Promise<T> {
  const log: LogLine[] = [];
  const daemon = await startDaemonProcess(configFile, port, (line) => log.push(line));
  try {
    return await use(daemon, log);
  } finally {
    await daemon.stop();
  }
}

/** Announces while the daemon runs. */
async function live(flood: Flood, events: number) {
  return withDaemon(flood, async ({ pid }) => {
    const started = Date.now();
    const { value, memory } = await withMemory(pid, async () => {
      const producing = announceAll(flood, events);
      const endedMs = await settledAt(flood.port, events, MEMORY_POLL_MS / 4);
      return { producedSeconds: await producing, seconds: (endedMs - started) / 1000 };
    });
    const page = await pageOf(flood.port);
    const name = flood.names[0] as string;
    const { indexes } = await inspectTable(new LanceTable(localStore(folderOf(flood.database, name))));
    const [index] = indexes;
    const commits = metric(page, 'commits_total{outcome="landed"}');
    const counted = { segments: (index?.segments.length ?? 0) - 1, coverage: index?.coverage ?? 0, commits };
    return { events, tables: flood.names.length, ...value, ...counted, memory };
  });
}

/** Records per second of a consumer that does nothing, or nothing but parse. */
async function rawRate({ configFile }: Place, events: number, ...parse: string[]): Promise<number> {
  const program = fileURLToPath(new URL('../support/raw-consumer.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [program, configFile, String(events), ...parse]);
  return (JSON.parse(stdout) as { rate: number }).rate;
}

/** Records per second of the daemon as a new group on the same topic, from joining until it has settled them all. */
async function daemonRate(flood: Flood, events: number): Promise<number> {
  const configFile = join(flood.home, `${randomUUID()}.yaml`);
  const config = loadConfig({
    file: flood.configFile,
    env: { SEGMENTD_KAFKA_GROUP_ID: `again-${randomUUID()}` },
    cwd: flood.home,
  });
  await writeFile(configFile, stringify(config));
  return withDaemon({ ...flood, configFile }, async (_, log) => {
    const endedMs = await settledAt(flood.port, events, POLL_MS);
    const running = log.find(({ event, state }) => event === 'stateChanged' && state === 'running');
    return (events / (endedMs - Date.parse(running?.time ?? ''))) * 1000;
  });
}

/** The readers in turn, so that a busy machine is busy for all of them. */
async function readAgain(flood: Flood, events: number) {
  const raw = await rawRate(flood, events);
  const parsing = await rawRate(flood, events, 'parse');
  return { raw, parsing, daemon: await daemonRate(flood, events) };
}
type Rates = Awaited<ReturnType<typeof readAgain>>;

const whole = (value: number) => Math.round(value);
const told = ({ raw, parsing, daemon }: Rates) =>
  `plain ${whole(raw)}/s, plain with JSON.parse ${whole(parsing)}/s, daemon ${whole(daemon)}/s: ` +
  `${(daemon / raw).toFixed(2)} and ${(daemon / parsing).toFixed(2)} of them`;
const memoryCells = ({ before, peak }: Memory) => [formatBytes(before), formatBytes(peak)];

/** A dozen points over the whole time. */
function overTime({ samples }: Memory): string {
  const step = Math.max(1, Math.ceil(samples.length / MEMORY_LINES));
  const points = samples.flatMap((bytes, second) => (second % step === 0 ? `${second} s ${formatBytes(bytes)}` : []));
  return points.join(', ');
}

async function bench(cleanup: Cleanup): Promise<void> {
  const events = Number(options.events);
  const home = await mkdtemp(join(tmpdir(), 'segmentd-flood-'));
  cleanup.defer(() => rm(home, { recursive: true, force: true }));
  screen.step('starting a broker');
  const broker = await startBroker();
  cleanup.defer(() => broker.stop());
  const one = await makePlace(home, broker.bootstrap, ['t0']);
  const withIds = await makePlace(home, broker.bootstrap, ['t0'], true);

  screen.step(`${events} announcements of one table while the daemon runs`);
  const floods = [await live(one, events)];
  screen.step(`${events} more with an id in each`);
  floods.push(await live(withIds, events));
  const rates: Rates[] = [];
  const ratesWithIds: Rates[] = [];
  for (let round = 0; round < Number(options.rounds); round++) {
    screen.step(`the same topics from their start, round ${round + 1}: plain consumers, then the daemon`);
    for (const [flood, seen] of [
      [one, rates],
      [withIds, ratesWithIds],
    ] as const) {
      seen.push(await readAgain(flood, events));
      screen.note(told(seen.at(-1) as Rates));
    }
  }
  if (Number(options.many) > 0) {
    for (const tables of [1, Number(options.tables)]) {
      screen.step(`${options.many} announcements of ${tables} tables while the daemon runs`);
      const names = Array.from({ length: tables }, (_, at) => `t${at}`);
      const place = await makePlace(home, broker.bootstrap, names);
      const flood = await live(place, Number(options.many));
      screen.note(overTime(flood.memory));
      screen.note(told(await readAgain(place, Number(options.many))));
      floods.push(flood);
    }
  }
  const median = medianOf(rates);
  const medianWithIds = medianOf(ratesWithIds);
  if (options.json) printJson(process.stdout, { floods, rates, median, ratesWithIds, medianWithIds });
  else print(floods, median, medianWithIds);
}

function medianOf(rates: readonly Rates[]): Rates {
  const middle = (name: keyof Rates) =>
    quantile(
      rates.map((rate) => rate[name]),
      0.5,
    );
  return { raw: middle('raw'), parsing: middle('parsing'), daemon: middle('daemon') };
}

function print(floods: readonly Awaited<ReturnType<typeof live>>[], median: Rates, withIds: Rates): void {
  const header = ['events', 'tables', 'seconds', 'events/s', 'commits', 'segments', 'coverage', 'memory', 'peak'];
  const rows = floods.map((it) => [
    ...[it.events, it.tables, whole(it.seconds), whole(it.events / it.seconds), it.commits, it.segments, it.coverage],
    ...memoryCells(it.memory),
  ]);
  printLine(process.stdout, formatTable(header, rows));
  printLine(process.stdout, `\nread from the start: ${told(median)}`);
  printLine(process.stdout, `with an id in each:  ${told(withIds)}`);
}

const cleanup = new Cleanup();
try {
  await bench(cleanup);
} finally {
  await cleanup.run();
}
