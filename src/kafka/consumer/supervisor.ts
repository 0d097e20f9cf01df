import { backoffMs, RECONNECT } from '../../lib/backoff.ts';
import type { SegmentdError } from '../../lib/errors.ts';
import { sleep } from '../../lib/sleep.ts';
import type { KafkaLog, KafkaSettings } from '../client.ts';
import { asKafkaError } from '../kafka-errors.ts';
import type { ConsumerEvents } from './group-consumer.ts';
import { GroupConsumer } from './group-consumer.ts';
import type { Offsets } from './partition-queues.ts';

/** A consumer that ran for so long was healthy: the next crash starts at the first wait again. */
const HEALTHY_MS = 30_000;

type SupervisorEvents = Omit<ConsumerEvents, 'crashed'> & {
  connecting(): void;
  /** With `willRestart` false the end is final. */
  crashed(error: SegmentdError, willRestart: boolean): void;
};

/** Keeps one consumer in the group: when one ends, another is made after a wait, unless the broker refuses the client. */
export class Supervisor {
  readonly #settings: KafkaSettings;
  readonly #log: KafkaLog;
  readonly #events: SupervisorEvents;
  readonly #stop = new AbortController();
  #consumer: GroupConsumer | undefined;
  /** How often in a row a consumer ended before it was healthy. */
  #failures = 0;
  #joinedMs: number | undefined;

  constructor(settings: KafkaSettings, log: KafkaLog, events: SupervisorEvents) {
    this.#settings = settings;
    this.#log = log;
    this.#events = events;
  }

  /** Begins and returns; the events tell how it goes. */
  start(): void {
    if (this.#stop.signal.aborted) return;
    const consumer: GroupConsumer = new GroupConsumer(this.#settings, this.#log, {
      ...this.#events,
      joined: (partitions) => {
        this.#joinedMs ??= Date.now();
        this.#events.joined(partitions);
      },
      outdated: () => this.#outdated(consumer),
      crashed: (error) => this.#crashed(consumer, error),
    });
    this.#consumer = consumer;
    this.#events.connecting();
    void consumer.start();
  }

  async commit(offsets: Offsets): Promise<void> {
    const consumer = this.#consumer;
    if (consumer === undefined) throw asKafkaError(new Error('there is no consumer to commit with'));
    await consumer.commit(offsets);
  }

  pause(partition: number): void {
    this.#consumer?.pause(partition);
  }

  resume(partition: number): void {
    this.#consumer?.resume(partition);
  }

  checkAlive(nowMs: number): void {
    this.#consumer?.checkAlive(nowMs);
  }

  /** Leaves the group and makes no other consumer. */
  async close(): Promise<void> {
    this.#stop.abort();
    const consumer = this.#consumer;
    this.#consumer = undefined;
    await consumer?.close();
  }

  #outdated(consumer: GroupConsumer): void {
    const closed = this.#retire(consumer);
    if (closed === undefined) return;
    this.#log('info', 'The topic has other partitions or leaders now; a new consumer joins', {
      topic: this.#settings.topic,
    });
    this.#events.outdated();
    void this.#restart(closed);
  }

  #crashed(consumer: GroupConsumer, cause: unknown): void {
    const closed = this.#retire(consumer);
    if (closed === undefined) return;
    const error = asKafkaError(cause, { topic: this.#settings.topic, otherwise: 'consumer_crashed' });
    const willRestart = error.retry !== 'never';
    if (!willRestart) this.#stop.abort();
    this.#events.crashed(error, willRestart);
    if (willRestart) void this.#restart(closed);
  }

  /** Begins to close a consumer; undefined when it was given up before. */
  #retire(consumer: GroupConsumer): Promise<void> | undefined {
    const closed = consumer.close().catch((error: unknown) => {
      this.#log('warn', 'A consumer that ended could not be closed', { error });
    });
    if (consumer !== this.#consumer || this.#stop.signal.aborted) return undefined;
    this.#consumer = undefined;
    return closed;
  }

  async #restart(closed: Promise<void>): Promise<void> {
    const healthy = this.#joinedMs !== undefined && Date.now() - this.#joinedMs >= HEALTHY_MS;
    this.#joinedMs = undefined;
    this.#failures = healthy ? 1 : this.#failures + 1;
    const { signal } = this.#stop;
    // Two consumers of this member in the group would share the partitions, and the old one reads no more.
    await Promise.race([closed, sleep(2 * this.#settings.requestTimeoutMs, signal)]);
    await sleep(backoffMs(RECONNECT, this.#failures), signal);
    this.start();
  }
}
