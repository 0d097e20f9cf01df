import { backoffMs, RECONNECT } from '../lib/backoff.ts';
import { messageOf } from '../lib/errors.ts';
import { sleep } from '../lib/sleep.ts';
import type { KafkaLog, KafkaSettings } from './client.ts';
import type { TopicShape } from './topics.ts';
import { ensureTopics } from './topics.ts';

/** Creates missing topics as soon as a broker can be reached, however long that takes. Ends quietly when `signal` fires. */
export async function keepTopics(
  settings: KafkaSettings,
  shape: TopicShape,
  log: KafkaLog,
  signal: AbortSignal,
): Promise<void> {
  for (let failures = 1; !signal.aborted; failures++) {
    try {
      const created = await ensureTopics(settings, shape, log);
      if (created.length > 0) log('info', 'topics created', { topics: created });
      return;
    } catch (error) {
      log('warn', 'topics could not be created yet', { error: messageOf(error) });
      await sleep(backoffMs(RECONNECT, failures), signal, { ref: false });
    }
  }
}
