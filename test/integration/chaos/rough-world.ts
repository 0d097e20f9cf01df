/** A world for rough tests: short times, so that what is lost is noticed soon. */
import { randomUUID } from 'node:crypto';
import type { Admin } from 'kafkajs';
import { inject, onTestFinished } from 'vitest';
import type { KafkaSettings } from '../../../src/kafka/client.ts';
import { CLIENT_RETRY, openClient } from '../../../src/kafka/client.ts';
import { openLag } from '../../../src/kafka/lag.ts';
import { people } from '../../../testing/people.ts';
import type { World } from '../e2e/world.ts';
import { makeWorld, openTable } from '../e2e/world.ts';

type Rough = {
  readonly brokers?: readonly string[];
  readonly partitions?: number;
  readonly options?: Readonly<Record<string, unknown>>;
  readonly kafka?: Readonly<Record<string, unknown>>;
};

/** A killed member is missed for so long. The drain and one request must fit into it, and three heartbeats; the brokers of the tests allow it. */
export const SESSION_MS = 3_000;

export function makeRoughWorld({ brokers = inject('brokers'), partitions, options, kafka }: Rough = {}) {
  const id = randomUUID().slice(0, 8);
  const rough = {
    brokers,
    topic: `events-${id}`,
    dead_letter_topic: `dead-${id}`,
    group_id: `group-${id}`,
    session_timeout_ms: SESSION_MS,
    heartbeat_interval_ms: SESSION_MS / 10,
    rebalance_timeout_ms: SESSION_MS,
    connection_timeout_ms: 2_000,
    request_timeout_ms: SESSION_MS / 2,
    max_wait_ms: 100,
    commit_interval_ms: 200,
    lag_interval_ms: 1_000,
    ...kafka,
  };
  const retry = { initial_ms: 200, max_ms: 1_000 };
  return makeWorld({ kafka: rough, retry, shutdown: { drain_ms: SESSION_MS / 2 }, ...options }, partitions);
}

/** Sends an append event; `version` where it is known. */
export async function announce({ producer, settings }: World, table: string, version?: number): Promise<void> {
  const event = { table: `db/${table}`, ...(version === undefined ? {} : { version }) };
  const value = Buffer.from(JSON.stringify(event));
  await producer.send(settings.topic, [{ key: Buffer.from(event.table), value }]);
}

/** Appends ten people and announces it. */
export async function append(world: World, name: string, first: number): Promise<void> {
  const table = await openTable(world.database, name);
  await table.checkoutLatest();
  await table.add(people(first, 10));
  await announce(world, name, await table.version());
}

/** An admin client that goes with the test. */
export async function adminOf(settings: KafkaSettings): Promise<Admin> {
  const admin = (await openClient(settings, () => undefined)).admin({ retry: CLIENT_RETRY });
  await admin.connect();
  onTestFinished(() => admin.disconnect());
  return admin;
}

/** Records that the group has not committed, over all partitions. */
export async function lagOf({ settings }: World): Promise<number> {
  const probe = openLag(settings, 1_000);
  try {
    return [...(await probe.read()).values()].reduce((sum, { lag }) => sum + Number(lag), 0);
  } finally {
    await probe.stop();
  }
}

/** What a metric says, series by series: the labels as they stand on the page, and the value. */
export function valuesOf(page: string, metric: string): Map<string, number> {
  const lines = page.split('\n').filter((line) => line.startsWith(`${metric}{`) || line.startsWith(`${metric} `));
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(' ');
      return [line.slice(metric.length, at), Number(line.slice(at + 1))];
    }),
  );
}

export const sumOf = (page: string, metric: string) =>
  [...valuesOf(page, metric).values()].reduce((sum, value) => sum + value, 0);
