/**
 * Looks at committed offsets and at coverage throughout, so that at the end an offset that was committed too early can be told:
 * one below which there is an event of a version that was not covered yet when the offset was seen.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Admin } from 'kafkajs';
import { openClient } from '../../../src/kafka/client.ts';
import type { Manifest } from '../../../src/lance/codec/manifest.ts';
import { coverageOf } from '../../../src/lance/plan/coverage.ts';
import { isMaintained } from '../../../src/lance/plan/index-kind.ts';
import { LanceTable } from '../../../src/lance/table/table.ts';
import { localStore } from '../../../src/store/local-store.ts';
import type { World } from '../e2e/world.ts';

/** One event as it lies in the topic. */
export type Announced = {
  readonly partition: number;
  readonly offset: bigint;
  readonly table: string;
  readonly version: number;
};

/** The first `count` events of the topic; waits until that many are there. */
export async function readEvents({ settings }: World, count: number): Promise<Announced[]> {
  const consumer = (await openClient(settings, () => undefined)).consumer({ groupId: `reader-${randomUUID()}` });
  const events: Announced[] = [];
  const { promise: enough, resolve } = Promise.withResolvers<void>();
  await consumer.connect();
  try {
    await consumer.subscribe({ topic: settings.topic, fromBeginning: true });
    await consumer.run({
      eachMessage: async ({ partition, message }) => {
        const { table, version } = JSON.parse(String(message.value)) as { table: string; version: number };
        events.push({ partition, offset: BigInt(message.offset), table: table.replace('db/', ''), version });
        if (events.length >= count) resolve();
      },
    });
    await enough;
    return events;
  } finally {
    await consumer.disconnect();
  }
}

export type Sample = {
  readonly committed: ReadonlyMap<number, bigint>;
  /** By table: the lowest fragment that an index missed, read after the offsets; absent when none did. */
  readonly missing: ReadonlyMap<string, number>;
};

/** The lowest live fragment that some BTREE index of the table misses. */
export function lowestMissing({ indexes, fragments }: Pick<Manifest, 'indexes' | 'fragments'>): number | undefined {
  const segments = indexes.filter(isMaintained);
  const missing = [...new Set(segments.map(({ name }) => name))].flatMap((index) => {
    const own = segments.filter(({ name }) => name === index);
    return [...coverageOf(fragments, own).missing.subarray(0, 1)];
  });
  return missing.length === 0 ? undefined : Math.min(...missing);
}

export type Watch = { readonly samples: readonly Sample[]; stop(): Promise<void> };

/** Takes a sample, waits for `everyMs`, and so on. */
export function watchProgress(world: World, admin: Admin, names: readonly string[], everyMs: number): Watch {
  const { groupId, topic } = world.settings;
  const tables = new Map(names.map((name) => [name, new LanceTable(localStore(world.tableFolder(name)))]));
  const samples: Sample[] = [];
  const ending = new AbortController();
  const loop = async () => {
    while (!ending.signal.aborted) {
      const [group] = await admin.fetchOffsets({ groupId, topics: [topic] });
      const committed = new Map(group?.partitions.map(({ partition, offset }) => [partition, BigInt(offset)]));
      const missing = new Map<string, number>();
      for (const [name, table] of tables) {
        const lowest = lowestMissing(await table.latest());
        if (lowest !== undefined) missing.set(name, lowest);
      }
      samples.push({ committed, missing });
      await sleep(everyMs, undefined, { signal: ending.signal }).catch(() => undefined);
    }
  };
  const running = loop();
  return {
    samples,
    async stop() {
      ending.abort();
      await running;
    },
  };
}

/** Events that an offset had left behind before they were covered. Of tables that are only appended to. */
export async function committedEarly(
  world: World,
  samples: readonly Sample[],
  events: readonly Announced[],
): Promise<string[]> {
  const last = new Map<Announced, number>();
  for (const event of events) {
    const manifest = await new LanceTable(localStore(world.tableFolder(event.table))).at(event.version);
    last.set(event, manifest?.fragments.ids.at(-1) ?? -1);
  }
  return samples.flatMap(({ committed, missing }, at) =>
    events
      .filter(({ partition, offset }) => offset < (committed.get(partition) ?? -1n))
      .filter((event) => (last.get(event) as number) >= (missing.get(event.table) ?? Number.POSITIVE_INFINITY))
      .map((event) => `sample ${at}: ${event.table} version ${event.version}, ${event.partition}/${event.offset}`),
  );
}
