/** What goes out over Kafka, and is remembered for `/status`. */
import type { Config } from '../config/schema.ts';
import type { DeadLetterLog } from '../control/dead-letter-log.ts';
import { changeOf } from '../control/recent-changes.ts';
import type { TableOwnership } from '../control/table-ownership.ts';
import type { TableStates } from '../control/table-states.ts';
import { publishSpread } from '../events/publish-events.ts';
import type { KafkaLog, KafkaSettings } from '../kafka/client.ts';
import { openDeadLetters } from '../kafka/dead-letter.ts';
import { openNotifications } from '../kafka/notifications.ts';
import { openProducer } from '../kafka/producer.ts';
import type { Cleanup } from '../lib/cleanup.ts';
import { messageOf } from '../lib/errors.ts';
import type { PipelineContext } from '../stages/context.ts';

type OutputParts = {
  readonly ownership: TableOwnership;
  readonly states: TableStates;
  readonly deadLetters: DeadLetterLog;
  readonly log: KafkaLog;
  readonly cleanup: Cleanup;
  readonly signal: AbortSignal;
};

/** Opens the producer of dead letters, notifications, and the events that share a backfill out. */
export function openOutputs(
  config: Config,
  settings: KafkaSettings,
  { ownership, states, deadLetters: lately, log, cleanup, signal }: OutputParts,
) {
  const producer = openProducer(settings, log);
  cleanup.defer(() => producer.close());
  const deadLetters = openDeadLetters(settings, producer);
  const notifications = openNotifications(config.kafka.notification_topic, producer, (error) =>
    log('warn', 'a notification was lost', { error: messageOf(error) }),
  );
  cleanup.defer(() => notifications.flush());
  const outputs: Pick<PipelineContext, 'deadLetter' | 'notify' | 'publish'> = {
    deadLetter: async (record, error) => {
      await deadLetters.send(record, error, { signal, deadlineMs: FOR_EVER_MS });
      lately.note(record, error);
    },
    notify: (notification) => {
      const change = changeOf(notification);
      if (change) states.changed(change);
      notifications.send(notification);
    },
    publish: async (events, headers) => {
      if (ownership.partitionCount < 2) return false;
      await publishSpread(producer, settings.topic, ownership.partitionCount, events, { signal, headers });
      return true;
    },
  };
  return { outputs, notifications, send: producer.send.bind(producer) };
}

/** A record that cannot be dead-lettered must not be acknowledged either: the process has to end. */
const FOR_EVER_MS = 2 ** 31 - 1;
