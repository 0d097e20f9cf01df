import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { openLag } from '../../../src/kafka/lag.ts';
import { nameOf } from '../../../testing/people.ts';
import { segmentDigests, untouched } from '../../../testing/proof.ts';
import { readTopic } from './read-topic.ts';
import type { World } from './world.ts';
import { covered, entriesOf, exitOf, makeTable, makeWorld, openTable, startWriter, until } from './world.ts';

const FIRST = 10_000;
const BATCHES = 20;
const ROWS = 200;

test('twenty appends, duplicates, garbage and a restart end in full coverage', async () => {
  const world = await makeWorld();
  await makeTable(world, 'people', FIRST);
  const before = await segmentDigests(world.tableFolder('people'));
  let daemon = await world.daemon();

  const writer = startWriter(world, 'people', FIRST, BATCHES, ROWS);
  const garbage = await sendGarbage(world);
  await until('half of the appends are covered', async () => (await world.facts('people')).rows >= FIRST + 2000);
  expect(await daemon.stop()).toBe(0);
  expect(await entriesOf(world.scratch)).toEqual([]);
  daemon = await world.daemon();
  await announceAgain(world);
  expect(await exitOf(writer)).toBe(0);

  await until('everything is covered', () => covered(world, 'people'));
  await until('all offsets are committed', async () => (await lagOf(world)) === 0);
  expect(await daemon.stop()).toBe(0);
  expect(await entriesOf(world.scratch)).toEqual([]);

  const facts = await world.facts('people');
  expect(facts.rows).toBe(FIRST + BATCHES * ROWS);
  expect(untouched(before, await segmentDigests(world.tableFolder('people')))).toBe(true);
  await everyFreshKeyIsFound(world);

  const letters = await readTopic(world.settings, world.settings.deadLetterTopic, garbage.length);
  const sent = garbage.map(({ value, reason }) => ({ value: value?.toString('hex') ?? null, reason }));
  const kept = letters.map(({ value, headers }) => ({
    value: value?.toString('hex') ?? null,
    reason: headers['segmentd-reason'],
  }));
  const byText = (a: object, b: object) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);
  expect(kept.sort(byText)).toEqual(sent.sort(byText));
  for (const { headers } of letters) {
    expect(headers['segmentd-topic']).toBe(world.settings.topic);
    expect(headers['segmentd-partition']).toMatch(/^\d+$/);
    expect(headers['segmentd-offset']).toMatch(/^\d+$/);
  }
});

/** Records that are not append events for a table of ours, with the reason each must be refused for. */
async function sendGarbage(world: World) {
  const json = (value: unknown) => Buffer.from(JSON.stringify(value));
  const garbage = [
    { value: Buffer.from([0xff, 0xfe, 0x00, 0x01]), reason: 'event_not_json' },
    { value: Buffer.from('{"table":'), reason: 'event_not_json' },
    { value: null, reason: 'event_empty' },
    { value: json([]), reason: 'event_invalid' },
    { value: json({ table: 'db/people', version: -1 }), reason: 'event_invalid' },
    { value: json({ table: 'other/people' }), reason: 'event_database_unknown' },
    { value: json({ table: 'db/../../etc' }), reason: 'event_table_invalid' },
    { value: json({ table: '/etc/passwd.lance' }), reason: 'event_table_outside' },
  ];
  for (const { value } of garbage) {
    await world.producer.send(world.settings.topic, [{ key: Buffer.from('db/people'), value }]);
    await sleep(20);
  }
  return garbage;
}

/** The same event ten times: nine of them find nothing to do. */
async function announceAgain(world: World): Promise<void> {
  const value = Buffer.from(JSON.stringify({ table: 'db/people' }));
  const records = Array.from({ length: 10 }, () => ({ key: Buffer.from('db/people'), value }));
  await world.producer.send(world.settings.topic, records);
}

async function lagOf(world: World): Promise<number> {
  const probe = openLag(world.settings, 60_000);
  try {
    return [...(await probe.read()).values()].reduce((sum, { lag }) => sum + Number(lag), 0);
  } finally {
    await probe.stop();
  }
}

async function everyFreshKeyIsFound(world: World): Promise<void> {
  const table = await openTable(world.database, 'people');
  for (let id = FIRST; id < FIRST + BATCHES * ROWS; id += 37) {
    const rows = (await table.query().where(`id = ${id}`).toArray()) as { name: string }[];
    expect(rows.map(({ name }) => name)).toEqual([nameOf(id)]);
    const byName = (await table
      .query()
      .where(`name = '${nameOf(id)}'`)
      .toArray()) as { id: unknown }[];
    expect(byName.map((row) => Number(row.id))).toEqual([id]);
  }
  expect(
    await table
      .query()
      .where(`id = ${FIRST + 5}`)
      .explainPlan(true),
  ).toContain('ScalarIndexQuery');
  expect(
    await table
      .query()
      .where(`name = '${nameOf(FIRST + 5)}'`)
      .explainPlan(true),
  ).toContain('ScalarIndexQuery');
}

test('three processes append to one table while the daemon commits, and nothing is lost', async () => {
  const world = await makeWorld();
  await makeTable(world, 'people', FIRST);
  const daemon = await world.daemon();
  const writers = [1, 2, 3].map((writer) => startWriter(world, 'people', writer * 1_000_000, 15, 100));
  expect(await Promise.all(writers.map(exitOf))).toEqual([0, 0, 0]);
  await until('everything is covered', () => covered(world, 'people'));
  expect(await daemon.stop()).toBe(0);

  const table = await openTable(world.database, 'people');
  expect(await table.countRows()).toBe(FIRST + 3 * 15 * 100);
  for (const writer of [1, 2, 3]) {
    expect(await table.countRows(`id >= ${writer * 1_000_000} AND id < ${writer * 1_000_000 + 1500}`)).toBe(1500);
  }
});
