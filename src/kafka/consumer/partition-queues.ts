import type { ConsumerRecord } from '../../model.ts';
import { PartitionQueue } from './partition-queue.ts';
import type { RawRecord } from './raw-records.ts';

/** Of records handed out and open, whatever their number: sixty-four of the largest that a broker takes by default. */
const MAX_IN_FLIGHT_BYTES = 64 * 1024 * 1024;
/** Of records that wait in one partition: reading goes on below it, so that a fetch is under way while these are handed out. */
const LOW_WATER_BYTES = 4 * 1024 * 1024;

export type QueuesPort = {
  /** False while nobody listens or the source drains: nothing is handed out. */
  ready(): boolean;
  deliver(record: ConsumerRecord): void;
  pause(partition: number): void;
  resume(partition: number): void;
  nowMs(): number;
};

/** What to commit, by partition: the offset of the next record to read. */
export type Offsets = ReadonlyMap<number, bigint>;

/**
 * The partitions this member has now, and the credit they share: at most `maxInFlight` records, and 64 MiB of them, are handed
 * out and open. A record that stays open holds back what its partition commits and nothing else: a crash replays what came
 * after it, which does no harm. Knows nothing of Kafka; it is told of joins and batches and says what to pause and what to
 * commit.
 */
export class PartitionQueues {
  readonly #topic: string;
  readonly #maxInFlight: number;
  readonly #port: QueuesPort;
  #lanes = new Map<number, PartitionQueue>();
  #order: readonly PartitionQueue[] = [];
  /** Closed by a rebalance that has not ended: who gets their partitions is not known yet. */
  #retired: PartitionQueue[] = [];
  /** The partition to serve first next time, so that none starves. */
  #turn = 0;
  #pumping = false;
  /** Records handed out by the lanes of now and not acknowledged. */
  #unacked = 0;
  #unackedBytes = 0;

  constructor(topic: string, maxInFlight: number, port: QueuesPort) {
    this.#topic = topic;
    this.#maxInFlight = maxInFlight;
    this.#port = port;
  }

  /** Starts a new assignment. Open records of partitions that stay are delivered again; those that went are aborted. */
  assign(partitions: readonly number[]): void {
    this.retire();
    for (const lane of this.#retired) {
      if (!partitions.includes(lane.partition)) lane.abort();
      // A pause outlives a rebalance inside the client, and would starve the new lane.
      else if (lane.paused) this.#port.resume(lane.partition);
    }
    this.#retired = [];
    const acked = (bytes: number) => {
      this.#unacked -= 1;
      this.#unackedBytes -= bytes;
      this.pump();
    };
    this.#lanes = new Map(
      partitions.map((partition) => [partition, new PartitionQueue(this.#topic, partition, acked)]),
    );
    this.#order = [...this.#lanes.values()];
  }

  /**
   * Ends the assignment: no acks count from here on, and no credit is held by work that may never be acknowledged. Records
   * are not aborted until it is known that their partition went elsewhere.
   */
  retire(): void {
    for (const lane of this.#lanes.values()) lane.close(false);
    this.#retired.push(...this.#lanes.values());
    this.#lanes = new Map();
    this.#order = [];
    this.#unacked = 0;
    this.#unackedBytes = 0;
  }

  /** Ends it for good: everything still open is aborted. */
  abort(): void {
    this.retire();
    for (const lane of this.#retired) lane.abort();
    this.#retired = [];
  }

  /** Takes a batch; one for a partition that is not ours now is dropped, since its position does not count either. */
  accept(partition: number, records: readonly RawRecord[], next: bigint): void {
    const lane = this.#lanes.get(partition);
    if (lane === undefined) return;
    lane.accept(records, next);
    this.pump();
    if (!lane.paused && !this.#isShort(lane)) {
      lane.paused = true;
      this.#port.pause(partition);
    }
  }

  /** Hands out what credit allows, one record per partition in turn. */
  pump(): void {
    // An ack may come while a record is handed out; the loop below sees the credit it gives back.
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      const nowMs = this.#port.nowMs();
      while (this.#unacked < this.#maxInFlight && this.#port.ready()) {
        const lane = this.#next();
        const bytes = lane?.nextBytes ?? 0;
        // A single record of any size goes out when nothing else is.
        if (this.#unacked > 0 && this.#unackedBytes + bytes > MAX_IN_FLIGHT_BYTES) break;
        const record = lane?.take(nowMs);
        if (lane === undefined || record === undefined) break;
        this.#unacked += 1;
        this.#unackedBytes += bytes;
        if (lane.paused && this.#isShort(lane)) {
          lane.paused = false;
          this.#port.resume(lane.partition);
        }
        this.#port.deliver(record);
      }
    } finally {
      this.#pumping = false;
    }
  }

  /** Forgets what waits to be handed out; what is out stays out. */
  dropBuffers(): void {
    for (const lane of this.#lanes.values()) lane.dropBuffer();
  }

  pendingCommits(): Offsets {
    const offsets = new Map<number, bigint>();
    for (const [partition, lane] of this.#lanes) {
      if (lane.pendingCommit !== undefined) offsets.set(partition, lane.pendingCommit);
    }
    return offsets;
  }

  /**
   * What to call when a commit of `offsets` has landed. Bound to the lanes of now: the answer to a commit may come after a
   * rebalance, and must not count for the lanes that came then.
   */
  committer(offsets: Offsets): () => void {
    const lanes = this.#lanes;
    return () => {
      for (const [partition, offset] of offsets) lanes.get(partition)?.committedTo(offset);
    };
  }

  get assigned(): number[] {
    return [...this.#lanes.keys()].sort((a, b) => a - b);
  }

  get unacked(): number {
    return this.#unacked;
  }

  get oldestSinceMs(): number | undefined {
    const times = [...this.#lanes.values()].flatMap((lane) => lane.oldestSinceMs ?? []);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** Whether so little of a partition waits that more is to be read. */
  #isShort({ buffered, bufferedBytes }: PartitionQueue): boolean {
    return buffered <= this.#maxInFlight && bufferedBytes <= LOW_WATER_BYTES;
  }

  #next(): PartitionQueue | undefined {
    for (let step = 0; step < this.#order.length; step++) {
      const index = (this.#turn + step) % this.#order.length;
      const lane = this.#order[index];
      if (lane === undefined || lane.buffered === 0) continue;
      this.#turn = index + 1;
      return lane;
    }
    return undefined;
  }
}
