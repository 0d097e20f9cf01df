import type { Admin } from 'kafkajs';
import { SegmentdError } from '../lib/errors.ts';
import { sleep } from '../lib/sleep.ts';
import type { KafkaLog, KafkaSettings } from './client.ts';
import { CLIENT_RETRY, openClient } from './client.ts';
import type { GroupView } from './group-view.ts';
import { readGroup } from './group-view.ts';
import { asKafkaError } from './kafka-errors.ts';

type PartitionLag = {
  /** First offset that is still there. */
  readonly low: bigint;
  /** The offset that the next record will get. */
  readonly high: bigint;
  /** The next record that the group reads; undefined when it never committed. */
  readonly committed: bigint | undefined;
  /** Records not yet committed. One that aged out unread does not count. */
  readonly lag: bigint;
};

export type LagHooks = {
  onLag?(lag: ReadonlyMap<number, PartitionLag>): void;
  /** After each measurement, what the broker knows of the group; undefined when that is not known now. */
  onGroup?(view: GroupView | undefined): void;
  onError?(error: SegmentdError): void;
  log?: KafkaLog;
};

type LagProbe = {
  /** Measures at once, and then every `intervalMs`. Never throws; failures go to `onError`. */
  start(): void;
  /** Measures now instead of after the interval; `onGroup` hears nothing of the measurement that is under way. */
  soon(): void;
  /** One measurement. Throws SegmentdError `broker_unavailable`, also when it takes too long, or `broker_denied`. */
  read(): Promise<ReadonlyMap<number, PartitionLag>>;
  stop(): Promise<void>;
};

/** How far the group is behind on its topic, by partition; over one connection that is kept. */
export function openLag(settings: KafkaSettings, intervalMs: number, hooks: LagHooks = {}): LagProbe {
  return new AdminLagProbe(settings, intervalMs, hooks);
}

class AdminLagProbe implements LagProbe {
  readonly #settings: KafkaSettings;
  readonly #intervalMs: number;
  readonly #hooks: LagHooks;
  readonly #stop = new AbortController();
  #admin: Promise<Admin> | undefined;
  #loop: Promise<void> | undefined;
  /** Fires when the measurement that is under way, or its wait for the next one, is out of date. */
  #outdated = new AbortController();

  constructor(settings: KafkaSettings, intervalMs: number, hooks: LagHooks) {
    this.#settings = settings;
    this.#intervalMs = intervalMs;
    this.#hooks = hooks;
  }

  start(): void {
    this.#loop ??= this.#poll();
  }

  soon(): void {
    this.#outdated.abort();
  }

  read(): Promise<ReadonlyMap<number, PartitionLag>> {
    return this.#ask('the lag', (admin) => this.#measure(admin));
  }

  /** Over the connection that is kept, within a time. `what` is for the error. */
  async #ask<T>(what: string, ask: (admin: Admin) => Promise<T>): Promise<T> {
    this.#admin ??= this.#connect();
    const admin = this.#admin;
    const limit = new AbortController();
    const limitMs = 2 * this.#settings.requestTimeoutMs;
    const late = sleep(limitMs, limit.signal, { ref: false }).then(() => {
      throw new SegmentdError('broker_unavailable', `${what} was not known after ${limitMs} ms`);
    });
    late.catch(() => undefined);
    try {
      return await Promise.race([admin.then(ask), late]);
    } catch (error) {
      // The next measurement starts with a fresh connection.
      if (this.#admin === admin) this.#admin = undefined;
      void this.#discard(admin);
      throw asKafkaError(error);
    } finally {
      limit.abort();
    }
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    const admin = this.#admin;
    this.#admin = undefined;
    await this.#discard(admin);
    await this.#loop;
  }

  async #poll(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      this.#outdated = new AbortController();
      const { signal: outdated } = this.#outdated;
      try {
        const lag = await this.read();
        if (!signal.aborted) this.#hooks.onLag?.(lag);
        await this.#tellGroup([...lag.keys()], outdated);
      } catch (error) {
        if (signal.aborted) break;
        this.#hooks.onGroup?.(undefined);
        this.#hooks.onError?.(asKafkaError(error));
      }
      await sleep(this.#intervalMs, AbortSignal.any([signal, outdated]), { ref: false });
    }
  }

  async #tellGroup(partitions: readonly number[], outdated: AbortSignal): Promise<void> {
    const { onGroup } = this.#hooks;
    if (!onGroup || this.#stop.signal.aborted) return;
    const view = await this.#ask('the group', (admin) => readGroup(admin, this.#settings, partitions));
    if (!this.#stop.signal.aborted && !outdated.aborted) onGroup(view);
  }

  async #measure(admin: Admin): Promise<Map<number, PartitionLag>> {
    const { groupId, topic } = this.#settings;
    // Committed first: the other way round, records that arrive in between make the lag negative.
    const [group] = await admin.fetchOffsets({ groupId, topics: [topic] });
    const ends = await admin.fetchTopicOffsets(topic);
    const committed = new Map(group?.partitions.map(({ partition, offset }) => [partition, BigInt(offset)]));
    return new Map(
      ends.map((end) => [end.partition, toLag(BigInt(end.low), BigInt(end.high), committed.get(end.partition))]),
    );
  }

  async #connect(): Promise<Admin> {
    const kafka = await openClient(this.#settings, (level, message, fields) =>
      this.#hooks.log?.(level, message, fields),
    );
    const admin = kafka.admin({ retry: CLIENT_RETRY });
    await admin.connect();
    return admin;
  }

  async #discard(connecting: Promise<Admin> | undefined): Promise<void> {
    try {
      await (await connecting)?.disconnect();
    } catch (error) {
      this.#hooks.log?.('debug', 'The admin client was not closed', { error });
    }
  }
}

/** Kafka answers -1 for a partition that the group never committed. */
function toLag(low: bigint, high: bigint, committed: bigint | undefined): PartitionLag {
  const known = committed === undefined || committed < 0n ? undefined : committed;
  const from = known === undefined || known < low ? low : known;
  return { low, high, committed: known, lag: high > from ? high - from : 0n };
}
