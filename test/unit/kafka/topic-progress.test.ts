import type { Kafka } from 'kafkajs';
import { expect, test } from 'vitest';
import { TopicProgress } from '../../../src/kafka/topic-progress.ts';

/** A cluster whose topic has these partitions, and counts how often it was asked. */
function cluster(...partitions: { low: number; high: number }[]) {
  const asked = { times: 0 };
  const admin = {
    connect: async () => undefined,
    disconnect: async () => undefined,
    fetchTopicOffsets: async () => {
      asked.times += 1;
      return partitions.map(({ low, high }, partition) => ({ partition, low: String(low), high: String(high) }));
    },
  };
  return { kafka: { admin: () => admin } as unknown as Pick<Kafka, 'admin'>, asked };
}

const isHeard = (progress: TopicProgress) =>
  Promise.race([progress.caughtUp.then(() => true), new Promise((resolve) => setImmediate(() => resolve(false)))]);

test('the reader has caught up when every partition was read up to where it ended at first', async () => {
  const progress = new TopicProgress();
  await progress.begin(cluster({ low: 2, high: 5 }, { low: 0, high: 1 }, { low: 7, high: 7 }).kafka, 'control');
  expect(await isHeard(progress)).toBe(false);
  progress.reached(0, 5n);
  expect(await isHeard(progress)).toBe(false);
  progress.reached(1, 1n);
  expect(await isHeard(progress)).toBe(true);
});

test('the reader has caught up with an empty topic at once, and not with one that it could not reach', async () => {
  const progress = new TopicProgress();
  expect(await isHeard(progress)).toBe(false);
  await progress.begin(cluster({ low: 3, high: 3 }).kafka, 'control');
  expect(await isHeard(progress)).toBe(true);
});

test('a record is handed on once, however often the topic is read from its start', async () => {
  const progress = new TopicProgress();
  const { kafka, asked } = cluster({ low: 0, high: 2 });
  const read = async () => {
    await progress.begin(kafka, 'control');
    return [0n, 1n, 2n].filter((offset) => progress.pass(0, offset));
  };
  expect([await read(), await read()]).toEqual([[0n, 1n, 2n], []]);
  expect(progress.pass(0, 3n)).toBe(true);
  expect([0n, 1n, 2n].map((offset) => progress.isHistory(0, offset))).toEqual([true, true, false]);
  expect(asked.times).toBe(1);
});
