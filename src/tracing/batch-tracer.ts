/** Spans of batches, with the tracer of OpenTelemetry. */
import type { Attributes, Context, Link, Span, SpanContext, TextMapPropagator, Tracer } from '@opentelemetry/api';
import { messageOf, SegmentdError } from '../lib/errors.ts';
import type { ConsumerRecord, PendingEvent } from '../model.ts';
import { recordCount } from '../model.ts';
import type { BatchTrace, BatchTracing, Facts } from './batch-trace.ts';

/** The least that the specification has an SDK keep of a span. */
const MAX_LINKS = 128;
/** A `traceparent` has 55 bytes, and 512 is the most of a `tracestate` that has to be passed on. */
const MAX_HEADER_BYTES = 512;

export type TracerParts = {
  readonly api: Pick<typeof import('@opentelemetry/api'), 'ROOT_CONTEXT' | 'SpanKind' | 'SpanStatusCode' | 'trace'>;
  readonly tracer: Tracer;
  readonly propagator: TextMapPropagator;
  /** Consumer group, of the attributes; undefined without Kafka. */
  readonly group: string | undefined;
};

export class BatchTracer implements BatchTracing {
  readonly #parts: TracerParts;

  constructor(parts: TracerParts) {
    this.#parts = parts;
  }

  batch(table: string, events: readonly PendingEvent[]): BatchTrace | undefined {
    const records = events.flatMap(({ record }) => record ?? []);
    if (records.length === 0) return undefined;
    const { api, tracer, group } = this.#parts;
    const [parent, ...others] = distinct(records.map((record) => this.#contextOf(record)));
    const startTime = events.reduce((least, { receivedAtMs }) => Math.min(least, receivedAtMs), Date.now());
    const links: Link[] = others.slice(0, MAX_LINKS).map((context) => ({ context }));
    const attributes = { ...batchAttributes(records, group), ...own({ table, events: events.length }) };
    const kind = api.SpanKind.CONSUMER;
    const root = tracer.startSpan('batch', { kind, startTime, links, attributes }, this.#below(parent));
    const context = api.trace.setSpan(api.ROOT_CONTEXT, root);
    tracer.startSpan('intake', { startTime }, context).end();
    return {
      headers: this.#headersOf(context),
      begin: (name) => {
        const span = tracer.startSpan(name, {}, context);
        return ({ facts = {}, error }) => {
          span.setAttributes(own(facts));
          this.#end(span, error);
        };
      },
      end: (error) => this.#end(root, error),
    };
  }

  rejected(record: ConsumerRecord, error: SegmentdError): void {
    const parent = this.#contextOf(record);
    if (!parent) return;
    const { api, tracer, group } = this.#parts;
    const options = { kind: api.SpanKind.CONSUMER, attributes: batchAttributes([record], group) };
    this.#end(tracer.startSpan('intake', options, this.#below(parent)), error);
  }

  /** What the headers of a record name; undefined without a valid one. */
  #contextOf({ headers }: ConsumerRecord): SpanContext | undefined {
    if (headers.size === 0) return undefined;
    const { api, propagator } = this.#parts;
    return api.trace.getSpanContext(propagator.extract(api.ROOT_CONTEXT, headers, HEADERS));
  }

  #below(parent: SpanContext | undefined): Context {
    const { ROOT_CONTEXT, trace } = this.#parts.api;
    return parent ? trace.setSpanContext(ROOT_CONTEXT, parent) : ROOT_CONTEXT;
  }

  #headersOf(context: Context): ReadonlyMap<string, string> {
    const headers = new Map<string, string>();
    this.#parts.propagator.inject(context, headers, { set: (map, name, value) => map.set(name, value) });
    return headers;
  }

  #end(span: Span, error: unknown): void {
    if (error !== undefined) {
      const code = error instanceof SegmentdError ? error.code : 'internal';
      const message = messageOf(error);
      span.recordException({ name: code, message });
      span.setAttribute('error.type', code);
      span.setStatus({ code: this.#parts.api.SpanStatusCode.ERROR, message: `${code}: ${message}` });
    }
    span.end();
  }
}

const HEADERS = {
  keys: (headers: ConsumerRecord['headers']) => [...headers.keys()],
  get(headers: ConsumerRecord['headers'], name: string): string | undefined {
    const value = headers.get(name);
    return value && value.byteLength <= MAX_HEADER_BYTES ? Buffer.from(value).toString('latin1') : undefined;
  },
};

/** Without repetition: one trace may announce several appends. */
function distinct(contexts: readonly (SpanContext | undefined)[]): SpanContext[] {
  const known = new Map<string, SpanContext>();
  for (const context of contexts) {
    if (!context) continue;
    const key = `${context.traceId}-${context.spanId}`;
    if (!known.has(key)) known.set(key, context);
  }
  return [...known.values()];
}

const own = (facts: Facts): Attributes =>
  Object.fromEntries(Object.entries(facts).map(([name, value]) => [`segmentd.${name}`, value]));

/** Of the semantic conventions for messaging. */
function batchAttributes(records: readonly ConsumerRecord[], group: string | undefined): Attributes {
  const [first] = records;
  const { topic, partition, offset } = (first as ConsumerRecord).position;
  return {
    'messaging.system': 'kafka',
    'messaging.operation.name': 'process',
    'messaging.operation.type': 'process',
    'messaging.destination.name': topic,
    ...(group !== undefined && { 'messaging.consumer.group.name': group }),
    'messaging.batch.message_count': records.reduce((sum, record) => sum + recordCount(record), 0),
    ...(records.length === 1 && {
      'messaging.destination.partition.id': String(partition),
      'messaging.kafka.offset': Number(offset),
    }),
  };
}
