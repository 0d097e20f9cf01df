import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Consumer } from 'kafkajs';
import { backoffMs } from '../lib/backoff.ts';
import type { KafkaLog, KafkaSettings } from './client.ts';
import { CLIENT_RETRY, openClient } from './client.ts';
import { ControlProgress } from './control-progress.ts';

/** Commands are for every member and every member reads them all, so each has a consumer group of its own. */
const GROUP_SUFFIX = 'control';
const FIRST_BACKOFF_MS = 500;
const MAX_BACKOFF_MS = 30_000;

export type ControlTopic = {
  /** Resolves when every record that was there when the topic was first reached has been handed on. */
  readonly caughtUp: Promise<void>;
  stop(): Promise<void>;
};

/**
 * Hands every record of the control topic to `onRecord` once, from the first one on: paused tables stay paused after a restart as
 * long as the topic keeps the record. `isHistory` tells the records that were there before this process. Connects for as long as
 * it takes, and again after a crash, where it left off: hearing an old command again would undo a newer one that came another way.
 */
export function followControlTopic(
  settings: KafkaSettings,
  topic: string,
  onRecord: (value: Uint8Array | null, isHistory: boolean) => void,
  log: KafkaLog,
): ControlTopic {
  const stopped = new AbortController();
  const progress = new ControlProgress();
  let current: Consumer | undefined;
  const readAll = async () => {
    const kafka = await openClient(settings, log);
    await progress.begin(kafka, topic);
    const consumer = kafka.consumer({
      groupId: `${settings.groupId}-${GROUP_SUFFIX}-${randomUUID()}`,
      maxWaitTimeInMs: settings.maxWaitMs,
      allowAutoTopicCreation: false,
      retry: { ...CLIENT_RETRY, restartOnFailure: async () => false },
    });
    current = consumer;
    await handOn(consumer, topic, progress, onRecord, stopped.signal);
  };
  const follow = async () => {
    for (let attempt = 0; !stopped.signal.aborted; attempt++) {
      try {
        await readAll();
        attempt = 0;
      } catch (error) {
        log('warn', 'the control topic cannot be followed yet', { topic, error });
      }
      const waitMs = backoffMs(attempt, FIRST_BACKOFF_MS, MAX_BACKOFF_MS);
      await sleep(waitMs, undefined, { signal: stopped.signal, ref: false }).catch(() => undefined);
    }
  };
  const following = follow();
  return {
    caughtUp: progress.caughtUp,
    async stop() {
      stopped.abort();
      await Promise.race([
        Promise.allSettled([current?.disconnect(), following]),
        sleep(settings.requestTimeoutMs, undefined, { ref: false }),
      ]);
    },
  };
}

/** Reads until the consumer crashes or the signal fires, and disconnects it in every outcome. */
async function handOn(
  consumer: Consumer,
  topic: string,
  progress: ControlProgress,
  onRecord: (value: Uint8Array | null, isHistory: boolean) => void,
  signal: AbortSignal,
): Promise<void> {
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  consumer.on('consumer.crash', () => resolve());
  signal.addEventListener('abort', () => resolve(), { once: true });
  // It may have fired while the client was made.
  if (signal.aborted) return;
  try {
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch }) => {
        for (const { offset, value } of batch.messages) {
          const isHistory = progress.isHistory(batch.partition, BigInt(offset));
          if (progress.pass(batch.partition, BigInt(offset))) onRecord(value, isHistory);
        }
        progress.reached(batch.partition, BigInt(batch.lastOffset()) + 1n);
      },
    });
    await ended;
  } finally {
    await consumer.disconnect();
  }
}
