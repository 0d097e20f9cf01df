import { backoffMs, RECONNECT } from '../lib/backoff.ts';
import { sleep } from '../lib/sleep.ts';
import type { KafkaLog, KafkaSettings } from './client.ts';
import { asKafkaError, topicMissing } from './kafka-errors.ts';
import type { TopicShape } from './topics.ts';
import { ensureTopics, missingTopics } from './topics.ts';

/**
 * Creates the topics that are missing, or without a `shape` says which are, however long it takes to reach a broker. To be
 * awaited before anything reads one of them. Never rejects; ends early when `signal` fires, and when the broker refuses us, which
 * ends the consumer as well.
 */
export async function prepareTopics(
  settings: KafkaSettings,
  shape: TopicShape | undefined,
  log: KafkaLog,
  signal: AbortSignal,
): Promise<void> {
  for (let failures = 1; !signal.aborted; failures++) {
    try {
      if (shape === undefined) await tellMissing(settings, log);
      else {
        const created = await ensureTopics(settings, shape, log);
        if (created.length > 0) log('info', 'topics created', { topics: created });
      }
      return;
    } catch (thrown) {
      const { code, retry, message } = asKafkaError(thrown);
      log('warn', 'the topics are not known yet', { code, error: message });
      if (retry === 'never') return;
      await sleep(backoffMs(RECONNECT, failures), signal, { ref: false });
    }
  }
}

async function tellMissing(settings: KafkaSettings, log: KafkaLog): Promise<void> {
  for (const topic of await missingTopics(settings, log)) {
    const { code, message, hint } = topicMissing(topic);
    log('error', message, { code, topic, hint });
  }
}
