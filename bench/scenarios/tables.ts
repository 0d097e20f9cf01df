/** Very many tables: an append to each at once, and none at all. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { connect } from '@lancedb/lancedb';
import { encodeAppendEvent } from '../../src/events/append-event.ts';
import { openProducer } from '../../src/kafka/producer.ts';
import { LanceTable } from '../../src/lance/table/table.ts';
import { localStore } from '../../src/store/local-store.ts';
import { folderOf } from '../../testing/unindexed-table.ts';
import type { Sample, Way } from '../harness/rounds.ts';
import type { Bench } from '../harness/scenario.ts';
import { scenario } from '../harness/scenario.ts';
import { ownProcess } from '../peers/own.ts';
import { costOf, cpuTimeOf } from '../support/cpu-time.ts';
import type { DaemonPlace } from '../support/daemon-place.ts';
import { brokerFor, DATABASE, daemonPlace, metricOf, NODES_OWN, runDaemon } from '../support/daemon-place.ts';
import { SEGMENTD } from '../support/freshness-ways.ts';
import { makeIndexed, scatteredRows } from '../support/growing-table.ts';
import { assertCovered } from '../support/index-once.ts';
import { copyTable } from '../support/lookups.ts';

const INDEXED = ['id', 'name'];
const PYLANCE_THREADS = 4;
/** As many as a daemon works on. */
const BUILDS_AT_ONCE = 4;
const ONE_TABLE = 'one table';
const POLL_MS = 250;
const GIVE_UP_MS = 600_000;
/** What a sweep took for itself is given back a second after its last table. */
const SETTLE_MS = 5_000;

export const tables = scenario({
  name: 'tables',
  what: 'tables a second when many have one append each, and what a daemon takes for very many that have none',
  sizes: { tables: [1_000], idle: [10_000], rows: 1_000, appended: 100, warmUp: 1, rounds: 5, idleRounds: 3 },
  quick: { tables: [200], idle: [1_000], rounds: 3, idleRounds: 1 },
  tables: {
    at_once: {
      title:
        'So many tables with two BTREE indexes and one append each, announced at once, over a real broker, until all are covered; what a table costs of the processors, and the main thread of it.',
      baseline: SEGMENTD,
      units: { rate: 'tables/s', cpu: 'ms', main: 'ms' },
    },
    idle: {
      title:
        'A daemon over so many tables to which nobody appends: resident memory after the first sweep, and how long that took.',
      baseline: ONE_TABLE,
      units: { rss: 'MiB', sweep: 's' },
    },
  },
  async run(bench, { tables: counts, idle, rows, appended, warmUp, rounds, idleRounds }) {
    const brokers = await brokerFor(bench);
    if (!brokers) return;
    const original = join(bench.home, 'original');
    await makeIndexed(original, 't', { rows, rowsOf: scatteredRows, indexed: INDEXED });
    for (const count of counts) {
      bench.step(`tables: ${count.toLocaleString('en-US')} at once`);
      await bench.part((part) => compareAtOnce(part, brokers, { count, appended, warmUp, rounds }));
    }
    for (const count of idle) {
      bench.step(`tables: ${count.toLocaleString('en-US')} idle`);
      await compareIdle(bench, brokers, count, idleRounds);
    }
  },
});

type AtOnce = { readonly count: number; readonly appended: number; readonly warmUp: number; readonly rounds: number };

async function compareAtOnce(bench: Bench, brokers: readonly string[], sizes: AtOnce): Promise<void> {
  const { count, appended, ...contest } = sizes;
  const ways = [await segmentd(bench, brokers, sizes)];
  ways.push(await buildsAlone(bench, count, appended));
  const pylance = await bench.peers.get('pylance');
  if (pylance) {
    const original = folderOf(join(bench.home, 'original'), 't');
    const { database, names, appendEach } = await manyTables(join(bench.home, `pylance-${count}`), original, count);
    const uris = names.map((name) => folderOf(database, name));
    ways.push({
      name: `pylance, ${PYLANCE_THREADS} threads`,
      async round() {
        await appendEach(appended);
        const before = cpuTimeOf(pylance.pid);
        const ms = await pylance.ms({ do: 'tables', uris, columns: INDEXED, threads: PYLANCE_THREADS });
        const { cpu } = costOf(before, cpuTimeOf(pylance.pid), count);
        return { rate: count / (ms / 1000), ...(cpu !== undefined && { cpu }) };
      },
    });
  }
  await bench.measure('at_once', { tables: count, appended }, { ...contest, ways });
}

/** The floor: the same builds by the same engine, of tables that have one append each, with nothing published, synced or committed. */
async function buildsAlone(bench: Bench, count: number, appended: number): Promise<Way> {
  const original = folderOf(join(bench.home, 'original'), 't');
  const { database, names, appendEach } = await manyTables(join(bench.home, `alone-${count}`), original, count);
  const uris = names.map((name) => folderOf(database, name));
  await appendEach(appended);
  const own = ownProcess(bench);
  return {
    name: `builds alone, ${BUILDS_AT_ONCE} at once`,
    async round() {
      const before = cpuTimeOf(own.pid);
      const ms = await own.ms({ do: 'build', uris, atOnce: BUILDS_AT_ONCE });
      return { rate: count / (ms / 1000), ...costOf(before, cpuTimeOf(own.pid), count) };
    },
  };
}

type Many = {
  readonly database: string;
  readonly names: readonly string[];
  appendEach(count: number): Promise<void>;
};

/** Copies of a table. */
async function manyTables(database: string, original: string, count: number): Promise<Many> {
  const names = Array.from({ length: count }, (_, at) => `t${at}`);
  for (const name of names) await copyTable(original, folderOf(database, name), 1);
  let next = 0;
  return {
    database,
    names,
    async appendEach(rows) {
      const connection = await connect(database);
      const batch = scatteredRows(next, rows);
      next += rows;
      for (const name of names) {
        const table = await connection.openTable(name);
        await table.add(batch);
        table.close();
      }
      connection.close();
    },
  };
}

/** Announces all tables in one request, as a burst of writers would, and waits for the last of them. */
async function segmentd(bench: Bench, brokers: readonly string[], { count, appended }: AtOnce): Promise<Way> {
  const place = await daemonPlace(bench.home, brokers);
  const original = folderOf(join(bench.home, 'original'), 't');
  const { database, names, appendEach } = await manyTables(place.database, original, count);
  const daemon = await runDaemon(place);
  bench.cleanup.defer(() => daemon.stop());
  const producer = openProducer(place.settings);
  bench.cleanup.defer(() => producer.close());
  const tableAt = (name: string) => new LanceTable(localStore(folderOf(database, name)));
  await firstSweep(daemon, count);
  return {
    name: SEGMENTD,
    async round() {
      await appendEach(appended);
      const versions = await Promise.all(names.map(async (name) => (await tableAt(name).latest()).version));
      const covered = Promise.all(
        names.map((name, at) => daemon.coveredAt(`${DATABASE}/${name}`, versions[at] as number)),
      );
      // Seen below, when all have been sent.
      covered.catch(() => undefined);
      const records = names.map((name, at) =>
        encodeAppendEvent({
          table: { id: `${DATABASE}/${name}`, database: DATABASE, name, uri: folderOf(database, name) },
          version: versions[at] as number,
        }),
      );
      const before = cpuTimeOf(daemon.pid);
      const startedMs = performance.timeOrigin + performance.now();
      await producer.send(place.settings.topic, records);
      const endedMs = Math.max(...(await covered));
      const cost = costOf(before, cpuTimeOf(daemon.pid), count);
      await assertCovered(tableAt(names.at(-1) as string), SEGMENTD);
      return { rate: count / ((endedMs - startedMs) / 1000), ...cost };
    },
  };
}

/** Resolves when all indexes of so many tables were looked at. */
async function firstSweep(daemon: { url: string }, count: number): Promise<void> {
  const deadline = Date.now() + GIVE_UP_MS;
  while ((await metricOf(daemon, 'segments{')) < count * INDEXED.length) {
    if (Date.now() > deadline) throw new Error(`the first sweep of ${count} tables took more than ${GIVE_UP_MS} ms`);
    await sleep(POLL_MS);
  }
}

async function compareIdle(bench: Bench, brokers: readonly string[], count: number, rounds: number): Promise<void> {
  const original = folderOf(join(bench.home, 'original'), 't');
  const placeOf = async (tablesThere: number) => {
    const place = await daemonPlace(bench.home, brokers);
    await manyTables(place.database, original, tablesThere);
    return place;
  };
  const [one, many] = [await placeOf(1), await placeOf(count)];
  const name = `${count.toLocaleString('en-US')} tables`;
  const ways: Way[] = [
    { name: ONE_TABLE, round: () => sweepOnce(one, 1) },
    { name, round: () => sweepOnce(many, count) },
    { name: `${name}, ${NODES_OWN}`, round: () => sweepOnce(many, count, []) },
  ];
  await bench.measure('idle', {}, { warmUp: 0, rounds, ways });
}

/** `flags`: Node's, if they are not those of the image. */
async function sweepOnce(place: DaemonPlace, count: number, flags?: readonly string[]): Promise<Sample> {
  const daemon = await runDaemon(place, {}, flags);
  try {
    const started = performance.now();
    await firstSweep(daemon, count);
    const sweep = (performance.now() - started) / 1000;
    await sleep(SETTLE_MS);
    const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=', '-p', String(daemon.pid)]);
    return { rss: Number(stdout) / 1024, sweep };
  } finally {
    await daemon.stop();
  }
}
