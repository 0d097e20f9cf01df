import { Observable, Subject } from 'rxjs';
import type { SegmentdError } from '../../lib/errors.ts';
import { sleep } from '../../lib/sleep.ts';
import type { ConsumerRecord } from '../../model.ts';
import type { KafkaLog, KafkaSettings } from '../client.ts';
import { OffsetCommitter } from './offset-committer.ts';
import { PartitionQueues } from './partition-queues.ts';
import { Supervisor } from './supervisor.ts';

export type SourceState =
  | 'connecting'
  | 'joining'
  | 'running'
  | 'rebalancing'
  | 'rebuilding'
  | 'draining'
  | 'stopped'
  | 'failed';

export type SourceHooks = {
  onState?(state: SourceState): void;
  /** After each join: the partitions that this member owns now. */
  onRebalance?(assigned: readonly number[]): void;
  onCrash?(error: SegmentdError, willRestart: boolean): void;
  onCommit?(result: 'ok' | 'failed', seconds: number): void;
  /** Whether records that were handed out are being worked on. Those that only wait are not worth waiting for when draining. */
  isBusy?(): boolean;
  log?: KafkaLog;
};

export type RecordSource = {
  /**
   * Records to be acknowledged, at least once each. Nothing is handed out without a subscriber. Completes after `drain`; ends in a
   * SegmentdError `broker_denied` when the broker refuses the client.
   */
  readonly records$: Observable<ConsumerRecord>;
  /** Begins to connect, and goes on trying for as long as it takes; `state` tells. */
  start(): Promise<void>;
  state(): SourceState;
  /** What ended the last consumer, until another one has joined. */
  problem(): SegmentdError | undefined;
  /** The partitions of this member, rising. */
  assigned(): number[];
  /** Records handed out and not acknowledged: never more than `maxInFlight`. */
  unacked(): number;
  /** Age of the oldest of them in milliseconds; 0 when there is none. */
  oldestUnackedMs(): number;
  /**
   * Hands out nothing more, waits for the acks of what is out for as long as it is worked on, commits, leaves the group,
   * disconnects and completes. Takes at most `deadlineMs` milliseconds: what is not acknowledged by then is aborted and will be
   * delivered to another member.
   */
  drain(deadlineMs: number): Promise<void>;
};

/** Of the time to drain, kept back for the last commit and for leaving the group. */
const FAREWELL_SHARE = 0.25;
const FAREWELL_MAX_MS = 2_000;
const ACK_POLL_MS = 20;
/** So long without an ack and without work, and what is out waits: for an operator, for a next try, for a version. */
const QUIET_MS = 500;

/** The records of the topic that fall to this member of the group. Does nothing until `start`. */
export function openSource(settings: KafkaSettings, hooks: SourceHooks = {}): RecordSource {
  return new Source(settings, hooks);
}

class Source implements RecordSource {
  readonly records$: Observable<ConsumerRecord>;
  readonly #settings: KafkaSettings;
  readonly #hooks: SourceHooks;
  readonly #subject = new Subject<ConsumerRecord>();
  readonly #queues: PartitionQueues;
  readonly #committer: OffsetCommitter;
  readonly #supervisor: Supervisor;
  #state: SourceState = 'connecting';
  #problem: SegmentdError | undefined;
  #timer: NodeJS.Timeout | undefined;
  #drained: Promise<void> | undefined;

  constructor(settings: KafkaSettings, hooks: SourceHooks) {
    this.#settings = settings;
    this.#hooks = hooks;
    const log: KafkaLog = (level, message, fields) => hooks.log?.(level, message, fields);
    this.#queues = new PartitionQueues(settings.topic, settings.maxInFlight, {
      ready: () => this.#state === 'running' && this.#subject.observed,
      deliver: (record) => this.#subject.next(record),
      pause: (partition) => this.#supervisor.pause(partition),
      resume: (partition) => this.#supervisor.resume(partition),
      nowMs: Date.now,
    });
    this.#committer = new OffsetCommitter(this.#queues, {
      send: (offsets) => this.#supervisor.commit(offsets),
      done: (result, seconds, error) => {
        if (result === 'failed') log('warn', 'Offsets were not committed; they are with the next commit', { error });
        hooks.onCommit?.(result, seconds);
      },
    });
    this.#supervisor = this.#supervise(log);
    this.records$ = new Observable((subscriber) => {
      const subscription = this.#subject.subscribe(subscriber);
      this.#queues.pump();
      return subscription;
    });
  }

  async start(): Promise<void> {
    if (this.#timer !== undefined || this.#drained !== undefined) return;
    this.#timer = setInterval(() => {
      this.#committer.tick();
      this.#supervisor.checkAlive(Date.now());
    }, this.#settings.commitIntervalMs);
    this.#supervisor.start();
  }

  state(): SourceState {
    return this.#state;
  }

  problem(): SegmentdError | undefined {
    return this.#problem;
  }

  assigned(): number[] {
    return this.#queues.assigned;
  }

  unacked(): number {
    return this.#queues.unacked;
  }

  oldestUnackedMs(): number {
    const since = this.#queues.oldestSinceMs;
    return since === undefined ? 0 : Math.max(0, Date.now() - since);
  }

  drain(deadlineMs: number): Promise<void> {
    this.#drained ??= this.#drain(Date.now() + deadlineMs, deadlineMs);
    return this.#drained;
  }

  async #drain(endMs: number, lengthMs: number): Promise<void> {
    if (this.#state !== 'failed') {
      this.#enter('draining');
      this.#queues.dropBuffers();
      const acksEndMs = endMs - Math.min(FAREWELL_MAX_MS, lengthMs * FAREWELL_SHARE);
      await this.#acks(acksEndMs);
      const timeUp = new AbortController();
      const atEnd = sleep(Math.max(0, endMs - Date.now()), timeUp.signal);
      // Committed first: once a consumer begins to stop, its commits are no longer sent.
      await Promise.race([this.#committer.flush(endMs), atEnd]);
      const closed = this.#supervisor.close().catch((error: unknown) => {
        this.#hooks.log?.('warn', 'The consumer could not leave the group', { error });
      });
      await Promise.race([closed, atEnd]);
      timeUp.abort();
    }
    clearInterval(this.#timer);
    this.#queues.abort();
    this.#subject.complete();
    if (this.#state !== 'failed') this.#enter('stopped');
  }

  async #acks(endMs: number): Promise<void> {
    let { unacked } = this.#queues;
    let quietMs = Date.now();
    while (unacked > 0 && Date.now() < endMs && Date.now() - quietMs < QUIET_MS) {
      await sleep(ACK_POLL_MS);
      if (this.#queues.unacked !== unacked || (this.#hooks.isBusy?.() ?? true)) quietMs = Date.now();
      ({ unacked } = this.#queues);
    }
  }

  #supervise(log: KafkaLog): Supervisor {
    return new Supervisor(this.#settings, log, {
      connecting: () => {
        if (this.#state !== 'rebuilding' && this.#state !== 'rebalancing') this.#enter('connecting');
      },
      connected: () => this.#enter('joining'),
      joined: (partitions) => {
        this.#queues.assign(partitions);
        if (this.#state === 'draining') this.#queues.dropBuffers();
        this.#problem = undefined;
        this.#enter('running');
        this.#hooks.onRebalance?.(this.#queues.assigned);
      },
      rebalancing: () => {
        // In this order and without a pause between: the commit must be on the wire before the new join is.
        void this.#committer.now();
        this.#queues.retire();
        this.#enter('rebalancing');
      },
      batch: (partition, fetched, next) => this.#queues.accept(partition, fetched, next),
      outdated: () => {
        this.#queues.retire();
        this.#enter('rebalancing');
      },
      crashed: (error, willRestart) => {
        this.#queues.retire();
        this.#problem = error;
        this.#hooks.onCrash?.(error, willRestart);
        this.#enter(willRestart ? 'rebuilding' : 'failed');
        if (!willRestart) this.#fail(error);
      },
    });
  }

  #fail(error: SegmentdError): void {
    clearInterval(this.#timer);
    this.#queues.abort();
    this.#subject.error(error);
  }

  /** Draining is left only for its end; a join or a crash on the way there changes nothing of it. */
  #enter(state: SourceState): void {
    const final = state === 'stopped' || state === 'failed';
    if (this.#state === state || (this.#drained !== undefined && state !== 'draining' && !final)) return;
    this.#state = state;
    this.#hooks.onState?.(state);
  }
}
