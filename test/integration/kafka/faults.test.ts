import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { openProducer } from '../../../src/kafka/producer.ts';
import type { Broker } from '../../../testing/broker/broker.ts';
import { freePorts, startOwnBroker } from '../../../testing/broker/broker.ts';
import { tempDir } from '../../../testing/temp-dir.ts';
import { committed, connect, createTopic, numbered, startMember, testSettings, text } from './kafka-bench.ts';

/** A member that is gone is missed for so long. */
const SESSION_MS = 2_000;
const patience = { timeout: 60_000, interval: 50 };

/** Broken and mended by one test after the other; each has a topic and a group of its own. Alice alone may come by SASL. */
let broker: Broker;
let sasl: number | undefined;

beforeAll(async () => {
  [sasl] = await freePorts();
  const jaas = 'org.apache.kafka.common.security.plain.PlainLoginModule required';
  broker = await startOwnBroker({
    properties: {
      listeners: `PLAINTEXT://127.0.0.1:{port},SASL_PLAINTEXT://127.0.0.1:${sasl},CONTROLLER://127.0.0.1:{controller}`,
      'advertised.listeners': `PLAINTEXT://127.0.0.1:{port},SASL_PLAINTEXT://127.0.0.1:${sasl}`,
      'sasl.enabled.mechanisms': 'PLAIN',
      'listener.name.sasl_plaintext.plain.sasl.jaas.config': `${jaas} user_alice="secret";`,
    },
  });
  return () => broker.stop();
});

/** Until the test ends: what a test has broken and not mended would break the next. */
async function killBroker(): Promise<void> {
  onTestFinished(({ task }) => (task.result?.state === 'fail' ? broker.restart() : undefined));
  await broker.kill();
}

function pauseBroker(): void {
  onTestFinished(() => broker.resume());
  broker.pause();
}

test('a broker that dies and comes back is read from where the group was', async () => {
  const times = { requestTimeoutMs: 2_000, connectionTimeoutMs: 1_000, sessionTimeoutMs: SESSION_MS };
  const settings = testSettings(broker.bootstrap, times);
  const { admin, producer } = await connect(settings);
  await createTopic(admin, settings.topic);
  await producer.send({ topic: settings.topic, messages: numbered(20) });
  const member = await startMember(settings, (record) => record.ack());
  await vi.waitFor(async () => expect((await committed(admin, settings)).get(0)).toBe(20n), patience);

  await killBroker();
  await vi.waitFor(() => expect(member.source.state()).toBe('rebuilding'), patience);
  await broker.restart();
  await vi.waitFor(() => expect(member.source.state()).toBe('running'), patience);
  await producer.send({ topic: settings.topic, messages: numbered(20, 20) });
  await vi.waitFor(() => expect(member.got.length).toBeGreaterThanOrEqual(40), patience);
  const seen = member.got.map(({ value }) => Number(text(value)));
  expect(seen).toEqual(Array.from({ length: 40 }, (_, index) => index));
  expect(new Set(member.crashes)).toEqual(new Set(['broker_unavailable true']));
});

test('a source that starts before its broker and its topic waits for both', async () => {
  await killBroker();
  const settings = testSettings(broker.bootstrap, { connectionTimeoutMs: 1_000 });
  const member = await startMember(settings, (record) => record.ack());
  expect(member.source.state()).toBe('connecting');
  await vi.waitFor(() => expect(member.crashes.length).toBeGreaterThan(0), patience);
  await broker.restart();
  const { admin, producer } = await connect(settings);
  await sleep(500);
  await createTopic(admin, settings.topic);
  await producer.send({ topic: settings.topic, messages: numbered(1) });
  await vi.waitFor(() => expect(member.got).toHaveLength(1), patience);
});

test('draining keeps its deadline even when the broker hangs', async () => {
  const settings = testSettings(broker.bootstrap);
  const { admin, producer } = await connect(settings);
  await createTopic(admin, settings.topic);
  await producer.send({ topic: settings.topic, messages: numbered(1) });
  const member = await startMember(settings);
  await vi.waitFor(() => expect(member.got).toHaveLength(1), patience);
  pauseBroker();
  const started = Date.now();
  await member.source.drain(1_000);
  // Without it, twice the request time-out.
  expect(Date.now() - started).toBeLessThan(settings.requestTimeoutMs);
  expect(member.got[0]?.signal.aborted).toBe(true);
  expect(member.completed).toBe(true);
  broker.resume();
});

test('a broker that hangs and wakes up is read on', async () => {
  const settings = testSettings(broker.bootstrap, { requestTimeoutMs: 1_000, sessionTimeoutMs: SESSION_MS });
  const { admin, producer } = await connect(settings);
  await createTopic(admin, settings.topic);
  const member = await startMember(settings, (record) => record.ack());
  await vi.waitFor(() => expect(member.source.state()).toBe('running'), patience);
  pauseBroker();
  await sleep(2 * SESSION_MS);
  broker.resume();
  await openAndSend(settings, '0');
  // At least once: the test's own producer may send again what a broker that just woke up was slow to confirm.
  await vi.waitFor(() => expect(member.got).not.toHaveLength(0), patience);
  await vi.waitFor(async () => expect((await committed(admin, settings)).get(0)).toBeGreaterThan(0n), patience);
  await producer.send({ topic: settings.topic, messages: numbered(1, 1) });
  await vi.waitFor(() => expect(member.got.map(({ value }) => text(value))).toContain('1'), patience);
});

test('a producer outlives its broker', async () => {
  const settings = testSettings(broker.bootstrap, { requestTimeoutMs: 2_000, connectionTimeoutMs: 1_000 });
  const { admin } = await connect(settings);
  await createTopic(admin, settings.topic);
  const producer = openProducer(settings);
  onTestFinished(() => producer.close());
  await producer.send(settings.topic, [{ key: null, value: Buffer.from('0') }]);
  await killBroker();
  await expect(
    producer.send(settings.topic, [{ key: null, value: Buffer.from('lost') }], { deadlineMs: 1_000 }),
  ).rejects.toMatchObject({ code: 'broker_unavailable' });
  const late = producer.send(settings.topic, [{ key: null, value: Buffer.from('1') }]);
  await broker.restart();
  await late;
  const [end] = await admin.fetchTopicOffsets(settings.topic);
  expect(Number(end?.high)).toBeGreaterThanOrEqual(2);
});

test('wrong credentials fail the source for good; right ones from a file work', async () => {
  const open = testSettings(broker.bootstrap);
  const { admin, producer } = await connect(open);
  await createTopic(admin, open.topic);
  await producer.send({ topic: open.topic, messages: numbered(1) });
  const settings = { ...open, brokers: [`127.0.0.1:${sasl}`] };
  const account = { mechanism: 'plain', username: 'alice' } as const;

  const logged: string[] = [];
  const denied = await startMember({ ...settings, sasl: { ...account, password: 'wr0ng' } }, undefined, {
    log: (_, message, fields) => logged.push(message + JSON.stringify(fields)),
  });
  await vi.waitFor(() => expect(denied.failure).toMatchObject({ code: 'broker_denied' }), patience);
  expect(denied.source.state()).toBe('failed');
  expect(denied.crashes).toEqual(['broker_denied false']);
  expect(logged.join()).not.toContain('wr0ng');
  await denied.source.drain(1_000);

  const passwordFile = join(await tempDir(), 'password');
  await writeFile(passwordFile, 'secret\n');
  const member = await startMember({ ...settings, sasl: { ...account, passwordFile } }, (record) => record.ack());
  await vi.waitFor(() => expect(member.got).toHaveLength(1), patience);
});

async function openAndSend(
  settings: Parameters<typeof openProducer>[0] & { topic: string },
  value: string,
): Promise<void> {
  const producer = openProducer(settings);
  onTestFinished(() => producer.close());
  await producer.send(settings.topic, [{ key: null, value: Buffer.from(value) }]);
}
