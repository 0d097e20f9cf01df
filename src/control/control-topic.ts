/** Commands that come over Kafka: every member runs each of them, and a pause is read again after a restart. */
import type { KafkaLog, KafkaSettings } from '../kafka/client.ts';
import type { FollowedRecord } from '../kafka/follow-topic.ts';
import { followTopic } from '../kafka/follow-topic.ts';
import type { Notifications } from '../kafka/notifications.ts';
import type { Cleanup } from '../lib/cleanup.ts';
import { asSegmentdError } from '../lib/errors.ts';
import { sleep } from '../lib/sleep.ts';
import type { Control } from './commands.ts';
import { commandMs, isLasting, isWork, parseCommand } from './commands.ts';
import type { TableOwnership } from './table-ownership.ts';

/** How long a start waits for the commands that the control topic holds; an unreachable broker must not block it for ever. */
const CATCH_UP_TIMEOUT_MS = 10_000;

/** Kafka, once it is known which topics there are. */
export type Broker = {
  readonly settings: KafkaSettings;
  readonly notifications: Notifications;
  /** Resolves when topics may be read. */
  readonly topicsReady: Promise<void>;
};

export type ControlTopicParts = {
  /** Undefined without Kafka. */
  readonly broker: Broker | undefined;
  readonly ownership: TableOwnership;
  readonly log: KafkaLog;
  readonly cleanup: Cleanup;
  /** Fires when the process must end. */
  readonly signal: AbortSignal;
};

/** Resolves when the commands that the control topic holds are in force, or cannot be read in time; at once without such a topic. */
export async function obeyControlTopic(parts: ControlTopicParts, control: Control): Promise<void> {
  const { broker, log, cleanup, signal } = parts;
  if (broker === undefined) return;
  const { settings, topicsReady } = broker;
  const topic = settings.controlTopic;
  await topicsReady;
  if (topic === undefined || signal.aborted) return;
  const onRecord = (record: FollowedRecord) => obey({ ...parts, broker }, control, record);
  const following = followTopic(settings, { topic, groupSuffix: 'control', onRecord }, log);
  cleanup.defer(() => following.stop());
  const late = sleep(CATCH_UP_TIMEOUT_MS, undefined, { ref: false }).then(() => 'late' as const);
  if ((await Promise.race([following.caughtUp, late])) === 'late') {
    log('warn', 'starting before all earlier commands of the control topic were read', { topic });
  }
}

function obey(
  parts: ControlTopicParts & { readonly broker: Broker },
  control: Control,
  { value, timestamp, isHistory }: FollowedRecord,
): void {
  const { ownership, log } = parts;
  const { notifications } = parts.broker;
  const failed = (thrown: unknown, what: string) => {
    const { code, message } = asSegmentdError(thrown);
    log('warn', what, { code, error: message });
  };
  try {
    const { command, table: address, by = 'control topic', time, to } = parseCommand(value);
    // Of earlier commands, only those count that change a lasting state.
    if (isHistory && !isLasting(command)) return;
    const table = control.resolve(address);
    if (isWork(command)) {
      // One member does it.
      if (!ownership.isOwner(table.id)) return;
      const begun = control.begin(command, table, { by, to });
      begun.then(
        (answer) => notifications.send({ type: 'table.status', ...answer }),
        (thrown: unknown) => failed(thrown, `what the control topic asked for cannot be done: ${command} ${table.id}`),
      );
      return;
    }
    const status = control.run(command, table, by, commandMs(time, timestamp));
    // Every member runs every command; only the owner logs the answer.
    if (!isHistory && ownership.isOwner(table.id)) notifications.send({ type: 'table.status', ...status });
  } catch (thrown) {
    failed(thrown, 'a control record was not understood');
  }
}
