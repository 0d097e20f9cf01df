import { backoffMs, RECONNECT } from '../lib/backoff.ts';
import { sleep } from '../lib/sleep.ts';
import type { KafkaLog, KafkaSettings } from './client.ts';
import { asKafkaError, topicMissing } from './kafka-errors.ts';
import type { TopicShape } from './topics.ts';
import { ensureTopics, missingTopics } from './topics.ts';

/**
 * Creates the topics that are missing, or without a `shape` says which are. To be awaited before anything reads one of them. When
 * no broker answers it resolves too, and keeps trying until `signal` fires: the consumer waits for the broker, too.
 */
export async function prepareTopics(
  settings: KafkaSettings,
  shape: TopicShape | undefined,
  log: KafkaLog,
  signal: AbortSignal,
): Promise<void> {
  const attempt = () => tryToPrepare(settings, shape, log);
  if (!(await attempt())) void keepTrying(attempt, signal);
}

async function keepTrying(attempt: () => Promise<boolean>, signal: AbortSignal): Promise<void> {
  for (let failures = 1; !signal.aborted; failures++) {
    await sleep(backoffMs(RECONNECT, failures), signal, { ref: false });
    if (!signal.aborted && (await attempt())) return;
  }
}

/** False when a retry may help. What the broker refuses here ends the consumer as well. */
async function tryToPrepare(settings: KafkaSettings, shape: TopicShape | undefined, log: KafkaLog): Promise<boolean> {
  try {
    if (shape === undefined) await tellMissing(settings, log);
    else {
      const created = await ensureTopics(settings, shape, log);
      if (created.length > 0) log('info', 'topics created', { topics: created });
    }
    return true;
  } catch (thrown) {
    const { code, retry, message } = asKafkaError(thrown);
    log('warn', 'the topics are not known yet', { code, error: message });
    return retry === 'never';
  }
}

async function tellMissing(settings: KafkaSettings, log: KafkaLog): Promise<void> {
  for (const topic of await missingTopics(settings, log)) {
    const { code, message, hint } = topicMissing(topic);
    log('error', message, { code, topic, hint });
  }
}
