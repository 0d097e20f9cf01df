import type { KafkaLog, KafkaSettings } from './client.ts';
import { CLIENT_RETRY, openClient } from './client.ts';
import { asKafkaError } from './kafka-errors.ts';

export type TopicShape = {
  readonly partitions: number;
  /** -1: what the broker is set to. */
  readonly replicationFactor: number;
};

/**
 * Creates the topic of append events and the dead-letter topic where they are missing, and returns the names of those it
 * created. A topic that exists is left as it is. Throws SegmentdError `broker_unavailable` or `broker_denied`.
 */
export async function ensureTopics(
  settings: KafkaSettings,
  { partitions, replicationFactor }: TopicShape,
  log: KafkaLog = () => undefined,
): Promise<string[]> {
  const kafka = await openClient(settings, log);
  const admin = kafka.admin({ retry: CLIENT_RETRY });
  const created: string[] = [];
  try {
    await admin.connect();
    const existing = new Set(await admin.listTopics());
    for (const topic of new Set([settings.topic, settings.deadLetterTopic])) {
      if (existing.has(topic)) continue;
      const shape = { topic, numPartitions: partitions, replicationFactor };
      // False when another member was faster, which is as good.
      if (await admin.createTopics({ topics: [shape], timeout: settings.requestTimeoutMs })) created.push(topic);
    }
    return created;
  } catch (error) {
    throw asKafkaError(error);
  } finally {
    await admin.disconnect().catch((error: unknown) => log('debug', 'The admin client was not closed', { error }));
  }
}
