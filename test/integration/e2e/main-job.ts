/** The main job, wherever the table lies: appends are announced, and their rows get covered. */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { openLag } from '../../../src/kafka/lag.ts';
import { openStore } from '../../../src/store/open-store.ts';
import { nameOf } from '../../../testing/people.ts';
import { untouched } from '../../../testing/proof.ts';
import { readTopic } from './read-topic.ts';
import type { World } from './world.ts';
import { covered, entriesOf, exitOf, makeTable, openTable, startWriter, until } from './world.ts';

const FIRST = 10_000;
const BATCHES = 20;
const ROWS = 200;

/** Twenty appends, duplicates, garbage and a restart in the table `people`, which is made for it; no daemon runs afterwards. */
export async function doMainJob(world: World): Promise<void> {
  await makeTable(world, 'people', FIRST);
  const before = await digestsOfSegments(world);
  let daemon = await world.daemon();

  const writer = startWriter(world, 'people', FIRST, BATCHES, ROWS);
  const garbage = await sendGarbage(world);
  await until('half of the appends have landed', async () => (await world.facts('people')).rows >= FIRST + 2000);
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
  expect(untouched(before, await digestsOfSegments(world))).toBe(true);
  await everyFreshKeyIsFound(world);
  await garbageIsKept(world, garbage);
}

/** Digest of every file of every segment, by segment. */
async function digestsOfSegments({ tableFolder, storageOptions }: World): Promise<Map<string, string>> {
  const store = openStore(tableFolder('people'), storageOptions);
  const segments = (await store.folders('_indices')) ?? [];
  const digests = segments.map(async (segment) => {
    const hash = createHash('sha256');
    const names: string[] = (await store.list(`_indices/${segment}`)).map(({ name }) => name);
    for (const name of names.sort((a, b) => (a < b ? -1 : 1))) {
      hash.update(name).update((await store.read(`_indices/${segment}/${name}`))?.content ?? '');
    }
    return [segment, hash.digest('hex')] as const;
  });
  return new Map(await Promise.all(digests));
}

type Garbage = { readonly value: Buffer | null; readonly reason: string };

/** Records that are not append events for a table of ours, with the reason each must be refused for. */
async function sendGarbage(world: World): Promise<Garbage[]> {
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

/** It is in the dead-letter topic as it was, with its reason and where it came from. */
async function garbageIsKept({ settings }: World, garbage: readonly Garbage[]): Promise<void> {
  const letters = await readTopic(settings, settings.deadLetterTopic, garbage.length);
  const sent = garbage.map(({ value, reason }) => ({ value: value?.toString('hex') ?? null, reason }));
  const kept = letters.map(({ value, headers }) => ({
    value: value?.toString('hex') ?? null,
    reason: headers['segmentd-reason'],
  }));
  const byText = (a: object, b: object) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);
  expect(kept.sort(byText)).toEqual(sent.sort(byText));
  for (const { headers } of letters) {
    expect(headers['segmentd-topic']).toBe(settings.topic);
    expect(headers['segmentd-partition']).toMatch(/^\d+$/);
    expect(headers['segmentd-offset']).toMatch(/^\d+$/);
  }
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
  const table = await openTable(world.database, 'people', world.storageOptions);
  for (let id = FIRST; id < FIRST + BATCHES * ROWS; id += 37) {
    const rows = (await table.query().where(`id = ${id}`).toArray()) as { name: string }[];
    expect(rows.map(({ name }) => name)).toEqual([nameOf(id)]);
    const byName = (await table
      .query()
      .where(`name = '${nameOf(id)}'`)
      .toArray()) as { id: unknown }[];
    expect(byName.map((row) => Number(row.id))).toEqual([id]);
  }
  for (const filter of [`id = ${FIRST + 5}`, `name = '${nameOf(FIRST + 5)}'`]) {
    expect(await table.query().where(filter).explainPlan(true)).toContain('ScalarIndexQuery');
  }
}
