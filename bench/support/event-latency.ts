/** From an event to the indexes that cover it, under load; and what it would take if nothing stood between Kafka and the work. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from '@lancedb/lancedb';
import { encodeAppendEvent } from '../../src/events/append-event.ts';
import type { KafkaSettings } from '../../src/kafka/client.ts';
import { CLIENT_RETRY, openClient } from '../../src/kafka/client.ts';
import { openProducer } from '../../src/kafka/producer.ts';
import type { Cleanup } from '../../src/lib/cleanup.ts';
import { quantile } from '../../testing/screen.ts';
import { folderOf } from '../../testing/unindexed-table.ts';
import type { Sample, Way } from '../harness/rounds.ts';
import type { Bench } from '../harness/scenario.ts';
import { ownProcess } from '../peers/own.ts';
import { costOf, cpuTimeOf } from './cpu-time.ts';
import { DATABASE, daemonPlace } from './daemon-place.ts';
import type { FollowerKind } from './followers.ts';
import type { TableSize } from './growing-table.ts';
import { growingCopy, makeIndexed } from './growing-table.ts';
import { copyTable } from './lookups.ts';

export const HOP_AND_WORK = 'Kafka hop + work';
const TABLE = 't';
const FEW_SEGMENTS = 20;

export type Load = {
  /** Appends a second. */
  readonly rate: number;
  readonly seconds: number;
  /** Rows of an append. */
  readonly appended: number;
};

const nowMs = () => performance.timeOrigin + performance.now();

/** Calls `work` at that rate. Late ones are made at once, so that what is slow does not lower the load. */
async function atRate({ rate, seconds }: Load, work: (at: number) => Promise<void>): Promise<void> {
  const startedMs = nowMs();
  for (let at = 0; at < Math.max(1, Math.round(rate * seconds)); at++) {
    const waitMs = startedMs + (at * 1000) / rate - nowMs();
    if (waitMs > 0) await sleep(waitMs);
    await work(at);
  }
}

const latencies = (ms: readonly number[]): Sample => ({ p50: quantile(ms, 0.5), p99: quantile(ms, 0.99) });

/** Appends to a table and announces each append to a follower; from just before the announcement until a batch covers it. */
export async function eventToCovered(
  { name, start }: FollowerKind,
  bench: Bench,
  brokers: readonly string[],
  size: TableSize,
  load: Load,
): Promise<Way> {
  const place = await daemonPlace(bench.home, brokers);
  const original = join(bench.home, `original-${randomUUID()}`);
  await makeIndexed(original, TABLE, size);
  const follower = await start(bench, place);
  const producer = openProducer(place.settings);
  bench.cleanup.defer(() => producer.close());
  const connection = await connect(place.database);
  let next = size.rows;
  let tables = 0;
  return {
    name,
    async round() {
      // Of its own: each append makes a table larger for all that come after it.
      const grown = `${TABLE}${tables++}`;
      const uri = folderOf(place.database, grown);
      await copyTable(folderOf(original, TABLE), uri, 1);
      const table = await connection.openTable(grown);
      const id = `${DATABASE}/${grown}`;
      const ref = { id, database: DATABASE, name: grown, uri };
      const covered: Promise<number>[] = [];
      const [cpuBefore, conflictsBefore] = [cpuTimeOf(follower.pid), await follower.conflicts()];
      await atRate(load, async () => {
        const { version } = await table.add(size.rowsOf(next, load.appended));
        next += load.appended;
        const sentMs = nowMs();
        const sending = producer.send(place.settings.topic, [encodeAppendEvent({ table: ref, version })]);
        // Followers tell whole milliseconds.
        const took = sending.then(() => follower.coveredAt(id, version)).then((ms) => Math.max(0, ms + 0.5 - sentMs));
        // Seen below, when all have been sent.
        took.catch(() => undefined);
        covered.push(took);
      });
      const all = await Promise.all(covered);
      const { cpu } = costOf(cpuBefore, cpuTimeOf(follower.pid), all.length);
      const conflicts = ((await follower.conflicts()) - conflictsBefore) / all.length;
      table.close();
      const perAppend = { ...(cpu !== undefined && { cpu }), conflicts };
      return { ...latencies(all), ...perAppend };
    },
  };
}

/**
 * The least that there is: a record from a producer to a consumer of the same client library, at the same rate and with nothing else to
 * do, and beside that the work on a table of the same size and of few segments, after appends at that rate. Quantiles are added.
 */
export async function hopAndWork(bench: Bench, brokers: readonly string[], size: TableSize, load: Load): Promise<Way> {
  const { settings } = await daemonPlace(bench.home, brokers);
  const hop = await openHop(settings, bench.cleanup);
  const database = join(bench.home, `alone-${load.rate}`);
  await makeIndexed(database, 'original', size);
  const connection = await connect(database);
  const own = ownProcess(bench);
  let copies = 0;
  const freshCopy = () => growingCopy(connection, database, { from: 'original', name: `${TABLE}${copies++}`, ...size });
  return {
    name: HOP_AND_WORK,
    async round() {
      const hops: Promise<number>[] = [];
      await atRate(load, async () => {
        hops.push(hop());
      });
      const hopped = latencies(await Promise.all(hops));
      const worked: number[] = [];
      const before = cpuTimeOf(own.pid);
      let table = await freshCopy();
      await atRate(load, async (at) => {
        // Nobody merges the segments of this one.
        if (at > 0 && at % FEW_SEGMENTS === 0) {
          table.theirs.close();
          table = await freshCopy();
        }
        await table.append(load.appended);
        worked.push(await own.ms({ do: 'index', uri: table.uri, synced: true }));
      });
      const { p50 = 0, p99 = 0 } = latencies(worked);
      const { cpu } = costOf(before, cpuTimeOf(own.pid), worked.length);
      return { p50: (hopped.p50 ?? 0) + p50, p99: (hopped.p99 ?? 0) + p99, ...(cpu !== undefined && { cpu }) };
    },
  };
}

/** Milliseconds from a producer to a consumer, for each call. */
async function openHop(settings: KafkaSettings, cleanup: Cleanup): Promise<() => Promise<number>> {
  const kafka = await openClient(settings, () => undefined);
  const { maxWaitMs, maxBytesPerPartition, topic } = settings;
  const consumer = kafka.consumer({
    ...{ groupId: `hop-${randomUUID()}`, maxWaitTimeInMs: maxWaitMs, maxBytesPerPartition, retry: CLIENT_RETRY },
  });
  const waiting = new Map<string, () => void>();
  const joined = Promise.withResolvers<void>();
  consumer.on(consumer.events.GROUP_JOIN, () => joined.resolve());
  await consumer.connect();
  cleanup.defer(() => consumer.disconnect());
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({ eachMessage: async ({ message }) => waiting.get(String(message.value))?.() });
  await joined.promise;
  const producer = openProducer(settings);
  cleanup.defer(() => producer.close());
  return async () => {
    const id = randomUUID();
    const sentMs = nowMs();
    const arrived = new Promise<number>((resolve) => waiting.set(id, () => resolve(nowMs() - sentMs)));
    await producer.send(topic, [{ key: null, value: Buffer.from(id) }]);
    return arrived;
  };
}
