import { randomUUID } from 'node:crypto';
import type { KafkaSettings } from '../../../src/kafka/client.ts';
import { openClient } from '../../../src/kafka/client.ts';

export type TopicRecord = {
  readonly partition: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, string>>;
};

/** The first `count` records of a topic over all its partitions, of those that are wanted; waits until that many are there. */
export async function readTopic(
  settings: KafkaSettings,
  topic: string,
  count: number,
  isWanted: (record: TopicRecord) => boolean = () => true,
): Promise<TopicRecord[]> {
  const kafka = await openClient(settings, () => undefined);
  const consumer = kafka.consumer({ groupId: `reader-${randomUUID()}`, maxWaitTimeInMs: 200 });
  const records: TopicRecord[] = [];
  const { promise: enough, resolve } = Promise.withResolvers<void>();
  await consumer.connect();
  try {
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run({
      eachMessage: async ({ partition, message: { key, value, headers } }) => {
        const text = Object.entries(headers ?? {}).map(([name, content]) => [name, String(content)]);
        const record = { partition, key, value, headers: Object.fromEntries(text) as Record<string, string> };
        if (isWanted(record)) records.push(record);
        if (records.length >= count) resolve();
      },
    });
    await enough;
    return records;
  } finally {
    await consumer.disconnect();
  }
}
