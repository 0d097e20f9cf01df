import { expect, inject, onTestFinished, test, vi } from 'vitest';
import { openDeadLetters } from '../../../src/kafka/dead-letter.ts';
import type { GroupView } from '../../../src/kafka/group-view.ts';
import { openLag } from '../../../src/kafka/lag.ts';
import { openProducer } from '../../../src/kafka/producer.ts';
import { ensureTopics } from '../../../src/kafka/topics.ts';
import { SegmentdError } from '../../../src/lib/errors.ts';
import { connect, createTopic, numbered, startMember, testSettings, text } from './kafka-bench.ts';

const patience = { timeout: 20_000, interval: 25 };

test('a dead letter carries the record untouched, with the reason and its position', async () => {
  const settings = testSettings(inject('brokers'));
  const { admin, producer } = await connect(settings);
  await createTopic(admin, settings.topic);
  await createTopic(admin, settings.deadLetterTopic);
  const value = Buffer.from([0, 255, 128, 10]);
  await producer.send({
    topic: settings.topic,
    messages: [{ key: Buffer.from([1, 2]), value, headers: { trace: 'abc' }, timestamp: '1700000000000' }],
  });
  const letters = openProducer(settings);
  onTestFinished(() => letters.close());
  const dead = openDeadLetters(settings, letters);
  const member = await startMember(settings);
  await vi.waitFor(() => expect(member.got).toHaveLength(1), patience);
  const [record] = member.got;
  if (record === undefined) throw new Error('nothing was delivered');
  await dead.send(record, new SegmentdError('event_not_json', 'no json: é'));
  record.ack();

  const reader = await startMember(testSettings(inject('brokers'), { topic: settings.deadLetterTopic }));
  await vi.waitFor(() => expect(reader.got).toHaveLength(1), patience);
  const letter = reader.got[0];
  expect(Buffer.from(letter?.value ?? [])).toEqual(value);
  expect(Buffer.from(letter?.key ?? [])).toEqual(Buffer.from([1, 2]));
  expect(Object.fromEntries([...(letter?.headers ?? [])].map(([name, bytes]) => [name, text(bytes)]))).toEqual({
    trace: 'abc',
    'segmentd-reason': 'event_not_json',
    'segmentd-message': 'no json: é',
    'segmentd-topic': settings.topic,
    'segmentd-partition': '0',
    'segmentd-offset': '0',
    'segmentd-timestamp': '1700000000000',
  });
});

test('a record that is too large for the dead-letter topic leaves a dead letter without its value', async () => {
  const settings = testSettings(inject('brokers'));
  const { admin, producer } = await connect(settings);
  await createTopic(admin, settings.topic);
  await createTopic(admin, settings.deadLetterTopic, 1, { 'max.message.bytes': '1000' });
  await producer.send({ topic: settings.topic, messages: [{ key: 'k', value: Buffer.alloc(2_000, 7) }] });
  const letters = openProducer(settings);
  onTestFinished(() => letters.close());
  const member = await startMember(settings);
  await vi.waitFor(() => expect(member.got).toHaveLength(1), patience);
  const [record] = member.got;
  if (record === undefined) throw new Error('nothing was delivered');
  await openDeadLetters(settings, letters).send(record, new SegmentdError('event_not_json', 'no'));
  record.ack();
  const reader = await startMember(testSettings(inject('brokers'), { topic: settings.deadLetterTopic }), (each) =>
    each.ack(),
  );
  await vi.waitFor(() => expect(reader.got).toHaveLength(1), patience);
  expect(reader.got[0]?.value).toBeNull();
  expect(text(reader.got[0]?.headers.get('segmentd-value-omitted-bytes') ?? null)).toBe('2000');
  expect(text(reader.got[0]?.headers.get('segmentd-offset') ?? null)).toBe('0');
});

test('the lag is what the group has not committed', async () => {
  const settings = testSettings(inject('brokers'));
  const { admin, producer } = await connect(settings);
  await createTopic(admin, settings.topic, 2);
  await producer.send({ topic: settings.topic, messages: numbered(5).map((each) => ({ ...each, partition: 0 })) });
  const seen: unknown[] = [];
  const probe = openLag(settings, 60_000, { onLag: (lag) => seen.push(lag) });
  onTestFinished(() => probe.stop());
  probe.start();
  const before = new Map([
    [0, { low: 0n, high: 5n, committed: undefined, lag: 5n }],
    [1, { low: 0n, high: 0n, committed: undefined, lag: 0n }],
  ]);
  await vi.waitFor(() => expect(seen).toEqual([before]), patience);
  await startMember(settings, (record) => {
    if (record.position.offset < 3n) record.ack();
  });
  await vi.waitFor(async () => {
    expect((await probe.read()).get(0)).toEqual({ low: 0n, high: 5n, committed: 3n, lag: 2n });
  }, patience);
});

test('the probe tells who reads which partition, and which nobody reads', async () => {
  const settings = testSettings(inject('brokers'));
  const { admin } = await connect(settings);
  await createTopic(admin, settings.topic, 2);
  const seen: (GroupView | undefined)[] = [];
  const probe = openLag(settings, 50, { onGroup: (view) => seen.push(view) });
  onTestFinished(() => probe.stop());
  probe.start();
  await vi.waitFor(() => expect(seen.at(-1)).toMatchObject({ members: [], unowned_partitions: [0, 1] }), patience);
  await startMember(settings, (record) => record.ack());
  await vi.waitFor(
    () => expect(seen.at(-1)).toMatchObject({ members: [{ partitions: [0, 1] }], unowned_partitions: [] }),
    patience,
  );
});

test('the probe asks at once when what it knows is out of date', async () => {
  const settings = testSettings(inject('brokers'));
  const { admin } = await connect(settings);
  await createTopic(admin, settings.topic, 1);
  const seen: (GroupView | undefined)[] = [];
  let measured = 0;
  const probe = openLag(settings, 1e9, {
    onGroup: (view) => seen.push(view),
    onLag: () => {
      measured += 1;
      // The rest of this measurement is out of date when it comes.
      if (measured === 1) probe.soon();
    },
  });
  onTestFinished(() => probe.stop());
  probe.start();
  await vi.waitFor(() => expect([measured, seen]).toMatchObject([2, [{ members: [] }]]), patience);
  const { source } = await startMember(settings, (record) => record.ack());
  await vi.waitFor(() => expect(source.assigned()).toEqual([0]), patience);
  probe.soon();
  await vi.waitFor(() => expect(seen.slice(1)).toMatchObject([{ members: [{ partitions: [0] }] }]), patience);
});

test('a lag that cannot be read is reported, never thrown', async () => {
  const errors: string[] = [];
  const settings = testSettings(['127.0.0.1:1'], { connectionTimeoutMs: 300, requestTimeoutMs: 300 });
  const views: unknown[] = [];
  const onGroup = (view: unknown) => views.push(view);
  const probe = openLag(settings, 50, { onError: (error) => errors.push(error.code), onGroup });
  probe.start();
  await vi.waitFor(() => expect(errors.length).toBeGreaterThan(1), patience);
  expect(new Set(errors)).toEqual(new Set(['broker_unavailable']));
  expect(new Set(views)).toEqual(new Set([undefined]));
  await probe.stop();
});

test('topics are created where they are missing, by any number of members at once', async () => {
  const settings = testSettings(inject('brokers'));
  const { admin } = await connect(settings);
  await createTopic(admin, settings.deadLetterTopic, 1);
  const shape = { partitions: 3, replicationFactor: -1 };
  const created = await Promise.all([1, 2, 3].map(() => ensureTopics(settings, shape)));
  expect(created.flat()).toEqual([settings.topic]);
  expect(await ensureTopics(settings, shape)).toEqual([]);
  const { topics } = await admin.fetchTopicMetadata({ topics: [settings.topic, settings.deadLetterTopic] });
  expect(new Map(topics.map(({ name, partitions }) => [name, partitions.length]))).toEqual(
    new Map([
      [settings.topic, 3],
      [settings.deadLetterTopic, 1],
    ]),
  );
});
