import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from '@lancedb/lancedb';
import { expect, onTestFinished, test } from 'vitest';
import { openClient } from '../../../src/kafka/client.ts';
import type { Appendable, TableOpener, WriterOptions } from '../../../src/writer.ts';
import { openWriter } from '../../../src/writer.ts';
import { people } from '../../../testing/people.ts';
import { readTopic } from './read-topic.ts';
import type { World } from './world.ts';
import { covered, makeTable, makeWorld, openTable, until } from './world.ts';

async function writerIn<Data>(world: World, connection: TableOpener<Data>, more: Partial<WriterOptions<Data>> = {}) {
  const { brokers, topic } = world.settings;
  const writer = openWriter({ connection, database: 'db', brokers, topic, ...more });
  onTestFinished(() => writer.close());
  return writer;
}

async function open(world: World) {
  const connection = await connect(world.database);
  onTestFinished(() => connection.close());
  return connection;
}

/** Records on the topic by now. */
async function recordsIn({ settings }: World): Promise<number> {
  const admin = (await openClient(settings, () => undefined)).admin();
  await admin.connect();
  const offsets = await admin.fetchTopicOffsets(settings.topic);
  await admin.disconnect();
  return offsets.reduce((sum, { high }) => sum + Number(high), 0);
}

test('appends are announced with their versions, side by side too, and the daemon indexes them', async () => {
  const world = await makeWorld();
  await makeTable(world, 'people', 100);
  const daemon = await world.daemon();
  const writer = await writerIn(world, await open(world));
  const first = await writer.append('people', people(100, 10));
  expect(first).toEqual({ table: 'db/people', version: 4, announced: true });
  await until('it is covered', () => covered(world, 'people'));

  const table = await openTable(world.database, 'people');
  const appended = await Promise.all([
    ...[110, 120, 130].map((from) => writer.append('people', people(from, 10))),
    writer.append(table, people(140, 10)),
  ]);
  const versions = [first, ...appended].map(({ version }) => version);
  expect(new Set(versions).size).toBe(5);
  const records = await readTopic(world.settings, world.settings.topic, 5);
  const events = records.map(({ key, value }) => ({ key: String(key), ...JSON.parse(String(value)) }));
  expect(new Set(events.map(({ version }) => version))).toEqual(new Set(versions));
  for (const event of events) {
    expect(event).toEqual({
      key: 'db/people',
      table: 'db/people',
      version: expect.any(Number),
      time: expect.stringMatching(/^\d{4}-.*Z$/),
      producer: 'segmentd-writer',
    });
  }
  await until('all is covered', () => covered(world, 'people'));
  await table.checkoutLatest();
  expect(await table.countRows()).toBe(150);
  expect(await daemon.stop()).toBe(0);
});

/** A table whose append lands, or fails, when the test says so. */
function slowTable() {
  const { promise, resolve, reject } = Promise.withResolvers<{ version: number }>();
  const asked: string[] = [];
  const table: Appendable<string> = {
    name: 'slow',
    add: (data) => {
      asked.push(data);
      return promise;
    },
  };
  const connection: TableOpener<string> = { openTable: async () => ({ ...table, close: () => undefined }) };
  return { connection, table, asked, land: (version: number) => resolve({ version }), fail: reject };
}

test('nothing is announced before the append has landed, and close waits for both', async () => {
  const world = await makeWorld();
  const { connection, table, land } = slowTable();
  const writer = await writerIn(world, connection);
  const appending = writer.append(table, 'rows');
  const closing = writer.close();
  expect(await Promise.race([closing, sleep(500, 'waits')])).toBe('waits');
  expect(await recordsIn(world)).toBe(0);
  land(7);
  expect(await appending).toEqual({ table: 'db/slow', version: 7, announced: true });
  await closing;
  expect(await recordsIn(world)).toBe(1);
});

test('an append that fails is not announced, and rejects with its own error', async () => {
  const world = await makeWorld();
  const { connection, fail } = slowTable();
  const writer = await writerIn(world, connection);
  const appending = writer.append('slow', 'rows');
  fail(new Error('the disk is gone'));
  await expect(appending).rejects.toThrow('the disk is gone');
  const missing = await writerIn(world, await open(world));
  await expect(missing.append('nobody', people(0, 1))).rejects.toThrow(/nobody/);
  expect(await recordsIn(world)).toBe(0);
});

test('what cannot be announced is not appended: a name, a database, a broker, a closed writer', async () => {
  const world = await makeWorld();
  const { connection, table, asked } = slowTable();
  const writer = await writerIn(world, connection);
  for (const name of ['../other', 'a/b', '.hidden', '', 'two words']) {
    await expect(writer.append({ ...table, name }, 'rows')).rejects.toMatchObject({ code: 'event_table_invalid' });
  }
  await writer.close();
  await expect(writer.append(table, 'rows')).rejects.toThrow('closed');
  expect(asked).toEqual([]);
  const options = { connection, brokers: ['a:1'], database: 'db' };
  for (const wrong of [{ database: 'My DB' }, { database: '' }, { brokers: [] }, { brokers: ['nowhere'] }]) {
    expect(() => openWriter({ ...options, ...wrong })).toThrow(TypeError);
  }
});

test('an append that cannot be announced stands, and says so', async () => {
  const world = await makeWorld({ sweep: { interval_s: 1 } });
  await makeTable(world, 'people', 100);
  const writer = await writerIn(world, await open(world), { brokers: ['127.0.0.1:1'], announceTimeoutMs: 500 });
  const startMs = performance.now();
  const appended = await writer.append('people', people(100, 10));
  // Without the option it tries for a minute.
  expect(performance.now() - startMs).toBeLessThan(45_000);
  expect(appended).toMatchObject({
    table: 'db/people',
    version: 4,
    announced: false,
    error: { code: 'broker_unavailable', hint: expect.stringContaining('kafka.brokers') },
  });
  expect(await (await openTable(world.database, 'people')).countRows()).toBe(110);
  // And the sweep finds it.
  const daemon = await world.daemon();
  await until('it is covered', () => covered(world, 'people'));
  expect(await daemon.stop()).toBe(0);
});
