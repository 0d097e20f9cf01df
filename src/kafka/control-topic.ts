import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Consumer } from 'kafkajs';
import { backoffMs } from './backoff.ts';
import type { KafkaLog, KafkaSettings } from './client.ts';
import { CLIENT_RETRY, openClient } from './client.ts';

/** Commands are for every member and every member reads them all, so each has a consumer group of its own. */
const GROUP_SUFFIX = 'control';
const FIRST_BACKOFF_MS = 500;
const MAX_BACKOFF_MS = 30_000;

export type ControlTopic = { stop(): Promise<void> };

/**
 * Hands every record of the control topic to `onRecord`, from the first one on: paused tables stay paused after a restart as
 * long as the topic keeps the record. Connects for as long as it takes, and again after a crash, from the first record on:
 * commands say what shall be, so hearing them again changes nothing.
 */
export function followControlTopic(
  settings: KafkaSettings,
  topic: string,
  onRecord: (key: Uint8Array | null, value: Uint8Array | null) => void,
  log: KafkaLog,
): ControlTopic {
  const stopped = new AbortController();
  let current: Consumer | undefined;
  const follow = async () => {
    for (let attempt = 0; !stopped.signal.aborted; attempt++) {
      try {
        const kafka = await openClient(settings, log);
        const consumer = kafka.consumer({
          groupId: `${settings.groupId}-${GROUP_SUFFIX}-${randomUUID()}`,
          maxWaitTimeInMs: settings.maxWaitMs,
          allowAutoTopicCreation: false,
          retry: { ...CLIENT_RETRY, restartOnFailure: async () => false },
        });
        current = consumer;
        const { promise: crashed, resolve } = Promise.withResolvers<void>();
        consumer.on('consumer.crash', () => resolve());
        stopped.signal.addEventListener('abort', () => resolve(), { once: true });
        await consumer.connect();
        await consumer.subscribe({ topic, fromBeginning: true });
        await consumer.run({
          autoCommit: false,
          eachMessage: async ({ message }) => onRecord(message.key, message.value),
        });
        await crashed;
        await consumer.disconnect();
      } catch (error) {
        log('warn', 'the control topic cannot be followed yet', { topic, error });
      }
      const waitMs = backoffMs(attempt, FIRST_BACKOFF_MS, MAX_BACKOFF_MS);
      await sleep(waitMs, undefined, { signal: stopped.signal, ref: false }).catch(() => undefined);
    }
  };
  const following = follow();
  return {
    async stop() {
      stopped.abort();
      await Promise.race([
        Promise.allSettled([current?.disconnect(), following]),
        sleep(settings.requestTimeoutMs, undefined, { ref: false }),
      ]);
    },
  };
}
