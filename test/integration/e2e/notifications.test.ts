/** Tables that are announced by nobody but their store. */
import { execFile } from 'node:child_process';
import { readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Table } from '@lancedb/lancedb';
import { connect, Index } from '@lancedb/lancedb';
import { expect, onTestFinished, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { decodeRecord } from '../../../src/events/append-event.ts';
import { openLag } from '../../../src/kafka/lag.ts';
import { partitionOf } from '../../../src/kafka/partition-of.ts';
import { inspectTable } from '../../../src/lance/inspect/inspect.ts';
import { LanceTable } from '../../../src/lance/table/table.ts';
import { openStore } from '../../../src/store/open-store.ts';
import { docSnippet } from '../../../testing/doc-snippet.ts';
import { people } from '../../../testing/people.ts';
import { hasGo } from '../../../testing/stores/go-tool.ts';
import { startVersitygw } from '../../../testing/stores/versitygw.ts';
import type { TopicRecord } from './read-topic.ts';
import { readTopic } from './read-topic.ts';
import type { World } from './world.ts';
import { makeWorld, until } from './world.ts';

const run = promisify(execFile);
const PARTITIONS = 7;

/** As S3 sends it. */
const manifestAt = (key: string) => ({
  eventVersion: '2.1',
  eventSource: 'aws:s3',
  eventTime: '2026-03-01T09:00:00.000Z',
  eventName: 'ObjectCreated:Put',
  s3: { bucket: { name: 'acme-data' }, object: { key, eTag: '9b2c' } },
});

test('the function for AWS in docs/producers.md forwards what S3 sends, under the keys of the tables', async () => {
  const world = await makeWorld({}, PARTITIONS);
  const { brokers, topic } = world.settings;
  const script = docSnippet('producers.md', 'AWS', {
    'localhost:9092': brokers.join(),
    'segmentd.append-events': topic,
  });
  await symlink(fileURLToPath(new URL('../../../node_modules', import.meta.url)), join(world.home, 'node_modules'));
  const path = join(world.home, 'forward.mjs');
  const Records = ['demo/events', 'demo/people'].map((it) => manifestAt(`${it}.lance/_versions/12.manifest`));
  await writeFile(path, `${script}\nawait handler(${JSON.stringify({ Records })});\nawait producer.disconnect();\n`);
  await run(process.execPath, [path], { env: { ...process.env, KAFKAJS_NO_PARTITIONER_WARNING: '1' } });

  const forwarded = await readTopic(world.settings, topic, 2);
  for (const { key, partition } of forwarded) expect(partition).toBe(partitionOf(String(key), PARTITIONS));
  const told = forwarded.map((record) => [String(record.key), ...eventsIn(record, 's3://acme-data/demo')]);
  expect(new Set(told)).toEqual(
    new Set([
      ['demo/events', { table: 'demo/events', version: 12 }],
      ['demo/people', { table: 'demo/people', version: 12 }],
    ]),
  );
});

/** What a record tells of the tables of the database `demo`. */
function eventsIn({ value }: TopicRecord, uri: string) {
  const events = decodeRecord(new Map([['demo', uri]]), { value, headers: new Map() });
  return events.map(({ table, version }) => ({ table: table.id, version }));
}

/** Where there is no Go there is no store that publishes to Kafka. */
if (hasGo()) {
  /** With a plus in it, which versitygw puts into its records as it is. */
  const URI = 's3://lake/c++/demo';
  const APPENDS = 4;

  // The first time the store is built, which takes minutes.
  test('a store tells of appends, no producer does, and the daemon knows its own commits', {
    timeout: 600_000,
  }, async () => {
    const world = await makeWorld({
      log: { level: 'debug' },
      batch: { min_interval_ms: 0 },
      merge: { concurrency: 0 },
    });
    const storageOptions = await serveBucket(world);
    const table = await makePeople(storageOptions);
    const facts = () => inspectTable(new LanceTable(openStore(`${URI}/people.lance`, storageOptions)));
    const isCovered = async () => (await facts()).indexes.every(({ coverage }) => coverage === 1);

    const daemon = await world.daemon();
    const appended: number[] = [];
    for (let batch = 0; batch < APPENDS; batch++) {
      appended.push((await table.add(people(500 + batch * 10, 10))).version);
      await until('the append is covered', isCovered);
    }
    await until('the log tells of the commits', () => ownVersions(world).length >= APPENDS);
    const own = ownVersions(world);
    const versions = [...appended, ...own].sort(byNumber);
    expect(own).toHaveLength(APPENDS);
    expect(new Set(versions).size).toBe(2 * APPENDS);

    // The store tells of every version, whoever made it.
    const toldIn = (record: TopicRecord) => eventsIn(record, URI).map(({ version = 0 }) => version);
    const isAwaited = (record: TopicRecord) => toldIn(record).some((version) => versions.includes(version));
    const told = await readTopic(world.settings, world.settings.topic, versions.length, isAwaited);
    expect(told.flatMap(toldIn).sort(byNumber)).toEqual(versions);

    // All of it is settled, and nothing followed from our own commits.
    await until('all offsets are committed', () => isSettled(world));
    expect((await facts()).version).toBe(versions.at(-1));
    expect(ownVersions(world)).toEqual(own);
    expect(said(world, 'eventDeadLettered')).toEqual([]);
    const received = new Set(said(world, 'eventReceived').map(({ version }) => Number(version)));
    expect(appended.filter((version) => !received.has(version))).toEqual([]);
    // Now and then the notification is quicker than the answer to the put, and the plan finds nothing to do.
    expect(own.filter((version) => !received.has(version)).length).toBeGreaterThan(0);
    expect(await daemon.stop()).toBe(0);
  });

  /** Starts a store that publishes on the topic of the world, and makes its bucket the only database; its storage options. */
  async function serveBucket(world: World): Promise<Record<string, string>> {
    const [url = ''] = world.settings.brokers;
    const store = await startVersitygw({ eventKafka: { url, topic: world.settings.topic } });
    onTestFinished(() => store.stop());
    await store.makeBucket('lake');
    const config = parse(await readFile(world.configFile, 'utf8')) as object;
    const databases = { demo: { uri: URI, storage_options: store.storageOptions } };
    await writeFile(world.configFile, stringify({ ...config, databases }));
    return store.storageOptions;
  }

  async function makePeople(storageOptions: Record<string, string>): Promise<Table> {
    const connection = await connect(URI, { storageOptions });
    const table = await connection.createTable('people', people(0, 500));
    onTestFinished(() => {
      table.close();
      connection.close();
    });
    await table.createIndex('id', { config: Index.btree() });
    return table;
  }

  const byNumber = (a: number, b: number) => a - b;
  const ownVersions = (world: World) =>
    said(world, 'commitFinished').flatMap(({ version }) => (typeof version === 'number' ? version : []));
  const said = ({ log }: World, event: string) => log.filter((line) => line.event === event);

  async function isSettled({ settings }: World): Promise<boolean> {
    const probe = openLag(settings, 60_000);
    try {
      return [...(await probe.read()).values()].every(({ lag }) => lag === 0n);
    } finally {
      await probe.stop();
    }
  }
}
