import type { IHeaders, Message, Producer, RecordMetadata } from 'kafkajs';
import { Partitioners } from 'kafkajs';
import { backoffMs, RECONNECT } from '../lib/backoff.ts';
import { messageOf, SegmentdError } from '../lib/errors.ts';
import { sleep } from '../lib/sleep.ts';
import type { ConnectionSettings, KafkaLog } from './client.ts';
import { CLIENT_RETRY, openClient } from './client.ts';
import { asKafkaError, isTopicMissing, protocolTypes, topicMissing } from './kafka-errors.ts';

export type OutRecord = {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers?: ReadonlyMap<string, Uint8Array | string>;
  /** Default: by the hash of the key, as Kafka's own producer does. */
  readonly partition?: number;
};

export type SendOptions = {
  /** Gives up when it fires. */
  readonly signal?: AbortSignal;
  /** Gives up after this many milliseconds; default: a minute. */
  readonly deadlineMs?: number;
};

export type RecordProducer = {
  /**
   * Resolves once all in-sync replicas have the records. Tries again while the broker is away; a record may then be written
   * twice. Throws SegmentdError: at the deadline or signal `broker_unavailable`, or `kafka_topic_missing`; at once
   * `broker_denied`, and `event_too_large` for a record that the topic does not take.
   */
  send(topic: string, records: readonly OutRecord[], options?: SendOptions): Promise<void>;
  /** Disconnects; sends that are under way fail. */
  close(): Promise<void>;
};

const DEADLINE_MS = 60_000;
/** Few, since `send` tries again above: a caller with a short deadline needs the broker's error. */
const RETRIES_INSIDE = 2;
const TOO_LARGE = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE']);

/** A producer that connects at its first send and is built anew after a failure. */
export function openProducer(settings: ConnectionSettings, log: KafkaLog = () => undefined): RecordProducer {
  return new PersistentProducer(settings, log);
}

class PersistentProducer implements RecordProducer {
  readonly #settings: ConnectionSettings;
  readonly #log: KafkaLog;
  readonly #closed = new AbortController();
  /** Shared by all sends, connecting or connected. */
  #current: Promise<Producer> | undefined;

  constructor(settings: ConnectionSettings, log: KafkaLog) {
    this.#settings = settings;
    this.#log = log;
  }

  async send(topic: string, records: readonly OutRecord[], options: SendOptions = {}): Promise<void> {
    if (records.length === 0) return;
    const deadlineMs = Date.now() + (options.deadlineMs ?? DEADLINE_MS);
    const signals = [this.#closed.signal, ...(options.signal ? [options.signal] : [])];
    const signal = AbortSignal.any([...signals, AbortSignal.timeout(Math.max(0, deadlineMs - Date.now()))]);
    const messages = records.map(toMessage);
    let last: unknown = new Error(this.#closed.signal.aborted ? 'the producer is closed' : 'no broker has answered');
    for (let failures = 1; !signal.aborted; failures++) {
      try {
        // A call into a hung broker takes many seconds to come back; the caller's limit counts all the same.
        await orAborted(this.#attempt(topic, messages), signal);
        return;
      } catch (error) {
        if (error === signal.reason) break;
        last = error;
        refuseHopeless(error, topic);
        this.#log('warn', 'Records were not sent; trying again', { topic, failures, error });
        await sleep(backoffMs(RECONNECT, failures), signal);
      }
    }
    if (isTopicMissing(last)) throw topicMissing(topic, last);
    throw new SegmentdError(
      'broker_unavailable',
      `${topic}: ${records.length === 1 ? '1 record was' : `${records.length} records were`} not acknowledged in time: ${messageOf(last)}`,
      {
        cause: last,
      },
    );
  }

  async close(): Promise<void> {
    this.#closed.abort(new Error('the producer was closed'));
    const current = this.#current;
    const closing = this.#discard(current);
    // One that still connects, for as long as the client tries, is disconnected behind the caller, who has waited long enough.
    if (await isSettled(current)) await closing;
  }

  async #attempt(topic: string, messages: Message[]): Promise<void> {
    this.#current ??= this.#connect();
    const current = this.#current;
    try {
      const producer = await current;
      const sent = await producer.send({ topic, messages, acks: -1, timeout: this.#settings.requestTimeoutMs });
      refuseSilentLoss(messages, sent);
    } catch (error) {
      // The fault of the record, not of the shared connection.
      if (isTooLarge(error)) throw error;
      // Others may have replaced it already; theirs is fresh.
      if (this.#current === current) this.#current = undefined;
      void this.#discard(current);
      throw error;
    }
  }

  async #connect(): Promise<Producer> {
    const kafka = await openClient(this.#settings, this.#log);
    const producer = kafka.producer({
      allowAutoTopicCreation: false,
      createPartitioner: Partitioners.DefaultPartitioner,
      retry: { ...CLIENT_RETRY, retries: RETRIES_INSIDE },
    });
    await producer.connect();
    return producer;
  }

  async #discard(current: Promise<Producer> | undefined): Promise<void> {
    try {
      await (await current)?.disconnect();
    } catch (error) {
      this.#log('debug', 'A producer could not be disconnected', { error });
    }
  }
}

const isTooLarge = (error: unknown): boolean => protocolTypes(error).some((type) => TOO_LARGE.has(type));

function refuseHopeless(error: unknown, topic: string): void {
  if (isTooLarge(error)) {
    throw new SegmentdError('event_too_large', `${topic} does not take records of this size`, { cause: error });
  }
  const known = asKafkaError(error);
  if (known.retry === 'never') throw known;
}

/** The client drops records for a partition that was added to the topic after it last looked. */
function refuseSilentLoss(messages: readonly Message[], sent: readonly RecordMetadata[]): void {
  const known = new Set(sent.map(({ partition }) => partition));
  const lost = messages.find(({ partition }) => partition !== undefined && !known.has(partition));
  if (lost) throw new Error(`the client does not know partition ${lost.partition} yet`);
}

/** Whether a promise is settled by now. */
const isSettled = (promise: Promise<unknown> | undefined): Promise<boolean> =>
  Promise.race([promise, NOT_YET]).then(
    (first) => first !== NOT_YET_MARK,
    () => true,
  );

const NOT_YET_MARK = Symbol('not yet');
const NOT_YET = Promise.resolve(NOT_YET_MARK);

async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let stop: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
  });
  work.catch(() => undefined);
  return Promise.race([work, aborted]).finally(() => signal.removeEventListener('abort', stop));
}

function toMessage({ key, value, headers, partition }: OutRecord): Message {
  const wire: IHeaders = {};
  for (const [name, content] of headers ?? []) {
    wire[name] = typeof content === 'string' ? content : Buffer.from(content);
  }
  return {
    key: key === null ? null : Buffer.from(key),
    value: value === null ? null : Buffer.from(value),
    headers: wire,
    ...(partition !== undefined && { partition }),
  };
}
