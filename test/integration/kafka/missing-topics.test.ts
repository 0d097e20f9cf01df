import { ConfigResourceTypes } from 'kafkajs';
import { expect, inject, onTestFinished, test, vi } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import type { KafkaSettings } from '../../../src/kafka/client.ts';
import { prepareTopics } from '../../../src/kafka/prepare-topics.ts';
import { openProducer } from '../../../src/kafka/producer.ts';
import { freePorts } from '../../../testing/broker/broker.ts';
import { makeWorld, until } from '../e2e/world.ts';
import { connect, createTopic, numbered, startMember, testSettings, text } from './kafka-bench.ts';

const patience = { timeout: 30_000, interval: 25 };
const TOKEN = 'letmein-0123456789';

function settingsWithAll(): KafkaSettings {
  const settings = testSettings(inject('brokers'));
  return { ...settings, controlTopic: `control-${settings.topic}`, notificationTopic: `notes-${settings.topic}` };
}

test('all topics of the configuration are created, each in the shape that it needs', async () => {
  const settings = settingsWithAll();
  const { topic, deadLetterTopic, controlTopic = '', notificationTopic = '' } = settings;
  const { admin } = await connect(settings);
  await prepareTopics(settings, { partitions: 3, replicationFactor: 1 }, () => undefined, AbortSignal.timeout(30_000));
  const names = [topic, deadLetterTopic, controlTopic, notificationTopic];
  const { topics } = await admin.fetchTopicMetadata({ topics: names });
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: names.map((name) => ({ type: ConfigResourceTypes.TOPIC, name, configNames: ['cleanup.policy'] })),
  });
  const shapeOf = (name: string) => [
    topics.find((each) => each.name === name)?.partitions.length,
    resources.find(({ resourceName }) => resourceName === name)?.configEntries[0]?.configValue,
  ];
  expect(names.map(shapeOf)).toEqual([
    [3, 'delete'],
    [3, 'delete'],
    [1, 'compact'],
    [3, 'delete'],
  ]);
});

test('missing topics are logged by name with the remedy, and read as soon as they are there', async () => {
  const settings = settingsWithAll();
  const { admin, producer } = await connect(settings);
  const logged: Readonly<Record<string, unknown>>[] = [];
  await prepareTopics(
    settings,
    undefined,
    (level, message, fields) => void (level === 'error' && logged.push({ message, ...fields })),
    AbortSignal.timeout(30_000),
  );
  const names = [settings.topic, settings.deadLetterTopic, settings.notificationTopic, settings.controlTopic];
  expect(logged.map(({ topic }) => topic)).toEqual(names);
  expect(logged[0]).toMatchObject({
    code: 'kafka_topic_missing',
    message: `the broker has no topic "${settings.topic}"`,
    hint: expect.stringContaining('kafka.create_topics.enabled'),
  });

  const member = await startMember(settings, (record) => record.ack());
  await vi.waitFor(() => expect(member.source.problem()).toMatchObject({ code: 'kafka_topic_missing' }), patience);
  expect(member.source.problem()?.message).toContain(settings.topic);
  await createTopic(admin, settings.topic);
  await producer.send({ topic: settings.topic, messages: numbered(1) });
  await vi.waitFor(() => expect(member.got.map(({ value }) => text(value))).toEqual(['0']), patience);
  expect(new Set(member.crashes)).toEqual(new Set(['kafka_topic_missing true']));
});

test('records for a topic that is missing are refused by its name, not as a broker that is away', async () => {
  const settings = testSettings(inject('brokers'));
  const producer = openProducer(settings);
  onTestFinished(() => producer.close());
  const sent = producer.send(settings.topic, [{ key: null, value: Buffer.from('x') }], { deadlineMs: 2_000 });
  await expect(sent).rejects.toMatchObject({
    code: 'kafka_topic_missing',
    message: expect.stringContaining(settings.topic),
  });
});

test('the first start creates the topics, then joins, and logs no error; a pause says when its topic has gone', async () => {
  const control = `control-${Date.now()}`;
  const [port] = await freePorts();
  const world = await makeWorld({ admin: { port, token: TOKEN } }, 0, {
    create_topics: { enabled: true, partitions: 2, replication_factor: 1 },
    control_topic: control,
    notification_topic: `notes-${control}`,
  });
  const daemon = await world.daemon();
  const ask = (command: string) =>
    fetch(`http://127.0.0.1:${port}/v1/tables/db/people/${command}${command === 'pause' ? '?force=true' : ''}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${TOKEN}` },
    });
  for (const command of ['pause', 'refresh', 'resume']) expect((await ask(command)).status).toBe(200);
  expect(world.log.filter(({ level }) => level === 'error' || level === 'warn')).toEqual([]);

  const { admin } = await connect(world.settings);
  await admin.deleteTopics({ topics: [control] });
  // The broker deletes a topic some time after it says so, and takes records until then.
  await vi.waitFor(async () => {
    const answer = await ask('pause');
    expect([answer.status, await answer.json()]).toMatchObject([
      503,
      { code: 'kafka_topic_missing', error: expect.stringContaining(control) },
    ]);
  }, patience);
  expect(await daemon.stop()).toBe(0);
});

test('without its topic a daemon is not ready, and the log and the probe say why', async () => {
  const world = await makeWorld({}, 0);
  const starting = world.daemon();
  const { topic } = world.settings;
  await until('the missing topic is told', () =>
    world.log.some((line) => line.code === 'kafka_topic_missing' && line.topic === topic),
  );
  const { http } = loadConfig({ file: world.configFile, env: {}, cwd: world.home });
  await until('the probe says why', async () => {
    const answer = await fetch(`http://127.0.0.1:${http.port}/readyz`);
    const told = await answer.text();
    return answer.status === 503 && told.includes('kafka_topic_missing') && told.includes(topic);
  });
  const { admin } = await connect(world.settings);
  await createTopic(admin, topic);
  const daemon = await starting;
  expect(await daemon.stop()).toBe(0);
});
