import type { Consumer, EachBatchPayload } from 'kafkajs';
import { SegmentdError } from '../../lib/errors.ts';
import { memberName } from '../../lib/member-name.ts';
import { sleep } from '../../lib/sleep.ts';
import type { KafkaLog, KafkaSettings } from '../client.ts';
import { CLIENT_RETRY, openClient } from '../client.ts';
import { Fetched } from './consumer-record.ts';
import type { Offsets } from './partition-queues.ts';
import { topicAssigner } from './topic-assigner.ts';

/** A consumer that leaves while it joins becomes a member after it has left: the leave waits so long for the join, at most. */
const JOIN_PATIENCE_MS = 2_000;

export type ConsumerEvents = {
  connected(): void;
  /** A new assignment: everything of the old one is void. */
  joined(partitions: number[]): void;
  /** The group changes. A commit started inside this call still reaches the broker before the new join does. */
  rebalancing(): void;
  batch(partition: number, fetched: Fetched, next: bigint): void;
  /** It is over, since the topic has other partitions or leaders now. The consumer is to be closed and another one made. */
  outdated(): void;
  /** It is over, for any other reason. The consumer is to be closed and another one made. */
  crashed(error: unknown): void;
};

/** One consumer of the group, from connecting to its end. It never restarts itself. */
export class GroupConsumer {
  readonly #settings: KafkaSettings;
  readonly #log: KafkaLog;
  readonly #events: ConsumerEvents;
  readonly #settled: Promise<void>;
  #settle: () => void = () => undefined;
  #consumer: Consumer | undefined;
  #commit: EachBatchPayload['commitOffsetsIfNecessary'] | undefined;
  /** Whether the next join was to be expected. */
  #announced = true;
  /** Kept when the client joins again because the topic changed; a new one comes after an expired session. */
  #memberId: string | undefined;
  #over = false;
  #aliveMs: number | undefined;

  constructor(settings: KafkaSettings, log: KafkaLog, events: ConsumerEvents) {
    this.#settings = settings;
    this.#log = log;
    this.#events = events;
    this.#settled = new Promise((done) => {
      this.#settle = done;
    });
  }

  /** Connects and joins. Never rejects: errors, now or later, are passed to `crashed`. */
  async start(): Promise<void> {
    await this.#run().catch((error: unknown) => this.#crash(error));
  }

  /** Commits these offsets with the generation of now, or rejects; it is never tried again under a later one. */
  async commit(offsets: Offsets): Promise<void> {
    const consumer = this.#consumer;
    if (consumer === undefined || this.#over) throw new SegmentdError('broker_unavailable', 'nothing was read yet');
    const { topic } = this.#settings;
    const partitions = [...offsets].map(([partition, offset]) => ({ partition, offset: offset.toString() }));
    // The consumer's own commitOffsets retries what fails on the way, and could then commit for partitions that others have by
    // now. It has to do until the first record is read, when only aborted transactions are passed.
    if (this.#commit === undefined) await consumer.commitOffsets(partitions.map((each) => ({ topic, ...each })));
    else await this.#commit({ topics: [{ topic, partitions }] });
  }

  /** Stops reading a partition; its position is kept. */
  pause(partition: number): void {
    this.#steer((consumer, where) => consumer.pause(where), partition);
  }

  resume(partition: number): void {
    this.#steer((consumer, where) => consumer.resume(where), partition);
  }

  /** Ends a consumer that has neither fetched nor joined for longer than any of its steps may take. */
  checkAlive(nowMs: number): void {
    const limit = this.#settings.rebalanceTimeoutMs + 2 * this.#settings.requestTimeoutMs;
    if (this.#aliveMs === undefined || nowMs - this.#aliveMs <= limit) return;
    this.#crash(new SegmentdError('consumer_crashed', `the consumer neither fetched nor joined for ${limit} ms`));
  }

  /** Leaves the group and disconnects. A broker that hangs holds this up for twice the request time-out. */
  async close(): Promise<void> {
    this.#over = true;
    const consumer = this.#consumer;
    if (consumer === undefined) return;
    await Promise.race([this.#settled, sleep(JOIN_PATIENCE_MS, undefined, { ref: false })]);
    // The client emits the join just before it counts as joined itself.
    await sleep(0);
    await consumer.disconnect();
  }

  async #run(): Promise<void> {
    const kafka = await openClient(this.#settings, this.#log);
    if (this.#over) return;
    const consumer = kafka.consumer({
      groupId: this.#settings.groupId,
      sessionTimeout: this.#settings.sessionTimeoutMs,
      heartbeatInterval: this.#settings.heartbeatIntervalMs,
      rebalanceTimeout: this.#settings.rebalanceTimeoutMs,
      maxWaitTimeInMs: this.#settings.maxWaitMs,
      maxBytesPerPartition: this.#settings.maxBytesPerPartition,
      metadataMaxAge: this.#settings.metadataMaxAgeMs,
      allowAutoTopicCreation: false,
      partitionAssigners: [topicAssigner(kafka, memberName(this.#settings.clientId))],
      // A consumer has retries of its own, which those of the client do not set. Restarts are not its business.
      retry: { ...CLIENT_RETRY, restartOnFailure: async () => false },
    });
    this.#consumer = consumer;
    this.#listen(consumer);
    await consumer.connect();
    this.#alive();
    if (this.#over) return;
    this.#events.connected();
    // From the beginning, or an offset that fell out of retention would silently jump to the end and lose records.
    await consumer.subscribe({ topics: [this.#settings.topic], fromBeginning: true });
    if (this.#over) return;
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: true,
      partitionsConsumedConcurrently: 1,
      eachBatch: async (payload) => this.#batch(payload),
    });
  }

  #listen(consumer: Consumer): void {
    const { CRASH, END_BATCH_PROCESS, FETCH, HEARTBEAT, REBALANCING } = consumer.events;
    consumer.on(CRASH, ({ payload }) => this.#crash(payload.error));
    consumer.on(FETCH, () => this.#alive());
    consumer.on(HEARTBEAT, () => this.#alive());
    // What holds aborted transactions and control records only never reaches eachBatch.
    consumer.on(END_BATCH_PROCESS, ({ payload: { batchSize, partition, lastOffset } }) => {
      if (batchSize === 0 && !this.#over) this.#events.batch(partition, new Fetched([]), BigInt(lastOffset) + 1n);
    });
    consumer.on(REBALANCING, () => {
      this.#alive();
      this.#announced = true;
      if (!this.#over) this.#events.rebalancing();
    });
    this.#listenToJoins(consumer);
  }

  #listenToJoins(consumer: Consumer): void {
    const { GROUP_JOIN, RECEIVED_UNSUBSCRIBED_TOPICS } = consumer.events;
    let foreign: readonly string[] = [];
    consumer.on(RECEIVED_UNSUBSCRIBED_TOPICS, ({ payload }) => {
      foreign = payload.topicsNotSubscribed;
    });
    consumer.on(GROUP_JOIN, ({ payload }) => {
      this.#alive();
      this.#settle();
      if (this.#over) return;
      // Not before: a consumer that leaves while it joins stays in the group.
      if (foreign.length > 0) {
        const topics = foreign.join(', ');
        this.#crash(
          new SegmentdError('kafka_group_mixed', `${payload.groupId} gave this member partitions of ${topics}`),
        );
        return;
      }
      // After an expired session or a change of the topic the client joins again without a word, while fetches from other
      // brokers, at positions that are void, are still under way: only a new consumer is sure not to skip records.
      if (!this.#announced) {
        if (payload.memberId === this.#memberId) this.#end(() => this.#events.outdated());
        else this.#crash(new SegmentdError('consumer_crashed', 'the session expired, and the consumer joined again'));
        return;
      }
      this.#announced = false;
      this.#memberId = payload.memberId;
      this.#events.joined(payload.memberAssignment[this.#settings.topic] ?? []);
    });
  }

  #batch({ batch, commitOffsetsIfNecessary }: EachBatchPayload): void {
    if (this.#over) return;
    this.#commit = commitOffsetsIfNecessary;
    this.#events.batch(batch.partition, new Fetched(batch.messages), BigInt(batch.lastOffset()) + 1n);
  }

  #alive(): void {
    this.#aliveMs = Date.now();
  }

  #crash(error: unknown): void {
    this.#end(() => this.#events.crashed(error));
  }

  #end(tell: () => void): void {
    this.#settle();
    if (this.#over) return;
    this.#over = true;
    tell();
  }

  #steer(
    action: (consumer: Consumer, where: { topic: string; partitions: number[] }[]) => void,
    partition: number,
  ): void {
    if (this.#consumer === undefined || this.#over) return;
    try {
      action(this.#consumer, [{ topic: this.#settings.topic, partitions: [partition] }]);
    } catch (error) {
      // Thrown only while the consumer is stopping or crashing, and both end the assignment that this was about.
      this.#log('debug', 'A partition could not be paused or resumed', { partition, error });
    }
  }
}
