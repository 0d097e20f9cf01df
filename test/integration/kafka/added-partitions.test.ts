import { expect, inject, onTestFinished, test, vi } from 'vitest';
import { openProducer } from '../../../src/kafka/producer.ts';
import { connect, createTopic, numbered, startMember, testSettings, text } from './kafka-bench.ts';

const patience = { timeout: 30_000, interval: 25 };

test('partitions that are added to the topic are read, and nothing of it is an error', async () => {
  const settings = testSettings(inject('brokers'), { metadataMaxAgeMs: 500 });
  const { admin } = await connect(settings);
  await createTopic(admin, settings.topic);
  const sender = openProducer(settings);
  onTestFinished(() => sender.close());
  await sender.send(
    settings.topic,
    numbered(5).map(({ value }) => ({ key: null, value: Buffer.from(value) })),
  );
  const logged: string[] = [];
  const log = (level: string, message: string) => void (level === 'error' && logged.push(message));
  const members = [
    await startMember(settings, (record) => record.ack(), { log }),
    await startMember({ ...settings, clientId: 'second' }, (record) => record.ack(), { log }),
  ];
  const assigned = () => members.flatMap(({ source }) => source.assigned()).sort();
  await vi.waitFor(() => expect(assigned()).toEqual([0]), patience);

  await admin.createPartitions({ topicPartitions: [{ topic: settings.topic, count: 4 }] });
  await vi.waitFor(() => expect(assigned()).toEqual([0, 1, 2, 3]), patience);
  // A client with older metadata does not know the new partitions, and drops the records for them.
  const records = numbered(20, 5).map(({ value }, at) => ({ key: null, value: Buffer.from(value), partition: at % 4 }));
  await sender.send(settings.topic, records);
  const seen = () => new Set(members.flatMap(({ got }) => got.map(({ value }) => Number(text(value)))));
  await vi.waitFor(() => expect(seen().size).toBe(25), patience);
  expect(members.flatMap(({ crashes }) => crashes)).toEqual([]);
  expect(logged).toEqual([]);
});
