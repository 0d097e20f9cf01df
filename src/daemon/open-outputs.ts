/** What goes out over Kafka, and is remembered for `/status`. */
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
import type { Notification } from '../model.ts';
import type { PipelineContext } from '../stages/context.ts';

/** Remembers for `/status` what a notification says of a table. */
function noteChange(states: TableStates, notification: Notification): void {
  const change = changeOf(notification);
  if (change) states.changed(change);
}

export type Outputs = Pick<PipelineContext, 'deadLetter' | 'notify' | 'publish'>;

export type OutputParts = {
  readonly ownership: TableOwnership;
  readonly states: TableStates;
  readonly deadLetters: DeadLetterLog;
  readonly log: KafkaLog;
  readonly cleanup: Cleanup;
  readonly signal: AbortSignal;
};

/** Without Kafka changes are shown in `/status` alone, and a backfill is not shared out: this process is alone. */
export function outputsWithoutBroker({ states }: Pick<OutputParts, 'states'>): Outputs {
  return {
    deadLetter: () => Promise.reject(new TypeError('there is no record without Kafka')),
    notify: (notification) => noteChange(states, notification),
    publish: async () => false,
  };
}

/** Opens the producer of dead letters, notifications, and the events that share a backfill out. */
export function openOutputs(
  settings: KafkaSettings,
  { ownership, states, deadLetters: lately, log, cleanup, signal }: OutputParts,
) {
  const producer = openProducer(settings, log);
  cleanup.defer(() => producer.close());
  const deadLetters = openDeadLetters(settings, producer);
  const notifications = openNotifications(settings.notificationTopic, producer, (error) =>
    log('warn', 'a notification was lost', { error: messageOf(error) }),
  );
  cleanup.defer(() => notifications.flush());
  const outputs: Outputs = {
    deadLetter: async (record, error) => {
      await deadLetters.send(record, error, { signal, deadlineMs: FOR_EVER_MS });
      lately.note(record, error);
    },
    notify: (notification) => {
      noteChange(states, notification);
      notifications.send(notification);
    },
    publish: async (events, headers) => {
      if (ownership.partitionCount < 2) return false;
      await publishSpread(producer, settings.topic, ownership.partitionCount, events, { signal, headers });
      return true;
    },
  };
  return { outputs, notifications, publish: producer.send.bind(producer) };
}

/** A record that cannot be dead-lettered must not be acknowledged either: the process has to end. */
const FOR_EVER_MS = 2 ** 31 - 1;
