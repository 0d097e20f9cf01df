/** How fast a topic full of announcements is read: by the daemon, and by consumers of the same client library. */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { openProducer } from '../../src/kafka/producer.ts';
import { stopwatch } from '../../src/lib/stopwatch.ts';
import { folderOf } from '../../testing/unindexed-table.ts';
import type { Way } from '../harness/rounds.ts';
import type { Bench } from '../harness/scenario.ts';
import type { DaemonPlace } from './daemon-place.ts';
import { DATABASE, daemonPlace, metricsOf, NODES_OWN, runDaemon } from './daemon-place.ts';
import { SEGMENTD } from './freshness-ways.ts';
import { makeIndexed, scatteredRows } from './growing-table.ts';
import { copyTable } from './lookups.ts';

export const PLAIN_CONSUMER = 'kafkajs consumer';

/** What an announcement has of its own, apart from the time. Those of one moment that have nothing are the same. */
export const OWN = ['nothing', 'an id', 'an id and a version'] as const;
type Own = (typeof OWN)[number];
/** Versions that a table has that was made and indexed. */
const VERSIONS = 2;
const SEND = 1_000;
const TABLE_ROWS = 100;
/** Between two looks at what a daemon has settled; longer where an answer takes it a tenth of that. */
const POLL_MS = 100;
const REST = 10;
const GIVE_UP_MS = 600_000;

/** Floods of so many tables, without ids, which daemons read from the start: their memory, and how fast they are. */
export async function floodWays(
  bench: Bench,
  brokers: readonly string[],
  { events, tables }: { readonly events: number; readonly tables: number },
): Promise<Way[]> {
  const place = await daemonPlace(bench.home, brokers, { sweep: { interval_s: 0 } });
  const names = Array.from({ length: tables }, (_, at) => `t${at}`);
  await makeTables(place, names);
  await announce(place, names, { events, own: 'nothing' });
  const way = (name: string, flags?: readonly string[]): Way => ({
    name,
    round: () => readByDaemon(place, events, flags),
  });
  return [way(SEGMENTD), way(`segmentd, ${NODES_OWN}`, [])];
}

/** A topic with so many announcements of one table. */
export async function announcementWays(
  bench: Bench,
  brokers: readonly string[],
  { events, own }: { readonly events: number; readonly own: Own },
): Promise<Way[]> {
  const place = await daemonPlace(bench.home, brokers);
  await makeTables(place, ['t']);
  await announce(place, ['t'], { events, own });
  const rate = async (ofRecords: Promise<number>) => ({ rate: await ofRecords });
  return [
    { name: PLAIN_CONSUMER, round: () => rate(plainRate(place, events)) },
    { name: 'kafkajs consumer, JSON.parse', round: () => rate(plainRate(place, events, 'parse')) },
    { name: SEGMENTD, round: async () => ({ rate: (await readByDaemon(place, events)).rate }) },
  ];
}

/** A table holds no path of its own: the rest are copies. */
async function makeTables({ database }: DaemonPlace, [first = '', ...others]: readonly string[]): Promise<void> {
  await makeIndexed(database, first, { rows: TABLE_ROWS, rowsOf: scatteredRows, indexed: ['id'] });
  for (const name of others) await copyTable(folderOf(database, first), folderOf(database, name), 1);
}

/** Of the tables in turn. */
async function announce(
  { settings }: DaemonPlace,
  names: readonly string[],
  { events, own }: { events: number; own: Own },
): Promise<void> {
  const producer = openProducer(settings);
  for (let sent = 0; sent < events; sent += SEND) {
    const records = Array.from({ length: Math.min(SEND, events - sent) }, (_, at) => {
      const table = `${DATABASE}/${names[(sent + at) % names.length]}`;
      const event = { table, ...ownFields(own, at), time: new Date().toISOString() };
      return { key: Buffer.from(table), value: Buffer.from(JSON.stringify(event)) };
    });
    await producer.send(settings.topic, records);
  }
  await producer.close();
}

function ownFields(own: Own, at: number): Readonly<Record<string, unknown>> {
  if (own === 'nothing') return {};
  return { id: randomUUID(), ...(own === 'an id and a version' && { version: 1 + (at % VERSIONS) }) };
}

/** Records a second of a consumer that does nothing, or nothing but parse. */
async function plainRate({ configFile }: DaemonPlace, events: number, ...parse: string[]): Promise<number> {
  const program = fileURLToPath(new URL('raw-consumer.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [program, configFile, String(events), ...parse]);
  return (JSON.parse(stdout) as { rate: number }).rate;
}

/**
 * A daemon that is a new group, from joining it until it has settled them all: records a second by the last look before that, since the next one comes later
 * than they were; its resident memory at most; and for how many milliseconds at most its event loop was held up, once it ran.
 */
async function readByDaemon(
  place: DaemonPlace,
  events: number,
  flags?: readonly string[],
): Promise<{ rate: number; resident: number; lag: number }> {
  const daemon = await runDaemon(place, { SEGMENTD_KAFKA_GROUP_ID: `again-${randomUUID()}` }, flags);
  try {
    const deadline = Date.now() + GIVE_UP_MS;
    let [resident, rate, lag] = [0, 0, 0];
    // Each answer tells the longest since the one before.
    await metricsOf(daemon, METRICS);
    for (let [settled, answerMs] = [0, 0]; settled < events; ) {
      if (Date.now() > deadline) throw new Error(`${events} events were not settled in ${GIVE_UP_MS} ms`);
      await sleep(Math.max(POLL_MS, answerMs * REST));
      const lap = stopwatch();
      const seen = await metricsOf(daemon, METRICS);
      answerMs = lap();
      settled = seen.settled;
      if (settled < events || rate === 0) rate = (settled / (Date.now() - daemon.runningMs)) * 1000;
      resident = Math.max(resident, seen.resident);
      lag = Math.max(lag, seen.lag);
    }
    return { rate, resident: resident / 2 ** 20, lag: lag * 1000 };
  } finally {
    await daemon.stop();
  }
}

const METRICS = {
  settled: 'segmentd_events_total{',
  resident: 'process_resident_memory_bytes',
  lag: 'nodejs_eventloop_lag_max_seconds',
};
