/** Traces as a collector gets them, from a real daemon. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as api from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { StackContextManager } from '@opentelemetry/sdk-trace';
import { expect, onTestFinished, test } from 'vitest';
import { openWriter } from '../../../src/writer.ts';
import type { CollectedSpan } from '../../../testing/otlp-collector.ts';
import { people } from '../../../testing/people.ts';
import { readTopic } from './read-topic.ts';
import { AT_ONCE, announce, collector } from './tracing.ts';
import { covered, makeTable, makeWorld, openTable, until } from './world.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const OTHER = '0af7651916cd43dd8448eb211c80319c';
const SPAN = '00f067aa0ba902b7';
const parentOf = (trace: string) => `00-${trace}-${SPAN}-01`;

const treeOf = (spans: readonly CollectedSpan[], trace: string) => {
  const own = spans.filter(({ traceId }) => traceId === trace);
  return { root: own.find(({ name }) => name === 'batch') as CollectedSpan, own };
};

test('an append with a traceparent becomes a tree of spans in the trace of its producer', async () => {
  const { url, spans, requests } = await collector();
  const tracing = { enabled: true, endpoint: url, service_name: 'indexer' };
  const world = await makeWorld({ tracing });
  await makeTable(world, 'people', 100);
  const daemon = await world.daemon({
    ...AT_ONCE,
    OTEL_EXPORTER_OTLP_HEADERS: 'x-key=secret',
    OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
    OTEL_SERVICE_NAME: 'not this one',
  });
  const { version } = await (await openTable(world.database, 'people')).add(people(100, 10));
  await announce(world, { table: 'db/people', version }, { traceparent: parentOf(TRACE), tracestate: 'vendor=1' });
  await until('the trace has arrived', () => spans.some(({ name }) => name === 'batch'));

  const { root, own } = treeOf(spans, TRACE);
  const inOrder = own.toSorted((a, b) => Number(a.start - b.start));
  const names = ['intake', 'await-version', 'plan', 'build', 'publish', 'commit', 'ack'];
  expect(inOrder.map(({ name }) => name).toSorted()).toEqual(['batch', ...names].toSorted());
  expect(inOrder.filter(({ name }) => name !== 'batch').map(({ name }) => name)).toEqual(names);
  expect(root).toMatchObject({ parentSpanId: SPAN, traceState: 'vendor=1', kind: 5, links: [], status: { code: 0 } });
  for (const span of own.filter(({ name }) => name !== 'batch')) {
    expect(span.parentSpanId).toBe(root.spanId);
    expect(span.start).toBeGreaterThanOrEqual(root.start);
    expect(span.end).toBeGreaterThanOrEqual(span.start);
  }
  const attributesOf = (name: string) => own.find((span) => span.name === name)?.attributes;
  expect(root.attributes).toMatchObject({
    'segmentd.table': 'db/people',
    'messaging.destination.name': world.settings.topic,
    'messaging.batch.message_count': 1,
  });
  expect(attributesOf('plan')).toMatchObject({ 'segmentd.outcome': 'missing', 'segmentd.rows': 20 });
  expect(attributesOf('build')).toMatchObject({ 'segmentd.segments': 2, 'segmentd.bytes': expect.any(Number) });
  expect(attributesOf('commit')).toMatchObject({ 'segmentd.outcome': 'committed', 'segmentd.version': version + 1 });
  expect(attributesOf('ack')).toMatchObject({ 'segmentd.outcome': 'covered' });
  expect(root.resource).toMatchObject({
    'service.name': 'indexer',
    'service.version': expect.stringMatching(/^\d/),
    'service.instance.id': expect.stringContaining(`:${daemon.pid}`),
    'deployment.environment.name': 'test',
    'telemetry.sdk.name': 'opentelemetry',
  });
  expect(requests[0]).toMatchObject({ 'x-key': 'secret' });
  expect(await daemon.stop()).toBe(0);
});

test('other records of a batch are links, a dead letter is told where its producer looks, and a stop sends what is left', async () => {
  const { url, spans } = await collector();
  // The daemon flushes on its way out; without that its spans would wait for an hour.
  const hour = { OTEL_BSP_SCHEDULE_DELAY: '3600000', OTEL_EXPORTER_OTLP_ENDPOINT: url };
  const world = await makeWorld({ tracing: { enabled: true }, batch: { linger_ms: 1_000 } });
  await makeTable(world, 'people', 100);
  const daemon = await world.daemon(hour);
  const { version } = await (await openTable(world.database, 'people')).add(people(100, 10));
  const event = { table: 'db/people', version };
  const contexts = ['nonsense', parentOf(TRACE), parentOf(OTHER)];
  await announce(world, event, ...contexts.map((traceparent) => ({ traceparent })));
  await announce(world, { table: 'nowhere/people' }, { traceparent: parentOf(OTHER) });
  await until('it is covered', () => covered(world, 'people'));
  await until('the dead letter is told', () => world.log.some((line) => line.event === 'eventDeadLettered'));
  expect(spans).toEqual([]);
  expect(await daemon.stop()).toBe(0);

  const { root } = treeOf(spans, TRACE);
  expect(root.links).toEqual([{ traceId: OTHER, spanId: SPAN }]);
  expect(root.attributes).toMatchObject({ 'messaging.batch.message_count': 3 });
  expect(root.resource).toMatchObject({ 'service.name': 'segmentd' });
  const [refused, ...more] = treeOf(spans, OTHER).own;
  expect(more).toEqual([]);
  expect(refused).toMatchObject({
    name: 'intake',
    parentSpanId: SPAN,
    status: { code: 2 },
    attributes: { 'error.type': 'event_database_unknown' },
    events: [{ name: 'exception', attributes: { 'exception.type': 'event_database_unknown' } }],
  });
});

test('an error of a stage is on its span, with its code', async () => {
  const { url, spans } = await collector();
  const world = await makeWorld({ tracing: { enabled: true, endpoint: url } });
  await makeTable(world, 'people', 100);
  const versions = join(world.tableFolder('people'), '_versions');
  const daemon = await world.daemon(AT_ONCE);
  // Version 4, and no manifest in it.
  await writeFile(join(versions, `${2n ** 64n - 1n - 4n}.manifest`), 'nonsense');
  await announce(world, { table: 'db/people' }, { traceparent: parentOf(TRACE) });
  await until('the trace has arrived', () => spans.some(({ name }) => name === 'batch'));
  const { own } = treeOf(spans, TRACE);
  const planned = own.find(({ name }) => name === 'plan');
  expect(planned).toMatchObject({ status: { code: 2 }, attributes: { 'error.type': 'table_unreadable' } });
  const acked = own.find(({ name }) => name === 'ack');
  expect(acked?.attributes).toEqual({ 'segmentd.outcome': 'declined', 'segmentd.code': 'table_unreadable' });
  expect(await daemon.stop()).toBe(0);
});

test('a writer of this package goes on with the trace that is active where it appends', async () => {
  const world = await makeWorld();
  api.context.setGlobalContextManager(new StackContextManager().enable());
  api.propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  onTestFinished(() => {
    api.context.disable();
    api.propagation.disable();
  });
  const table = { name: 'people', add: async () => ({ version: 7 }) };
  const writer = openWriter({
    connection: { openTable: async () => ({ ...table, close: () => undefined }) },
    database: 'db',
    brokers: world.settings.brokers,
    topic: world.settings.topic,
    // As docs/tracing.md has it.
    traceContext: () => {
      const headers: Record<string, string> = {};
      api.propagation.inject(api.context.active(), headers);
      return headers;
    },
  });
  const traceState = api.createTraceState('vendor=1');
  const active = { traceId: TRACE, spanId: SPAN, traceFlags: 1, traceState };
  const appending = api.context.with(api.trace.setSpanContext(api.ROOT_CONTEXT, active), () =>
    writer.append(table, 'rows'),
  );
  expect(await appending).toMatchObject({ announced: true });
  expect(await writer.append(table, 'rows')).toMatchObject({ announced: true });
  const records = await readTopic(world.settings, world.settings.topic, 2);
  expect(records.map(({ headers }) => headers)).toEqual([{ traceparent: parentOf(TRACE), tracestate: 'vendor=1' }, {}]);
  await writer.close();
});

/** Notes what asks for packages of OpenTelemetry: `<package> <who>` a line. */
const HOOK = `
import { registerHooks } from 'node:module';
import { appendFileSync } from 'node:fs';
registerHooks({
  resolve(specifier, context, next) {
    const found = next(specifier, context);
    const name = (url) => /.*\\/node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(url ?? '')?.[1] ?? 'segmentd';
    const wanted = name(found.url);
    if (wanted.startsWith('@opentelemetry/') && wanted !== name(context.parentURL))
      appendFileSync(process.env.LOADED, wanted + ' ' + name(context.parentURL) + '\\n');
    return found;
  },
});
`;

test('nothing of OpenTelemetry is loaded for tracing that is off, by default or by a variable', async () => {
  const loadedBy = async (options: Record<string, unknown>, env: Record<string, string>): Promise<string[]> => {
    const world = await makeWorld(options);
    const [hook, loaded] = [join(world.home, 'hook.mjs'), join(world.home, 'loaded')];
    await writeFile(hook, HOOK);
    const daemon = await world.daemon({ ...env, LOADED: loaded, NODE_OPTIONS: `--import=${hook}` });
    expect(await daemon.stop()).toBe(0);
    return [...new Set((await readFile(loaded, 'utf8')).trim().split('\n'))].sort();
  };
  // The API, without an SDK, is a dependency that these two load themselves.
  const others = ['@opentelemetry/api @lancedb/lancedb', '@opentelemetry/api prom-client'];
  const off = await Promise.all([
    loadedBy({}, {}),
    loadedBy({ tracing: { enabled: true } }, { OTEL_SDK_DISABLED: 'true' }),
  ]);
  expect(off).toEqual([others, others]);
});
