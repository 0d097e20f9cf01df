/** Reads a topic from its first record on and follows it, for records that every member has to read. */
import { randomUUID } from 'node:crypto';
import type { Consumer, IHeaders } from 'kafkajs';
import { backoffMs, RECONNECT } from '../lib/backoff.ts';
import { sleep } from '../lib/sleep.ts';
import type { KafkaLog, KafkaSettings } from './client.ts';
import { CLIENT_RETRY, openClient } from './client.ts';
import { TopicProgress } from './topic-progress.ts';

type FollowedTopic = {
  /** Resolves when every record that was there when the topic was first reached has been handed on. */
  readonly caughtUp: Promise<void>;
  stop(): Promise<void>;
};

export type FollowedRecord = {
  readonly partition: number;
  readonly offset: string;
  readonly key: Uint8Array | null;
  readonly headers: ReadonlyMap<string, Uint8Array>;
  readonly value: Uint8Array | null;
  /** Milliseconds since the epoch, in decimal; `-1` when it has none. */
  readonly timestamp: string;
  /** The record was there when the topic was first reached. */
  readonly isHistory: boolean;
};

type TopicToFollow = {
  readonly topic: string;
  /** Every member reads every record, so each has a consumer group of its own: `<group>-<groupSuffix>-<uuid>`. */
  readonly groupSuffix: string;
  /** Gets each record once. */
  onRecord(record: FollowedRecord): void;
  /** Learns of each failure, an error of the client library; the topic is followed on all the same. */
  onFailure?(error: unknown): void;
};

/**
 * Hands on every record of the topic once, from the first one on. Connects for as long as it takes, and again after a crash,
 * where it left off: an old record that comes again could undo a newer one.
 */
export function followTopic(settings: KafkaSettings, following: TopicToFollow, log: KafkaLog): FollowedTopic {
  const { topic, groupSuffix } = following;
  const stopped = new AbortController();
  const { signal } = stopped;
  const progress = new TopicProgress();
  let current: Consumer | undefined;
  const readAll = async () => {
    const kafka = await openClient(settings, log);
    await progress.begin(kafka, topic);
    const consumer = kafka.consumer({
      groupId: `${settings.groupId}-${groupSuffix}-${randomUUID()}`,
      maxWaitTimeInMs: settings.maxWaitMs,
      allowAutoTopicCreation: false,
      retry: { ...CLIENT_RETRY, restartOnFailure: async () => false },
    });
    current = consumer;
    await readUntilCrash(consumer, following, progress, signal);
  };
  const follow = async () => {
    for (let failures = 1; !signal.aborted; failures++) {
      try {
        await readAll();
        failures = 1;
      } catch (error) {
        following.onFailure?.(error);
        log('warn', 'the topic cannot be followed yet', { topic, error });
      }
      await sleep(backoffMs(RECONNECT, failures), signal, { ref: false });
    }
  };
  const ended = follow();
  return {
    caughtUp: progress.caughtUp,
    async stop() {
      stopped.abort();
      await Promise.race([
        Promise.allSettled([current?.disconnect(), ended]),
        sleep(settings.requestTimeoutMs, undefined, { ref: false }),
      ]);
    },
  };
}

/** Reads until the consumer crashes or the signal fires, and disconnects it in every outcome. */
async function readUntilCrash(
  consumer: Consumer,
  { topic, onRecord, onFailure }: TopicToFollow,
  progress: TopicProgress,
  signal: AbortSignal,
): Promise<void> {
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  consumer.on('consumer.crash', ({ payload }) => {
    onFailure?.(payload.error);
    resolve();
  });
  // What holds aborted transactions and control records only never reaches eachBatch.
  consumer.on('consumer.end_batch_process', ({ payload: { batchSize, partition, lastOffset } }) => {
    if (batchSize === 0) progress.reached(partition, BigInt(lastOffset) + 1n);
  });
  signal.addEventListener('abort', () => resolve(), { once: true });
  // It may have fired while the client was made.
  if (signal.aborted) return;
  try {
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch }) => {
        const { partition } = batch;
        for (const { offset, key, value, headers, timestamp } of batch.messages) {
          const isHistory = progress.isHistory(partition, BigInt(offset));
          if (!progress.pass(partition, BigInt(offset))) continue;
          onRecord({ partition, offset, key, value, headers: headerMap(headers), timestamp, isHistory });
        }
        progress.reached(batch.partition, BigInt(batch.lastOffset()) + 1n);
      },
    });
    await ended;
  } finally {
    await consumer.disconnect();
  }
}

/** Of several headers with one name, the last counts. */
function headerMap(headers: IHeaders = {}): Map<string, Uint8Array> {
  return new Map(
    Object.entries(headers).flatMap(([name, content]) => {
      const last = Array.isArray(content) ? content.at(-1) : content;
      return last === undefined ? [] : [[name, Buffer.from(last)] as const];
    }),
  );
}
