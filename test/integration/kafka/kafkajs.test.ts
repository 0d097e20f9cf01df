import { setTimeout as sleep } from 'node:timers/promises';
import { CompressionTypes } from 'kafkajs';
import { expect, inject, test, vi } from 'vitest';
import { committed, connect, createTopic, numbered, plainConsumer, testSettings } from './kafka-bench.ts';

// What segmentd relies on in kafkajs, against a current broker: the library is older than that.

const patience = { timeout: 20_000, interval: 50 };

test('a group consumes, commits, and its lag can be read', async () => {
  const settings = testSettings(inject('brokers'));
  const { kafka, admin, producer } = await connect(settings);
  await createTopic(admin, settings.topic, 2);
  await producer.send({
    topic: settings.topic,
    acks: -1,
    messages: [
      { key: 'a', value: 'x', partition: 0, headers: { h: 'v' } },
      { value: null, partition: 1 },
    ],
  });

  const consumer = plainConsumer(kafka, settings);
  const seen: { partition: number; value: string | undefined; header: string | undefined }[] = [];
  await consumer.connect();
  await consumer.subscribe({ topics: [settings.topic], fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    eachMessage: async ({ partition, message }) => {
      seen.push({ partition, value: message.value?.toString(), header: message.headers?.h?.toString() });
    },
  });
  await vi.waitFor(() => expect(seen).toHaveLength(2), patience);
  expect(seen.sort((a, b) => a.partition - b.partition)).toEqual([
    { partition: 0, value: 'x', header: 'v' },
    { partition: 1, value: undefined, header: undefined },
  ]);

  await consumer.commitOffsets([{ topic: settings.topic, partition: 0, offset: '1' }]);
  expect(await committed(admin, settings)).toEqual(
    new Map([
      [0, 1n],
      [1, -1n],
    ]),
  );
  const ends = await admin.fetchTopicOffsets(settings.topic);
  expect(ends.map(({ high }) => high)).toEqual(['1', '1']);
});

test('two members share the partitions, and one takes over those of the other', async () => {
  const settings = testSettings(inject('brokers'));
  const { kafka, admin, producer } = await connect(settings);
  await createTopic(admin, settings.topic, 4);
  const assigned = new Map<string, number>();
  const join = async (name: string) => {
    const consumer = plainConsumer(kafka, settings);
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      assigned.set(name, payload.memberAssignment[settings.topic]?.length ?? 0);
    });
    await consumer.connect();
    await consumer.subscribe({ topics: [settings.topic], fromBeginning: true });
    await consumer.run({ eachMessage: async () => undefined });
    return consumer;
  };
  await join('first');
  await vi.waitFor(() => expect(assigned.get('first')).toBe(4), patience);
  const second = await join('second');
  await vi.waitFor(() => expect([...assigned.values()]).toEqual([2, 2]), patience);
  await second.disconnect();
  await vi.waitFor(() => expect(assigned.get('first')).toBe(4), patience);
  await producer.send({ topic: settings.topic, messages: numbered(10) });
});

const codecs = [
  ['gzip', CompressionTypes.GZIP],
  ['snappy', CompressionTypes.Snappy],
  // Read only: see the codec.
  ['lz4', CompressionTypes.None],
  ['zstd', CompressionTypes.ZSTD],
] as const;

test.each(codecs)('reads %s as the broker writes it and as we do', async (name, compression) => {
  const settings = testSettings(inject('brokers'));
  const { kafka, admin, producer } = await connect(settings);
  // The broker packs the first topic itself, with Java's encoders, and unpacks what we packed for the second to check it.
  const [java, ours] = [settings.topic, `${settings.topic}-ours`];
  const topics = [java, ours];
  await createTopic(admin, java, 1, { 'compression.type': name });
  await createTopic(admin, ours);
  const value = 'segment '.repeat(20_000);
  await producer.send({ topic: java, messages: [{ value }, { value: 'last' }] });
  await producer.send({ topic: ours, compression, messages: [{ value }, { value: 'last' }] });

  const consumer = plainConsumer(kafka, settings);
  const seen: string[] = [];
  await consumer.connect();
  await consumer.subscribe({ topics, fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message }) => {
      seen.push(message.value?.toString() ?? '');
    },
  });
  await vi.waitFor(() => expect(seen).toHaveLength(4), patience);
  expect(seen.filter((each) => each === value)).toHaveLength(2);
  expect(seen.filter((each) => each === 'last')).toHaveLength(2);
});

test('idle connections do not wake the process', async () => {
  const settings = testSettings(inject('brokers'));
  await connect(settings);
  await sleep(200);
  const timers = vi.spyOn(globalThis, 'setTimeout');
  await sleep(500);
  // One each millisecond and connection without the patch.
  expect(timers.mock.calls.length).toBeLessThan(10);
  timers.mockRestore();
});
