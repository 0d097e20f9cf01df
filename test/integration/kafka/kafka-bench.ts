import { randomUUID } from 'node:crypto';
import type { Admin, Consumer, Kafka, Producer } from 'kafkajs';
import { Partitioners } from 'kafkajs';
import type { Subscription } from 'rxjs';
import { onTestFinished } from 'vitest';
import type { KafkaSettings } from '../../../src/kafka/client.ts';
import { CLIENT_RETRY, openClient } from '../../../src/kafka/client.ts';
import type { RecordSource, SourceHooks } from '../../../src/kafka/consumer/source.ts';
import { openSource } from '../../../src/kafka/consumer/source.ts';
import { createTopic as create } from '../../../src/kafka/topics.ts';
import type { ConsumerRecord } from '../../../src/model.ts';

/** Settings for one test: a topic and a group of its own, and short times. */
export function testSettings(brokers: readonly string[], overrides: Partial<KafkaSettings> = {}): KafkaSettings {
  const id = randomUUID().slice(0, 8);
  return {
    brokers,
    clientId: `test-${id}`,
    ssl: { enabled: false, rejectUnauthorized: true },
    connectionTimeoutMs: 5_000,
    requestTimeoutMs: 5_000,
    groupId: `group-${id}`,
    topic: `topic-${id}`,
    deadLetterTopic: `dead-${id}`,
    sessionTimeoutMs: 6_000,
    heartbeatIntervalMs: 300,
    rebalanceTimeoutMs: 6_000,
    maxWaitMs: 50,
    maxBytesPerPartition: 1_048_576,
    maxInFlight: 64,
    commitIntervalMs: 50,
    metadataMaxAgeMs: 60_000,
    ...overrides,
  };
}

/** A plain client beside the code under test; admin and producer are connected and closed with the test. */
export async function connect(settings: KafkaSettings): Promise<{ kafka: Kafka; admin: Admin; producer: Producer }> {
  const kafka = await openClient(settings, () => undefined);
  const admin = kafka.admin({ retry: CLIENT_RETRY });
  const producer = kafka.producer({
    allowAutoTopicCreation: false,
    retry: CLIENT_RETRY,
    createPartitioner: Partitioners.DefaultPartitioner,
  });
  await Promise.all([admin.connect(), producer.connect()]);
  onTestFinished(async () => {
    await Promise.all([admin.disconnect(), producer.disconnect()]);
  });
  return { kafka, admin, producer };
}

export async function createTopic(admin: Admin, topic: string, partitions = 1, config: Record<string, string> = {}) {
  const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
  await create(admin, { topic, numPartitions: partitions, configEntries }, 10_000);
}

/** A consumer that is disconnected with the test. */
export function plainConsumer(kafka: Kafka, settings: KafkaSettings, groupId = settings.groupId): Consumer {
  const consumer = kafka.consumer({
    groupId,
    sessionTimeout: settings.sessionTimeoutMs,
    heartbeatInterval: settings.heartbeatIntervalMs,
    rebalanceTimeout: settings.rebalanceTimeoutMs,
    maxWaitTimeInMs: settings.maxWaitMs,
    retry: CLIENT_RETRY,
  });
  onTestFinished(() => consumer.disconnect());
  return consumer;
}

export type Member = {
  readonly source: RecordSource;
  readonly got: ConsumerRecord[];
  readonly states: string[];
  readonly crashes: string[];
  readonly subscription: Subscription;
  failure: unknown;
  completed: boolean;
};

/** A source that is started, watched, and drained with the test. */
export async function startMember(
  settings: KafkaSettings,
  onRecord: (record: ConsumerRecord) => void = () => undefined,
  hooks: SourceHooks = {},
): Promise<Member> {
  const states: string[] = [];
  const crashes: string[] = [];
  const source = openSource(settings, {
    ...hooks,
    onState: (state) => {
      states.push(state);
      hooks.onState?.(state);
    },
    onCrash: (error, willRestart) => {
      crashes.push(`${error.code} ${willRestart}`);
      hooks.onCrash?.(error, willRestart);
    },
  });
  const got: ConsumerRecord[] = [];
  const outcome = { failure: undefined as unknown, completed: false };
  const subscription = source.records$.subscribe({
    next: (record) => {
      got.push(record);
      onRecord(record);
    },
    error: (error: unknown) => {
      outcome.failure = error;
    },
    complete: () => {
      outcome.completed = true;
    },
  });
  onTestFinished(() => source.drain(3_000));
  await source.start();
  return Object.assign(outcome, { source, got, states, crashes, subscription });
}

/** What the group has committed, by partition; -1 for nothing. */
export async function committed(admin: Admin, { groupId, topic }: KafkaSettings): Promise<Map<number, bigint>> {
  const [group] = await admin.fetchOffsets({ groupId, topics: [topic] });
  return new Map(group?.partitions.map(({ partition, offset }) => [partition, BigInt(offset)]));
}

export const text = (bytes: Uint8Array | null): string => Buffer.from(bytes ?? []).toString();

export const numbered = (count: number, from = 0): { value: string }[] =>
  Array.from({ length: count }, (_, index) => ({ value: String(from + index) }));
