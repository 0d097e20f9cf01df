import { randomUUID } from 'node:crypto';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { people } from '../../../testing/people.ts';
import { readTopic } from '../e2e/read-topic.ts';
import type { World } from '../e2e/world.ts';
import { covered, makeTable, openTable, until } from '../e2e/world.ts';
import { startMember } from './member.ts';
import { lagOf, makeRoughWorld, sumOf, valuesOf } from './rough-world.ts';

const EVENTS = 20_000;
const APPENDS = 20;
const ROWS = 10;

/** Announces the table as often as a writer would that does so for every row, and then some, while it appends. */
async function flood(world: World): Promise<void> {
  const table = await openTable(world.database, 'people');
  for (let at = 0; at < APPENDS; at++) {
    await table.add(people(100 + at * ROWS, ROWS));
    const event = { table: 'db/people', version: await table.version() };
    const ids = Array.from({ length: EVENTS / APPENDS }, () => randomUUID());
    await world.producer.send(
      world.settings.topic,
      // Half of the appends are announced with an id in each record.
      ids.map((id) => record(at % 2 === 0 ? event : { ...event, id })),
    );
  }
}

const record = (event: object) => ({ key: Buffer.from('db/people'), value: Buffer.from(JSON.stringify(event)) });

test('twenty thousand announcements of one table are a few commits', async () => {
  // Unmerged, the segments tell how many commits there were.
  const world = await makeRoughWorld({ options: { merge: { concurrency: 0 } } });
  await makeTable(world, 'people', 100);
  const member = await startMember(world.configFile);
  await member.untilReady();
  await flood(world);
  await until('all is committed', async () => (await lagOf(world)) === 0);
  expect(await covered(world, 'people')).toBe(true);
  const page = await member.metrics();
  expect(await member.end()).toBe(0);

  const facts = await world.facts('people');
  expect(facts.rows).toBe(100 + APPENDS * ROWS);
  const commits = valuesOf(page, 'segmentd_commits_total').get('{outcome="landed"}') ?? 0;
  expect(commits).toBeGreaterThan(0);
  expect(commits).toBeLessThanOrEqual(APPENDS);
  for (const { segments } of facts.indexes) expect(segments.length).toBe(1 + commits);
  expect(sumOf(page, 'segmentd_events_total')).toBeGreaterThanOrEqual(EVENTS);
  expect(sumOf(page, 'segmentd_dead_letters_total')).toBe(0);
  expect(sumOf(page, 'segmentd_unacked_events')).toBe(0);
});

test('probes are answered while a flood of announcements of many tables is read', async () => {
  const world = await makeRoughWorld({ options: { merge: { concurrency: 0 } } });
  await makeTable(world, 't0', 100);
  const names = Array.from({ length: 100 }, (_, at) => `t${at}`);
  for (const name of names.slice(1)) {
    await cp(join(world.database, 't0.lance'), join(world.database, `${name}.lance`), { recursive: true });
  }
  const member = await startMember(world.configFile);
  await member.untilReady();
  const announced = Array.from({ length: EVENTS }, (_, at) => `db/${names[at % names.length]}`);
  await world.producer.send(
    world.settings.topic,
    announced.map((table) => ({ key: Buffer.from(table), value: Buffer.from(JSON.stringify({ table })) })),
  );
  // All that a fetch brought used to be settled in one turn of the event loop.
  const seen = new Set<number>();
  for (let settled = 0; settled < EVENTS; seen.add(settled)) {
    settled = sumOf(await member.metrics(), 'segmentd_events_total');
  }
  expect(seen.size).toBeGreaterThan(10);
  expect(await member.end()).toBe(0);
});

test('of records that differ in nothing but an id each is a dead letter, with its own bytes and offset', async () => {
  const world = await makeRoughWorld();
  const member = await startMember(world.configFile);
  await member.untilReady();
  const refused = ['one', 'two', 'six'].map((id) => record({ table: 'nowhere/people', id }));
  await world.producer.send(world.settings.topic, refused);
  const letters = await readTopic(world.settings, world.settings.deadLetterTopic, refused.length);
  expect(new Set(letters.map(({ value, headers }) => `${headers['segmentd-offset']} ${value}`))).toEqual(
    new Set(refused.map(({ value }, at) => `${at} ${value}`)),
  );
  await until('all is committed', async () => (await lagOf(world)) === 0);
  expect(sumOf(await member.metrics(), 'segmentd_dead_letters_total')).toBe(refused.length);
  expect(await member.end()).toBe(0);
});
