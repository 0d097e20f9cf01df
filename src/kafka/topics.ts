import type { Admin, ITopicConfig } from 'kafkajs';
import { SegmentdError } from '../lib/errors.ts';
import { sleep } from '../lib/sleep.ts';
import type { KafkaLog, KafkaSettings } from './client.ts';
import { CLIENT_RETRY, openClient } from './client.ts';
import { asKafkaError, protocolTypes } from './kafka-errors.ts';

/** Answers of brokers that have not heard of a new topic yet. */
const NOT_YET = new Set(['UNKNOWN_TOPIC_OR_PARTITION', 'LEADER_NOT_AVAILABLE', 'NOT_LEADER_FOR_PARTITION']);
const POLL_MS = 50;

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
      if (await createTopic(admin, shape, settings.requestTimeoutMs)) created.push(topic);
    }
    return created;
  } catch (error) {
    throw asKafkaError(error);
  } finally {
    await admin.disconnect().catch((error: unknown) => log('debug', 'The admin client was not closed', { error }));
  }
}

/** How many partitions the topic has. Throws SegmentdError `broker_unavailable` or `broker_denied`. */
export async function partitionsOf(settings: KafkaSettings, topic: string): Promise<number> {
  const kafka = await openClient(settings, () => undefined);
  const admin = kafka.admin({ retry: CLIENT_RETRY });
  try {
    await admin.connect();
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    return topics[0]?.partitions.length ?? 0;
  } catch (error) {
    throw asKafkaError(error);
  } finally {
    await admin.disconnect().catch(() => undefined);
  }
}

/**
 * Creates a topic and waits until its partitions take records. False when it was there, or another member was faster, which is
 * as good. The client's own wait ends too early: a first batch is then refused by some of its partitions, sent again as a
 * whole, and twice in the others.
 */
export async function createTopic(admin: Admin, topic: ITopicConfig, timeoutMs: number): Promise<boolean> {
  const created = await admin.createTopics({ topics: [topic], timeout: timeoutMs, waitForLeaders: false });
  const endMs = Date.now() + timeoutMs;
  while (!(await isServed(admin, topic.topic))) {
    if (Date.now() > endMs) throw new SegmentdError('broker_unavailable', `${topic.topic} has no leaders yet`);
    await sleep(POLL_MS);
  }
  return created;
}

/** Asks the leaders themselves: the metadata names them before they know. */
async function isServed(admin: Admin, topic: string): Promise<boolean> {
  try {
    await admin.fetchTopicOffsets(topic);
    return true;
  } catch (error) {
    if (protocolTypes(error).some((type) => NOT_YET.has(type))) return false;
    throw error;
  }
}
