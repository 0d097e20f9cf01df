import type { ConsumerRecord } from '../../model.ts';
import type { Fetched } from './consumer-record.ts';
import { PartitionQueue } from './partition-queue.ts';

/** Of records handed out and open, whatever their number: sixty-four of the largest that a broker takes by default. */
const MAX_IN_FLIGHT_BYTES = 64 * 1024 * 1024;
/** Of records that wait in one partition: reading goes on below it, so that a fetch is under way while these are handed out. */
const LOW_WATER_BYTES = 4 * 1024 * 1024;

type QueuesPort = {
  /** False without a subscriber and while the source drains: nothing is handed out. */
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
 * after it, which does no harm. Knows nothing of Kafka; joins and batches come in, and it says what to pause and what to
 * commit.
 */
export class PartitionQueues {
  readonly #topic: string;
  readonly #maxInFlight: number;
  readonly #port: QueuesPort;
  #queues = new Map<number, PartitionQueue>();
  #order: readonly PartitionQueue[] = [];
  /** Closed by a rebalance that has not ended: the next owners of their partitions are not known yet. */
  #retired: PartitionQueue[] = [];
  /** The partition to serve first next time, so that each is served. */
  #turn = 0;
  #pumping = false;
  /** Records handed out by the queues of now and not acknowledged. */
  #unacked = 0;
  #unackedBytes = 0;

  constructor(topic: string, maxInFlight: number, port: QueuesPort) {
    this.#topic = topic;
    this.#maxInFlight = maxInFlight;
    this.#port = port;
  }

  /** Starts a new assignment. Open records of partitions that stay are delivered again; those of other partitions are aborted. */
  assign(partitions: readonly number[]): void {
    this.retire();
    for (const queue of this.#retired) {
      if (!partitions.includes(queue.partition)) queue.abort();
      // A pause survives a rebalance inside the client, and would keep the new queue empty.
      else if (queue.paused) this.#port.resume(queue.partition);
    }
    this.#retired = [];
    const acked = (bytes: number) => {
      this.#unacked -= 1;
      this.#unackedBytes -= bytes;
      this.pump();
    };
    this.#queues = new Map(
      partitions.map((partition) => [partition, new PartitionQueue(this.#topic, partition, acked)]),
    );
    this.#order = [...this.#queues.values()];
  }

  /**
   * Ends the assignment: no acks count from here on, and no credit is held by work that may never be acknowledged. Records
   * are not aborted until it is known that their partition went elsewhere.
   */
  retire(): void {
    for (const queue of this.#queues.values()) queue.close(false);
    this.#retired.push(...this.#queues.values());
    this.#queues = new Map();
    this.#order = [];
    this.#unacked = 0;
    this.#unackedBytes = 0;
  }

  /** Ends it for good: everything still open is aborted. */
  abort(): void {
    this.retire();
    for (const queue of this.#retired) queue.abort();
    this.#retired = [];
  }

  /** Takes a batch; one for a partition that this member does not own now is dropped: its position does not count either. */
  accept(partition: number, fetched: Fetched, next: bigint): void {
    const queue = this.#queues.get(partition);
    if (queue === undefined) return;
    queue.accept(fetched, next);
    this.pump();
    if (!queue.paused && !this.#isShort(queue)) {
      queue.paused = true;
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
        const queue = this.#next();
        const bytes = queue?.nextBytes ?? 0;
        // A single record of any size goes out when nothing else is.
        if (this.#unacked > 0 && this.#unackedBytes + bytes > MAX_IN_FLIGHT_BYTES) break;
        const record = queue?.take(nowMs);
        if (queue === undefined || record === undefined) break;
        this.#unacked += 1;
        this.#unackedBytes += bytes;
        if (queue.paused && this.#isShort(queue)) {
          queue.paused = false;
          this.#port.resume(queue.partition);
        }
        this.#port.deliver(record);
      }
    } finally {
      this.#pumping = false;
    }
  }

  /** Forgets what waits to be handed out; what is out stays out. */
  dropBuffers(): void {
    for (const queue of this.#queues.values()) queue.dropBuffer();
  }

  pendingCommits(): Offsets {
    const offsets = new Map<number, bigint>();
    for (const [partition, queue] of this.#queues) {
      if (queue.pendingCommit !== undefined) offsets.set(partition, queue.pendingCommit);
    }
    return offsets;
  }

  /**
   * What to call when a commit of `offsets` has landed. Bound to the queues of now: the answer to a commit may come after a
   * rebalance, and must not count for the queues that came then.
   */
  committer(offsets: Offsets): () => void {
    const queues = this.#queues;
    return () => {
      for (const [partition, offset] of offsets) queues.get(partition)?.committedTo(offset);
    };
  }

  get assigned(): number[] {
    return [...this.#queues.keys()].sort((a, b) => a - b);
  }

  get unacked(): number {
    return this.#unacked;
  }

  get oldestSinceMs(): number | undefined {
    const times = [...this.#queues.values()].flatMap((queue) => queue.oldestSinceMs ?? []);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** Whether so little of a partition waits that more is to be read. */
  #isShort({ buffered, bufferedBytes }: PartitionQueue): boolean {
    return buffered <= this.#maxInFlight && bufferedBytes <= LOW_WATER_BYTES;
  }

  #next(): PartitionQueue | undefined {
    for (let step = 0; step < this.#order.length; step++) {
      const index = (this.#turn + step) % this.#order.length;
      const queue = this.#order[index];
      if (queue === undefined || queue.buffered === 0) continue;
      this.#turn = index + 1;
      return queue;
    }
    return undefined;
  }
}
