import { setTimeout as sleep } from 'node:timers/promises';
import { backoffMs } from '../../lib/backoff.ts';
import type { SegmentdError } from '../../lib/errors.ts';
import type { KafkaLog, KafkaSettings } from '../client.ts';
import { asKafkaError } from '../kafka-errors.ts';
import { GroupConsumer } from './group-consumer.ts';
import type { Offsets } from './partition-queues.ts';
import type { RawRecord } from './raw-records.ts';

const FIRST_BACKOFF_MS = 500;
const MAX_BACKOFF_MS = 30_000;
/** A consumer that ran for so long was healthy: the next crash starts at the first wait again. */
const HEALTHY_MS = 30_000;

export type SupervisorEvents = {
  connecting(): void;
  joining(): void;
  joined(partitions: number[]): void;
  rebalancing(): void;
  batch(partition: number, records: readonly RawRecord[], next: bigint): void;
  /** With `willRestart` false the end is final. */
  crashed(error: SegmentdError, willRestart: boolean): void;
};

/** Keeps one consumer in the group: whatever ends it, another one is made after a wait, unless the broker refuses us. */
export class Supervisor {
  readonly #settings: KafkaSettings;
  readonly #log: KafkaLog;
  readonly #events: SupervisorEvents;
  readonly #stop = new AbortController();
  #consumer: GroupConsumer | undefined;
  #attempt = 0;
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
      connected: () => this.#events.joining(),
      joined: (partitions) => {
        this.#joinedMs ??= Date.now();
        this.#events.joined(partitions);
      },
      rebalancing: () => this.#events.rebalancing(),
      batch: (partition, records, next) => this.#events.batch(partition, records, next),
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

  #crashed(consumer: GroupConsumer, cause: unknown): void {
    const closed = consumer.close().catch((error: unknown) => {
      this.#log('warn', 'A crashed consumer could not be closed', { error });
    });
    if (consumer !== this.#consumer || this.#stop.signal.aborted) return;
    this.#consumer = undefined;
    const error = asKafkaError(cause, 'consumer_crashed');
    const willRestart = error.retry !== 'never';
    if (!willRestart) this.#stop.abort();
    this.#events.crashed(error, willRestart);
    if (willRestart) void this.#restart(closed);
  }

  async #restart(closed: Promise<void>): Promise<void> {
    const healthy = this.#joinedMs !== undefined && Date.now() - this.#joinedMs >= HEALTHY_MS;
    this.#joinedMs = undefined;
    this.#attempt = healthy ? 0 : this.#attempt + 1;
    const waitMs = backoffMs(Math.max(0, this.#attempt - 1), FIRST_BACKOFF_MS, MAX_BACKOFF_MS);
    const { signal } = this.#stop;
    const wait = (ms: number): Promise<void> => sleep(ms, undefined, { signal }).catch(() => undefined);
    // Two consumers of ours in the group would share the partitions, and the old one reads no more.
    await Promise.race([closed, wait(2 * this.#settings.requestTimeoutMs)]);
    await wait(waitMs);
    this.start();
  }
}
