import { writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test, vi } from 'vitest';
import { openProducer } from '../../../src/kafka/producer.ts';
import type { Broker, BrokerOptions } from '../../../testing/broker/broker.ts';
import { freePorts, startOwnBroker } from '../../../testing/broker/broker.ts';
import { committed, connect, createTopic, numbered, startMember, testSettings, text } from './kafka-bench.ts';

// Each test breaks a broker of its own.

const patience = { timeout: 60_000, interval: 50 };

async function ownBroker(options?: BrokerOptions): Promise<Broker> {
  const broker = await startOwnBroker(options);
  onTestFinished(() => broker.stop());
  return broker;
}

test('a broker that dies and comes back is read from where the group was', async () => {
  const broker = await ownBroker();
  const settings = testSettings(broker.bootstrap, { requestTimeoutMs: 2_000, connectionTimeoutMs: 1_000 });
  const { admin, producer } = await connect(settings);
  await createTopic(admin, settings.topic);
  await producer.send({ topic: settings.topic, messages: numbered(20) });
  const member = await startMember(settings, (record) => record.ack());
  await vi.waitFor(async () => expect((await committed(admin, settings)).get(0)).toBe(20n), patience);

  await broker.kill();
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
  const [port] = await freePorts();
  const settings = testSettings([`127.0.0.1:${port}`], { connectionTimeoutMs: 1_000 });
  const member = await startMember(settings, (record) => record.ack());
  expect(member.source.state()).toBe('connecting');
  await vi.waitFor(() => expect(member.crashes.length).toBeGreaterThan(0), patience);
  await ownBroker({ port });
  const { admin, producer } = await connect(settings);
  await sleep(500);
  await createTopic(admin, settings.topic);
  await producer.send({ topic: settings.topic, messages: numbered(1) });
  await vi.waitFor(() => expect(member.got).toHaveLength(1), patience);
});

test('draining keeps its deadline even when the broker hangs', async () => {
  const broker = await ownBroker();
  const settings = testSettings(broker.bootstrap);
  const { admin, producer } = await connect(settings);
  await createTopic(admin, settings.topic);
  await producer.send({ topic: settings.topic, messages: numbered(1) });
  const member = await startMember(settings);
  await vi.waitFor(() => expect(member.got).toHaveLength(1), patience);
  broker.pause();
  const started = Date.now();
  await member.source.drain(1_000);
  // Without it, twice the request time-out.
  expect(Date.now() - started).toBeLessThan(settings.requestTimeoutMs);
  expect(member.got[0]?.signal.aborted).toBe(true);
  expect(member.completed).toBe(true);
  broker.resume();
});

test('a broker that hangs and wakes up is read on', async () => {
  const broker = await ownBroker();
  const settings = testSettings(broker.bootstrap, { requestTimeoutMs: 1_000, sessionTimeoutMs: 2_000 });
  const { admin, producer } = await connect(settings);
  await createTopic(admin, settings.topic);
  const member = await startMember(settings, (record) => record.ack());
  await vi.waitFor(() => expect(member.source.state()).toBe('running'), patience);
  broker.pause();
  await sleep(6_000);
  broker.resume();
  await openAndSend(settings, '0');
  // At least once: the test's own producer may send again what a broker that just woke up was slow to confirm.
  await vi.waitFor(() => expect(member.got).not.toHaveLength(0), patience);
  await vi.waitFor(async () => expect((await committed(admin, settings)).get(0)).toBeGreaterThan(0n), patience);
  await producer.send({ topic: settings.topic, messages: numbered(1, 1) });
  await vi.waitFor(() => expect(member.got.map(({ value }) => text(value))).toContain('1'), patience);
});

test('a producer outlives its broker', async () => {
  const broker = await ownBroker();
  const settings = testSettings(broker.bootstrap, { requestTimeoutMs: 2_000, connectionTimeoutMs: 1_000 });
  const { admin } = await connect(settings);
  await createTopic(admin, settings.topic);
  const producer = openProducer(settings);
  onTestFinished(() => producer.close());
  await producer.send(settings.topic, [{ key: null, value: Buffer.from('0') }]);
  await broker.kill();
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
  const [sasl] = await freePorts();
  const jaas = 'org.apache.kafka.common.security.plain.PlainLoginModule required';
  const broker = await ownBroker({
    properties: {
      listeners: `PLAINTEXT://127.0.0.1:{port},SASL_PLAINTEXT://127.0.0.1:${sasl},CONTROLLER://127.0.0.1:{controller}`,
      'advertised.listeners': `PLAINTEXT://127.0.0.1:{port},SASL_PLAINTEXT://127.0.0.1:${sasl}`,
      'sasl.enabled.mechanisms': 'PLAIN',
      'listener.name.sasl_plaintext.plain.sasl.jaas.config': `${jaas} user_alice="secret";`,
    },
  });
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

  const passwordFile = `${broker.dir}/password`;
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
