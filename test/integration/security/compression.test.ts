import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Admin } from 'kafkajs';
import kafkajs, { Partitioners } from 'kafkajs';
import { expect, onTestFinished, test } from 'vitest';
import { CLIENT_RETRY, openClient } from '../../../src/kafka/client.ts';
import type { Broker } from '../../../testing/broker/broker.ts';
import { startOwnBroker } from '../../../testing/broker/broker.ts';
import { people } from '../../../testing/people.ts';
import { startMember } from '../chaos/member.ts';
import { adminOf, lagOf, makeRoughWorld, sumOf } from '../chaos/rough-world.ts';
import type { World } from '../e2e/world.ts';
import { covered, makeTable, openTable, until } from '../e2e/world.ts';

// Node finds only some of this CommonJS module's names for itself.
const { CompressionTypes, ConfigResourceTypes } = kafkajs;

/** The lowest bits of a batch's attributes, https://kafka.apache.org/documentation/#recordbatch. */
const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];
const ATTRIBUTES_AT = 21;
const LENGTH_AT = 8;
const HEAD_BYTES = 12;

/** The codecs of the batches in the topic's first partition, in order, as they lie on the broker's disk. */
async function codecsOf({ dir }: Broker, topic: string): Promise<(string | undefined)[]> {
  const folder = join(dir, 'data', `${topic}-0`);
  const [segment] = (await readdir(folder)).filter((name) => name.endsWith('.log'));
  const bytes = await readFile(join(folder, segment as string));
  const codecs: (string | undefined)[] = [];
  for (let at = 0; at + HEAD_BYTES < bytes.length; at += HEAD_BYTES + bytes.readInt32BE(at + LENGTH_AT)) {
    codecs.push(CODECS[bytes.readInt16BE(at + ATTRIBUTES_AT) & 7]);
  }
  return codecs;
}

/** What the broker packs batches with as they come; `producer` leaves them alone. */
async function setCompression(admin: Admin, topic: string, codec: string): Promise<void> {
  const configEntries = [{ name: 'compression.type', value: codec }];
  const resource = { type: ConfigResourceTypes.TOPIC, name: topic, configEntries };
  await admin.alterConfigs({ validateOnly: false, resources: [resource] });
}

async function producerOf({ settings }: World) {
  const kafka = await openClient(settings, () => undefined);
  const producer = kafka.producer({ retry: CLIENT_RETRY, createPartitioner: Partitioners.DefaultPartitioner });
  await producer.connect();
  onTestFinished(() => producer.disconnect());
  return producer;
}

/** lz4 comes from the broker alone: no client of the tests writes it. */
const SENT = [
  ...['gzip', 'snappy', 'lz4', 'zstd'].map((codec) => ({ by: 'broker', codec })),
  ...['gzip', 'snappy', 'zstd'].map((codec) => ({ by: 'client', codec })),
];

test('events are read from batches in every codec, packed by Kafka itself and by a client', async () => {
  const broker = await startOwnBroker();
  onTestFinished(() => broker.stop());
  const world = await makeRoughWorld({ brokers: broker.bootstrap, partitions: 1 });
  const { topic } = world.settings;
  const [admin, producer] = await Promise.all([adminOf(world.settings), producerOf(world)]);
  const types: Record<string, number> = {
    gzip: CompressionTypes.GZIP,
    snappy: CompressionTypes.Snappy,
    zstd: CompressionTypes.ZSTD,
  };
  const member = await startMember(world.configFile);
  for (const { by, codec } of SENT) {
    const name = `${codec}_by_${by}`;
    await makeTable(world, name, 50);
    await setCompression(admin, topic, by === 'broker' ? codec : 'producer');
    const compression = by === 'client' ? (types[codec] as number) : CompressionTypes.None;
    // Many and alike, so that they pack well; each must be read for the offset to get to the end.
    const send = async (version: number) => {
      const value = JSON.stringify({ table: `db/${name}`, version });
      await producer.send({ topic, messages: Array.from({ length: 100 }, () => ({ key: name, value })), compression });
      return (await codecsOf(broker, topic)).at(-1);
    };
    // The broker takes a moment to heed its own configuration.
    await until(`batches come to lie in ${codec}`, async () => (await send(1)) === codec);
    const table = await openTable(world.database, name);
    await table.add(people(50, 10));
    expect(await send(await table.version())).toBe(codec);
    await until(`${name} is covered`, () => covered(world, name));
  }
  await until('all is committed', async () => (await lagOf(world)) === 0);
  expect(sumOf(await member.metrics(), 'segmentd_dead_letters_total')).toBe(0);
  expect(await member.end()).toBe(0);
});
