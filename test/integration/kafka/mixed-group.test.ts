import { randomUUID } from 'node:crypto';
import { AssignerProtocol, PartitionAssigners } from 'kafkajs';
import { expect, inject, test, vi } from 'vitest';
import { connect, createTopic, numbered, plainConsumer, startMember, testSettings, text } from './kafka-bench.ts';

const patience = { timeout: 30_000, interval: 25 };

test('two members with one group and different topics each get all of their own', async () => {
  const first = testSettings(inject('brokers'));
  const second = { ...first, clientId: 'second', topic: `other-${randomUUID()}` };
  const { admin, producer } = await connect(first);
  for (const { topic } of [first, second]) {
    await createTopic(admin, topic, 3);
    const messages = numbered(30).map((message, at) => ({ ...message, partition: at % 3 }));
    await producer.send({ topic, messages });
  }
  const members = [
    await startMember(first, (record) => record.ack()),
    await startMember(second, (record) => record.ack()),
  ];
  for (const [at, settings] of [first, second].entries()) {
    const member = members[at];
    await vi.waitFor(() => expect(new Set(member?.got.map(({ value }) => text(value))).size).toBe(30), patience);
    expect(new Set(member?.got.map(({ position }) => position.topic))).toEqual(new Set([settings.topic]));
    await vi.waitFor(() => expect(member?.source.assigned()).toEqual([0, 1, 2]), patience);
  }
  expect(members.flatMap(({ crashes }) => crashes)).toEqual([]);
});

test('a member that another program gives topics it does not read is not ready, and says why', async () => {
  const settings = testSettings(inject('brokers'));
  const other = `other-${randomUUID()}`;
  const { admin, kafka } = await connect(settings);
  for (const topic of [settings.topic, other]) await createTopic(admin, topic, 3);
  const program = plainConsumer(kafka, settings);
  await program.subscribe({ topics: [other] });
  const leads = new Promise((resolve) => program.on('consumer.group_join', resolve));
  await program.run({ eachMessage: async () => undefined });
  await leads;
  const member = await startMember(settings);
  await vi.waitFor(() => expect(member.source.problem()).toMatchObject({ code: 'kafka_group_mixed' }), patience);
  expect(member.source.problem()?.message).toContain(other);
  expect(member.source.state()).toBe('rebuilding');
  await program.disconnect();
  await vi.waitFor(() => expect(member.source.assigned()).toEqual([0, 1, 2]), patience);
  expect(member.source.problem()).toBeUndefined();
});

test('a member whose group hands out partitions in another way says so', async () => {
  const settings = testSettings(inject('brokers'));
  const { admin, kafka } = await connect(settings);
  await createTopic(admin, settings.topic);
  const program = kafka.consumer({
    groupId: settings.groupId,
    partitionAssigners: [
      (config) => ({
        ...PartitionAssigners.roundRobin(config),
        name: 'range',
        protocol: ({ topics }) => ({
          name: 'range',
          metadata: AssignerProtocol.MemberMetadata.encode({ version: 0, topics, userData: Buffer.alloc(0) }),
        }),
      }),
    ],
  });
  await program.subscribe({ topics: [settings.topic] });
  const leads = new Promise((resolve) => program.on('consumer.group_join', resolve));
  await program.run({ eachMessage: async () => undefined });
  await leads;
  const member = await startMember(settings);
  await vi.waitFor(() => expect(member.source.problem()).toMatchObject({ code: 'kafka_group_mixed' }), patience);
  await program.disconnect();
  await vi.waitFor(() => expect(member.source.state()).toBe('running'), patience);
});
