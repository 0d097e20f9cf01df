import { setTimeout as sleep } from 'node:timers/promises';
import { backoffMs } from '../lib/backoff.ts';
import { messageOf } from '../lib/errors.ts';
import type { KafkaLog, KafkaSettings } from './client.ts';
import type { TopicShape } from './topics.ts';
import { ensureTopics } from './topics.ts';

const FIRST_BACKOFF_MS = 500;
const MAX_BACKOFF_MS = 30_000;

/** Creates missing topics as soon as a broker can be reached, however long that takes. Ends quietly when `signal` fires. */
export async function keepTopics(
  settings: KafkaSettings,
  shape: TopicShape,
  log: KafkaLog,
  signal: AbortSignal,
): Promise<void> {
  for (let attempt = 0; !signal.aborted; attempt++) {
    try {
      const created = await ensureTopics(settings, shape, log);
      if (created.length > 0) log('info', 'topics created', { topics: created });
      return;
    } catch (error) {
      log('warn', 'topics could not be created yet', { error: messageOf(error) });
      const waitMs = backoffMs(attempt, FIRST_BACKOFF_MS, MAX_BACKOFF_MS);
      await sleep(waitMs, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }
}
