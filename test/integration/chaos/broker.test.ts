import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import type { Broker } from '../../../testing/broker/broker.ts';
import { startOwnBroker } from '../../../testing/broker/broker.ts';
import type { World } from '../e2e/world.ts';
import { covered, makeTable, until } from '../e2e/world.ts';
import type { Member } from './member.ts';
import { startMember } from './member.ts';
import { adminOf, append, lagOf, makeRoughWorld, SESSION_MS, sumOf } from './rough-world.ts';

/** Longer than the session, so that the group forgets its members. Set it higher to soak. */
const OUTAGE_MS = Number(process.env.CHAOS_OUTAGE_SECONDS ?? 0) * 1_000 || 1.5 * SESSION_MS;
/** Longer than the session and a request, one after the other. */
const HANG_MS = Number(process.env.CHAOS_HANG_SECONDS ?? 0) * 1_000 || 2.5 * SESSION_MS;
/** After a fault the consumer is built anew with longer and longer waits, half a minute at most. */
const PATIENCE_MS = 150_000;
/** Characters of a log that are shown when the group did not recover. */
const LAST_WORDS = 12_000;

/** Broken and mended by one test after the other. */
let broker: Broker;
beforeAll(async () => {
  broker = await startOwnBroker();
  return () => broker.stop();
});

/** A topic, a group and a table of its own, and a member that is ready. */
async function makeBreakable(): Promise<{ world: World; member: Member }> {
  const world = await makeRoughWorld({ brokers: broker.bootstrap });
  await makeTable(world, 'people', 100);
  const member = await startMember(world.configFile);
  await member.untilReady();
  return { world, member };
}

/** Goes on where it was: what was announced before and during the fault is covered, and one more append is. */
async function goesOn(world: World, member: Member, fragments: number): Promise<void> {
  await until('the member is ready again', async () => (await member.probe('/readyz')) === 200);
  await until('what was announced is covered', () => covered(world, 'people'), PATIENCE_MS).catch((cause: unknown) => {
    throw new Error(
      `it did not go on; its last words:
${member.output().slice(-LAST_WORDS)}`,
      { cause },
    );
  });
  await append(world, 'people', 1_000);
  const rows = 100 + 10 * (fragments + 1);
  await until('the next append is covered', async () => {
    return (await covered(world, 'people')) && (await world.facts('people')).rows === rows;
  });
  await until('all is committed', async () => (await lagOf(world)) === 0);
  expect(await member.end()).toBe(0);
}

test('a broker that is killed and comes back costs nothing but time', {
  timeout: OUTAGE_MS + 2 * PATIENCE_MS,
}, async () => {
  const { world, member } = await makeBreakable();
  await append(world, 'people', 100);
  await broker.kill();
  onTestFinished(({ task }) => (task.result?.state === 'fail' ? broker.restart() : undefined));
  await until('it is told', async () => (await member.probe('/readyz')) === 503);
  const announced = append(world, 'people', 110);
  await sleep(OUTAGE_MS);
  expect(await member.probe('/healthz')).toBe(200);
  expect(await member.probe('/readyz')).toBe(503);
  await broker.restart();
  await announced;
  await goesOn(world, member, 2);
  expect(member.log.filter(({ event }) => event === 'consumerRecovered').length).toBeGreaterThan(0);
});

test('a broker that hangs and wakes up costs nothing but time', { timeout: HANG_MS + 2 * PATIENCE_MS }, async () => {
  const { world, member } = await makeBreakable();
  await append(world, 'people', 100);
  broker.pause();
  onTestFinished(() => broker.resume());
  const announced = append(world, 'people', 110);
  await sleep(HANG_MS);
  expect(await member.probe('/healthz')).toBe(200);
  await until('it is not ready', async () => (await member.probe('/readyz')) === 503);
  broker.resume();
  await announced;
  await goesOn(world, member, 2);
});

test('a member can be stopped while the broker hangs', async () => {
  const { world, member } = await makeBreakable();
  await append(world, 'people', 100);
  await until('covered', () => covered(world, 'people'));
  broker.pause();
  onTestFinished(() => broker.resume());
  expect(await member.end()).toBe(0);
});

test('a group that was deleted is read from the start, and nothing is done twice', async () => {
  const { world, member } = await makeBreakable();
  for (const first of [100, 110, 120]) await append(world, 'people', first);
  await until('covered', () => covered(world, 'people'));
  await until('committed', async () => (await lagOf(world)) === 0);
  expect(await member.end()).toBe(0);
  const { version, indexes } = await world.facts('people');

  const admin = await adminOf(world.settings);
  await admin.deleteGroups([world.settings.groupId]);
  expect(await lagOf(world)).toBe(3);
  const next = await startMember(world.configFile);
  await next.untilReady();
  await until('all is committed again', async () => (await lagOf(world)) === 0);
  expect(await next.metrics()).toContain(`{topic="${world.settings.topic}",outcome="duplicate"} 3`);
  expect(sumOf(await next.metrics(), 'segmentd_commits_total')).toBe(0);
  expect(await next.end()).toBe(0);
  expect(await world.facts('people')).toMatchObject({ version, indexes });
});

test('a group whose committed offset has aged out continues with the oldest event that is left', async () => {
  const { world, member } = await makeBreakable();
  await append(world, 'people', 100);
  await until('committed', async () => (await lagOf(world)) === 0);
  expect(await member.end()).toBe(0);

  const { topic } = world.settings;
  const admin = await adminOf(world.settings);
  // Garbage first: the daemon would send it to the dead letters, if it ever saw it.
  const partition = await partitionOf(world);
  const garbage = Array.from({ length: 5 }, () => ({ key: Buffer.from('db/people'), value: Buffer.from('{') }));
  await world.producer.send(topic, garbage);
  await append(world, 'people', 110);
  await admin.fetchTopicMetadata({ topics: [topic] });
  await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: '6' }] });
  const next = await startMember(world.configFile);
  await next.untilReady();
  await until('what is left is covered', () => covered(world, 'people'));
  await until('all is committed', async () => (await lagOf(world)) === 0);
  const [group] = await admin.fetchOffsets({ groupId: world.settings.groupId, topics: [topic] });
  expect(group?.partitions.find((it) => it.partition === partition)?.offset).toBe('7');
  expect(sumOf(await next.metrics(), 'segmentd_dead_letters_total')).toBe(0);
  expect(await next.end()).toBe(0);
});

/** The partition that has events. */
async function partitionOf({ settings }: World): Promise<number> {
  const ends = await (await adminOf(settings)).fetchTopicOffsets(settings.topic);
  return ends.find(({ high }) => high !== '0')?.partition as number;
}

test('a topic that is created after the daemon has started is read', async () => {
  const world = await makeRoughWorld({ brokers: broker.bootstrap, partitions: 0 });
  await makeTable(world, 'people', 100);
  const member = await startMember(world.configFile);
  await until('it is alive', async () => (await member.probe('/healthz')) === 200);
  await until('it has looked for the topic', () => member.log.some(({ event }) => event === 'consumerCrashed'));
  expect(await member.probe('/readyz')).toBe(503);
  const admin = await adminOf(world.settings);
  await admin.createTopics({ topics: [{ topic: world.settings.topic, numPartitions: 2 }] });
  await member.untilReady();
  await append(world, 'people', 100);
  await until('covered', () => covered(world, 'people'));
  expect(await member.end()).toBe(0);
});
