/** With OpenTelemetry's own SDK, which keeps the spans in memory. */
import * as api from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { expect, test } from 'vitest';
import { SegmentdError } from '../../../src/lib/errors.ts';
import { BatchTracer } from '../../../src/tracing/batch-tracer.ts';
import { consumerRecord, pendingEvent, tableRef } from '../stages/context-fixture.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const OTHER = '0af7651916cd43dd8448eb211c80319c';
const SPAN = '00f067aa0ba902b7';
const parentOf = (trace: string, flags = '01') => `00-${trace}-${SPAN}-${flags}`;
const headers = (traceparent: string, more: Record<string, string> = {}) => ({
  headers: new Map(Object.entries({ traceparent, ...more }).map(([name, value]) => [name, Buffer.from(value)])),
});

function setUp() {
  const exporter = new InMemorySpanExporter();
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
  const propagator = new W3CTraceContextPropagator();
  const tracing = new BatchTracer({ api, tracer: provider.getTracer('test'), propagator, group: 'g' });
  const spans = () => exporter.getFinishedSpans();
  const spanOf = (name: string) => spans().find((span) => span.name === name) as ReadableSpan;
  return { tracing, spans, spanOf };
}

test('the trace of a batch goes on with that of its record, and spans of stages lie below the one of the batch', () => {
  const { tracing, spans, spanOf } = setUp();
  const event = pendingEvent(7, 't', {}, headers(parentOf(TRACE), { tracestate: 'a=1' }));
  const trace = tracing.batch('lake/t', [{ ...event, receivedAtMs: Date.now() - 5_000 }]);
  trace?.begin('plan')({ facts: { outcome: 'missing', rows: 3 } });
  trace?.end();
  expect(spans().map(({ name }) => name)).toEqual(['intake', 'plan', 'batch']);
  for (const span of spans()) expect(span.spanContext()).toMatchObject({ traceId: TRACE });
  const batch = spanOf('batch');
  expect(batch.parentSpanContext).toMatchObject({ spanId: SPAN, isRemote: true });
  expect(batch.spanContext().traceState?.serialize()).toBe('a=1');
  expect(batch).toMatchObject({
    kind: api.SpanKind.CONSUMER,
    links: [],
    attributes: {
      'segmentd.table': 'lake/t',
      'segmentd.events': 1,
      'messaging.system': 'kafka',
      'messaging.destination.name': 'appends',
      'messaging.consumer.group.name': 'g',
      'messaging.batch.message_count': 1,
      'messaging.kafka.offset': 7,
    },
  });
  // Intake is the time from the first event to the batch.
  expect(spanOf('intake').duration[0]).toBeGreaterThanOrEqual(5);
  expect(spanOf('plan').attributes).toEqual({ 'segmentd.outcome': 'missing', 'segmentd.rows': 3 });
  for (const name of ['intake', 'plan']) {
    expect(spanOf(name).parentSpanContext?.spanId).toBe(batch.spanContext().spanId);
  }
  expect(trace?.headers.get('traceparent')).toBe(`00-${TRACE}-${batch.spanContext().spanId}-01`);
  expect(trace?.headers.get('tracestate')).toBe('a=1');
});

test('of many records the first valid context is the parent, and each other one a link, once', () => {
  const { tracing, spanOf } = setUp();
  const all = ['nonsense', parentOf(TRACE), parentOf(OTHER), parentOf(TRACE), parentOf(OTHER)];
  const events = all.map((value, at) => pendingEvent(at, 't', {}, headers(value)));
  tracing.batch('lake/t', [pendingEvent(9), ...events])?.end();
  const batch = spanOf('batch');
  expect(batch.spanContext().traceId).toBe(TRACE);
  expect(batch.links.map(({ context }) => context.traceId)).toEqual([OTHER]);
  expect(batch.attributes).toMatchObject({ 'messaging.batch.message_count': 6, 'segmentd.events': 6 });
  expect(batch.attributes).not.toHaveProperty('messaging.kafka.offset');
});

test.each([
  ['empty', ''],
  ['no such thing', 'nonsense'],
  ['without a trace', `00-${'0'.repeat(32)}-${SPAN}-01`],
  ['without a span', `00-${TRACE}-${'0'.repeat(16)}-01`],
  ['of version ff', `ff-${TRACE}-${SPAN}-01`],
  ['in capitals', `00-${TRACE.toUpperCase()}-${SPAN}-01`],
  ['longer than its version allows', `${parentOf(TRACE)}-more`],
  ['longer than any', `01-${TRACE}-${SPAN}-01-${'x'.repeat(600)}`],
])('a traceparent that is %s is ignored', (_, value) => {
  const { tracing, spanOf } = setUp();
  tracing.batch('lake/t', [pendingEvent(1, 't', {}, headers(value))])?.end();
  const { traceId } = spanOf('batch').spanContext();
  expect(spanOf('batch').parentSpanContext).toBeUndefined();
  expect(traceId).not.toBe(TRACE);
  expect(spanOf('intake').spanContext().traceId).toBe(traceId);
});

test('a trace that the producer does not keep is not kept here, and says so to those after', () => {
  const { tracing, spans } = setUp();
  const trace = tracing.batch('lake/t', [pendingEvent(1, 't', {}, headers(parentOf(TRACE, '00')))]);
  trace?.begin('plan')({});
  trace?.end();
  expect(spans()).toEqual([]);
  expect(trace?.headers.get('traceparent')).toMatch(new RegExp(`^00-${TRACE}-.*-00$`));
});

test('a batch without a record is no trace', () => {
  const { tracing, spans } = setUp();
  expect(tracing.batch('lake/t', [{ event: { table: tableRef('t') }, record: null, receivedAtMs: 0 }])).toBeUndefined();
  expect(spans()).toEqual([]);
});

test('an error is recorded with its code, on the span of the stage and on that of the batch', () => {
  const { tracing, spanOf } = setUp();
  const trace = tracing.batch('lake/t', [pendingEvent(1)]);
  trace?.begin('build')({ error: new SegmentdError('build_failed', 'no memory') });
  trace?.begin('commit')({ error: new TypeError('a bug') });
  trace?.end(new SegmentdError('broker_denied', 'no'));
  const expected = { build: 'build_failed: no memory', commit: 'internal: a bug', batch: 'broker_denied: no' };
  for (const [name, message] of Object.entries(expected)) {
    const [code, text] = message.split(': ');
    expect(spanOf(name).status).toEqual({ code: api.SpanStatusCode.ERROR, message });
    expect(spanOf(name).attributes['error.type']).toBe(code);
    expect(spanOf(name).events).toMatchObject([
      { name: 'exception', attributes: { 'exception.type': code, 'exception.message': text } },
    ]);
  }
});

test('a dead letter is told in the trace of its producer, and makes no trace of its own', () => {
  const { tracing, spans, spanOf } = setUp();
  const error = new SegmentdError('event_not_json', 'not JSON');
  tracing.rejected(consumerRecord(1), error);
  expect(spans()).toEqual([]);
  tracing.rejected(consumerRecord(2, headers(parentOf(TRACE))), error);
  expect(spanOf('intake').parentSpanContext).toMatchObject({ traceId: TRACE, spanId: SPAN });
  expect(spanOf('intake').attributes).toMatchObject({ 'error.type': 'event_not_json', 'messaging.kafka.offset': 2 });
});
