import type { Admin, ITopicConfig } from 'kafkajs';
import { SegmentdError } from '../lib/errors.ts';
import { sleep } from '../lib/sleep.ts';
import type { KafkaLog, KafkaSettings } from './client.ts';
import { CLIENT_RETRY, openClient } from './client.ts';
import { asKafkaError, protocolTypes } from './kafka-errors.ts';

/** Answers of brokers whose metadata lacks a new topic. */
const NOT_YET = new Set(['UNKNOWN_TOPIC_OR_PARTITION', 'LEADER_NOT_AVAILABLE', 'NOT_LEADER_FOR_PARTITION']);
const POLL_MS = 50;

export type TopicShape = {
  readonly partitions: number;
  /** -1: what the broker is set to. */
  readonly replicationFactor: number;
};

type Topic = { readonly name: string; readonly cleanup: 'delete' | 'compact'; readonly partitions: number };

/** The topics of the configuration, each in the shape that it needs. */
function topicsOf(settings: KafkaSettings, partitions = 1): Topic[] {
  const { topic, deadLetterTopic, controlTopic, notificationTopic } = settings;
  // Said even where it is the default: a broker may be set to compact, and would drop events of one table for a newer one.
  const plain = [topic, deadLetterTopic, notificationTopic].flatMap((name) => name ?? []);
  const topics: Topic[] = plain.map((name) => ({ name, cleanup: 'delete', partitions }));
  // The last command for a table has to stay as long as the topic does. In one partition commands keep their order.
  if (controlTopic !== undefined) topics.push({ name: controlTopic, cleanup: 'compact', partitions: 1 });
  return topics;
}

/**
 * Creates the topics of the configuration that are missing, and returns the names of those it created. A topic that exists is
 * left as it is. Throws SegmentdError `broker_unavailable` or `broker_denied`.
 */
export function ensureTopics(
  settings: KafkaSettings,
  { partitions, replicationFactor }: TopicShape,
  log: KafkaLog = () => undefined,
): Promise<string[]> {
  return withAdmin(settings, log, async (admin) => {
    const existing = new Set(await admin.listTopics());
    const created: string[] = [];
    for (const { name, cleanup, partitions: numPartitions } of topicsOf(settings, partitions)) {
      if (existing.has(name)) continue;
      const configEntries = [{ name: 'cleanup.policy', value: cleanup }];
      const topic = { topic: name, numPartitions, replicationFactor, configEntries };
      if (await createTopic(admin, topic, settings.requestTimeoutMs)) created.push(name);
    }
    return created;
  });
}

/** Topics of the configuration that the broker does not have. Throws SegmentdError `broker_unavailable` or `broker_denied`. */
export function missingTopics(settings: KafkaSettings, log: KafkaLog): Promise<string[]> {
  return withAdmin(settings, log, async (admin) => {
    const existing = new Set(await admin.listTopics());
    return topicsOf(settings).flatMap(({ name }) => (existing.has(name) ? [] : name));
  });
}

/**
 * How many partitions the topic has. Throws SegmentdError `broker_unavailable`, `broker_denied` or `kafka_topic_missing`.
 */
export function partitionsOf(settings: KafkaSettings, topic: string): Promise<number> {
  const ask = async (admin: Admin) => {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    return topics[0]?.partitions.length ?? 0;
  };
  return withAdmin(settings, () => undefined, ask, topic);
}

/** `topic` is the one that the call is about. */
async function withAdmin<T>(
  settings: KafkaSettings,
  log: KafkaLog,
  use: (admin: Admin) => Promise<T>,
  topic?: string,
): Promise<T> {
  const kafka = await openClient(settings, log);
  const admin = kafka.admin({ retry: CLIENT_RETRY });
  try {
    await admin.connect();
    return await use(admin);
  } catch (error) {
    throw asKafkaError(error, topic === undefined ? {} : { topic });
  } finally {
    await admin.disconnect().catch((error: unknown) => log('debug', 'The admin client was not closed', { error }));
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
