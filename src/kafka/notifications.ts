import { sleep } from '../lib/sleep.ts';
import type { Notification } from '../model.ts';
import type { RecordProducer } from './producer.ts';

export type Notifications = {
  /** Sends in the background, in order; what the broker does not take in time is dropped and passed to `onLost`. */
  send(notification: Notification): void;
  /** Waits for those that are on their way, for two seconds at most. */
  flush(): Promise<void>;
};

/** A late notification is worth little, and none may hold up the work that it is about. */
const DEADLINE_MS = 30_000;
const FLUSH_MS = 2_000;
/** Waiting notifications; beyond, the broker is unreachable; the table has what was committed. */
const MAX_WAITING = 1_000;

/** Notifications on `topic`; without a topic they go nowhere. */
export function openNotifications(
  topic: string | undefined,
  producer: RecordProducer,
  onLost: (error: unknown) => void,
): Notifications {
  let waiting = 0;
  let last: Promise<void> = Promise.resolve();
  return {
    send(notification) {
      if (topic === undefined) return;
      if (waiting >= MAX_WAITING) {
        onLost(new Error('too many notifications wait for the broker'));
        return;
      }
      waiting += 1;
      const value = Buffer.from(JSON.stringify({ time: new Date().toISOString(), ...notification }));
      const record = { key: Buffer.from(notification.table), value };
      last = last
        .then(() => producer.send(topic, [record], { deadlineMs: DEADLINE_MS }))
        .catch(onLost)
        .finally(() => {
          waiting -= 1;
        });
    },
    async flush() {
      await Promise.race([last, sleep(FLUSH_MS, undefined, { ref: false })]);
    },
  };
}
