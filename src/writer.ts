/**
 * What `import { openWriter } from 'segmentd'` gives: appends with LanceDB and announces each append, so that segmentd indexes
 * it at once. The caller brings its own LanceDB; the types below say what is needed of it.
 */
import { DATABASE_NAME } from './config/database-options.ts';
import { BROKER, CONNECTION_TIMEOUT_MS, REQUEST_TIMEOUT_MS, TOPIC } from './config/kafka-options.ts';
import { encodeAppendEvent } from './events/append-event.ts';
import { resolveTable } from './events/table-address.ts';
import type { SaslSettings, TlsSettings } from './kafka/client.ts';
import type { RecordProducer } from './kafka/producer.ts';
import { openProducer } from './kafka/producer.ts';
import type { SegmentdError } from './lib/errors.ts';
import { asSegmentdError } from './lib/errors.ts';

export type { SaslSettings, SegmentdError, TlsSettings };

/** A table as LanceDB opens it. */
export type Appendable<Data> = {
  readonly name: string;
  add(data: Data): Promise<{ readonly version: number }>;
};

/** A LanceDB connection. */
export type TableOpener<Data> = {
  openTable(name: string, namespacePath?: string[]): Promise<Appendable<Data> & { close(): void }>;
};

export type WriterOptions<Data> = {
  /** Connection to the database; it stays the caller's to close. */
  readonly connection: TableOpener<Data>;
  /** The name that segmentd's configuration has for that database. */
  readonly database: string;
  /** `host:port` each. */
  readonly brokers: readonly string[];
  /** Topic of append events; default: `segmentd.append-events`. */
  readonly topic?: string;
  readonly ssl?: Partial<TlsSettings>;
  readonly sasl?: SaslSettings;
  /** Client id, as seen in broker logs and quotas, and `producer` of the events; default: `segmentd-writer`. */
  readonly clientId?: string;
  /** How long an announcement is tried, milliseconds; default: 15,000. */
  readonly announceTimeoutMs?: number;
  /**
   * The trace that an announcement goes on with, asked for within `append`: what OpenTelemetry's
   * `propagation.inject(context.active(), headers)` writes.
   */
  readonly traceContext?: () => TraceContext;
};

/** Headers of W3C Trace Context. */
export type TraceContext = { readonly traceparent?: string; readonly tracestate?: string };

/**
 * The append has landed, as this version of `table` (`<database>/<table>`). When it could not be announced, it stands all the
 * same: segmentd's sweep, or the next event for the table, finds it later. Appending again would write the rows twice.
 */
export type Appended =
  | { readonly table: string; readonly version: number; readonly announced: true }
  | { readonly table: string; readonly version: number; readonly announced: false; readonly error: SegmentdError };

export type Writer<Data> = {
  /**
   * Appends to a table, by name or as LanceDB opened it, and announces the version once it has landed. A table in a namespace is named
   * `<namespace>$<table>`; as LanceDB opened it, it does not tell its namespace. Calls may overlap. Rejects
   * when nothing was appended: with LanceDB's own error, with `event_table_invalid` for a name that cannot be announced, or
   * because the writer is closed.
   */
  append(table: string | Appendable<Data>, data: Data): Promise<Appended>;
  /** Lets the appends under way finish, with their announcements, and disconnects from Kafka. */
  close(): Promise<void>;
};

const CLIENT_ID = 'segmentd-writer';
/** Longer than a broker's restart. */
const ANNOUNCE_TIMEOUT_MS = 15_000;

/** Makes a writer; it connects to Kafka with its first append. Throws a TypeError for a database or broker written wrongly. */
export function openWriter<Data>(options: WriterOptions<Data>): Writer<Data> {
  const { database, brokers } = options;
  if (!DATABASE_NAME.test(database)) throw new TypeError(`${JSON.stringify(database)} is not the name of a database`);
  const wrong = brokers.find((broker) => !BROKER.test(broker));
  if (wrong !== undefined || brokers.length === 0) throw new TypeError('brokers: expected host:port, one at least');
  return new AnnouncingWriter(options);
}

class AnnouncingWriter<Data> implements Writer<Data> {
  readonly #options: WriterOptions<Data>;
  readonly #producer: RecordProducer;
  readonly #running = new Set<Promise<unknown>>();
  #closed = false;

  constructor(options: WriterOptions<Data>) {
    this.#options = options;
    this.#producer = openProducer({
      brokers: options.brokers,
      clientId: options.clientId ?? CLIENT_ID,
      ssl: { enabled: options.ssl !== undefined, rejectUnauthorized: true, ...options.ssl },
      sasl: options.sasl,
      connectionTimeoutMs: CONNECTION_TIMEOUT_MS,
      requestTimeoutMs: REQUEST_TIMEOUT_MS,
    });
  }

  async append(table: string | Appendable<Data>, data: Data): Promise<Appended> {
    if (this.#closed) throw new Error('the writer is closed: nothing was appended');
    const headers = traceHeaders(this.#options.traceContext?.());
    const running = this.#append(table, data, headers);
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#running);
    await this.#producer.close();
  }

  async #append(table: string | Appendable<Data>, data: Data, headers: ReadonlyMap<string, string>): Promise<Appended> {
    const { database, topic = TOPIC, clientId: producer = CLIENT_ID } = this.#options;
    const name = typeof table === 'string' ? table : table.name;
    // Before anything is written: what cannot be announced is not appended.
    const ref = resolveTable(new Map([[database, `/${database}`]]), `${database}/${name}`);
    const version = typeof table === 'string' ? await this.#addByName(table, data) : (await table.add(data)).version;
    const landed = { table: ref.id, version };
    try {
      const record = encodeAppendEvent({ table: ref, version, time: new Date().toISOString(), producer });
      const deadlineMs = this.#options.announceTimeoutMs ?? ANNOUNCE_TIMEOUT_MS;
      await this.#producer.send(topic, [{ ...record, headers }], { deadlineMs });
      return { ...landed, announced: true };
    } catch (error) {
      return { ...landed, announced: false, error: asSegmentdError(error) };
    }
  }

  /** Opened anew each time, which takes some milliseconds: a table may have been dropped and made again. */
  async #addByName(name: string, data: Data): Promise<number> {
    const path = name.split('$');
    const own = path.pop() as string;
    const table = await this.#options.connection.openTable(own, ...(path.length > 0 ? [path] : []));
    try {
      return (await table.add(data)).version;
    } finally {
      table.close();
    }
  }
}

function traceHeaders({ traceparent, tracestate }: TraceContext = {}): ReadonlyMap<string, string> {
  if (!traceparent) return new Map();
  return new Map([['traceparent', traceparent], ...(tracestate ? [['tracestate', tracestate] as const] : [])]);
}
