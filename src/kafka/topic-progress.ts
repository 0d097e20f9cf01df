import type { Kafka } from 'kafkajs';
import { CLIENT_RETRY } from './client.ts';

/** How far a topic was read, over all connections of this process. */
export class TopicProgress {
  readonly caughtUp: Promise<void>;
  #resolveCaughtUp: () => void = () => undefined;
  /** The end of each partition when the topic was first reached. */
  #ends: Map<number, bigint> | undefined;
  /** The next offset to hand on, by partition. */
  readonly #next = new Map<number, bigint>();

  constructor() {
    this.caughtUp = new Promise((resolve) => {
      this.#resolveCaughtUp = resolve;
    });
  }

  /** Looks once where the topic ends. */
  async begin(kafka: Pick<Kafka, 'admin'>, topic: string): Promise<void> {
    if (this.#ends !== undefined) return;
    const admin = kafka.admin({ retry: CLIENT_RETRY });
    try {
      await admin.connect();
      const offsets = await admin.fetchTopicOffsets(topic);
      this.#ends = new Map(offsets.map(({ partition, high }) => [partition, BigInt(high)]));
      for (const { partition, low } of offsets) this.reached(partition, BigInt(low));
    } finally {
      await admin.disconnect();
    }
  }

  isHistory(partition: number, offset: bigint): boolean {
    return offset < (this.#ends?.get(partition) ?? 0n);
  }

  /** Whether the record is to be handed on: it was not before. */
  pass(partition: number, offset: bigint): boolean {
    if (offset < (this.#next.get(partition) ?? 0n)) return false;
    this.#next.set(partition, offset + 1n);
    return true;
  }

  /** Everything before `next` was handed on, or does not exist. */
  reached(partition: number, next: bigint): void {
    if (next > (this.#next.get(partition) ?? -1n)) this.#next.set(partition, next);
    const ends = [...(this.#ends ?? [])];
    if (ends.every(([each, end]) => (this.#next.get(each) ?? 0n) >= end)) this.#resolveCaughtUp();
  }
}
