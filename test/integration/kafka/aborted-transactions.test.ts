import { randomUUID } from 'node:crypto';
import type { Kafka } from 'kafkajs';
import { expect, inject, onTestFinished, test, vi } from 'vitest';
import type { FollowedRecord } from '../../../src/kafka/follow-topic.ts';
import { followTopic } from '../../../src/kafka/follow-topic.ts';
import { openLag } from '../../../src/kafka/lag.ts';
import { committed, connect, createTopic, numbered, startMember, testSettings, text } from './kafka-bench.ts';

const patience = { timeout: 30_000, interval: 25 };

/** Fifty records that no reader is to see, and the marker that says so. */
async function abortTransaction(kafka: Kafka, topic: string): Promise<void> {
  const producer = kafka.producer({ transactionalId: randomUUID(), idempotent: true, maxInFlightRequests: 1 });
  await producer.connect();
  const transaction = await producer.transaction();
  await transaction.send({ topic, messages: numbered(50) });
  await transaction.abort();
  await producer.disconnect();
}

test.each([
  ['behind a record', 1],
  ['alone in the topic', 0],
])('an aborted transaction at the end of a partition is no lag: %s', async (_where, before) => {
  const settings = testSettings(inject('brokers'));
  const { admin, kafka, producer } = await connect(settings);
  await createTopic(admin, settings.topic);
  if (before > 0) await producer.send({ topic: settings.topic, messages: numbered(before) });
  const member = await startMember(settings, (record) => record.ack());
  await vi.waitFor(() => expect(member.got).toHaveLength(before), patience);

  await abortTransaction(kafka, settings.topic);
  const end = BigInt(before + 51);
  await vi.waitFor(async () => expect((await committed(admin, settings)).get(0)).toBe(end), patience);
  const probe = openLag(settings, 60_000);
  expect((await probe.read()).get(0)).toMatchObject({ high: end, lag: 0n });
  await probe.stop();

  await producer.send({ topic: settings.topic, messages: numbered(1, 7) });
  await vi.waitFor(async () => expect((await committed(admin, settings)).get(0)).toBe(end + 1n), patience);
  expect(member.got.map(({ position }) => position.offset)).toEqual([...(before > 0 ? [0n] : []), end]);
  expect(member.crashes).toEqual([]);
});

test('an aborted transaction does not pass a record that is still open', async () => {
  const settings = testSettings(inject('brokers'));
  const { admin, kafka, producer } = await connect(settings);
  await createTopic(admin, settings.topic);
  await producer.send({ topic: settings.topic, messages: numbered(2) });
  await abortTransaction(kafka, settings.topic);
  const member = await startMember(settings);
  await vi.waitFor(() => expect(member.got).toHaveLength(2), patience);
  member.got[0]?.ack();
  await vi.waitFor(async () => expect((await committed(admin, settings)).get(0)).toBe(1n), patience);
  member.got[1]?.ack();
  await vi.waitFor(async () => expect((await committed(admin, settings)).get(0)).toBe(53n), patience);
});

test('a followed topic that ends in an aborted transaction is caught up with', async () => {
  const settings = testSettings(inject('brokers'));
  const { admin, kafka, producer } = await connect(settings);
  await createTopic(admin, settings.topic);
  await producer.send({ topic: settings.topic, messages: numbered(1) });
  await abortTransaction(kafka, settings.topic);
  const seen: string[] = [];
  const onRecord = ({ value }: FollowedRecord) => void seen.push(text(value));
  const followed = followTopic(settings, { topic: settings.topic, groupSuffix: 'follow', onRecord }, () => undefined);
  onTestFinished(() => followed.stop());
  await followed.caughtUp;
  expect(seen).toEqual(['0']);
});
