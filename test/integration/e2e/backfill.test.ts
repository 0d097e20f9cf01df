import { expect, test } from 'vitest';
import { LanceTable } from '../../../src/lance/table/table.ts';
import { localStore } from '../../../src/store/local-store.ts';
import { segmentd } from '../../../testing/cli.ts';
import { people } from '../../../testing/people.ts';
import { readTopic } from './read-topic.ts';
import type { World } from './world.ts';
import { covered, makeTable, makeWorld, openTable, until } from './world.ts';

const FRAGMENTS = 20;
const ROWS = 10;
const NO_MERGES = { merge: { concurrency: 0 } };

/** A table of an indexed fragment and many that were not announced. */
async function behind(world: World, name: string): Promise<void> {
  await makeTable(world, name, ROWS);
  const table = await openTable(world.database, name);
  for (let at = 1; at <= FRAGMENTS; at++) await table.add(people(at * ROWS, ROWS));
}

/** Fragments of each segment of one index, by commit order. */
async function segmentsOf(world: World, name: string): Promise<number[][]> {
  const { indexes } = await new LanceTable(localStore(world.tableFolder(name))).latest();
  return indexes.filter((index) => index.name === 'id_idx').map(({ fragments }) => [...(fragments ?? [])]);
}

const upTo = (count: number) => Array.from({ length: count }, (_, at) => at);

test('backfill shares out what is missing over all partitions, follows it, and has nothing to do after that', async () => {
  const world = await makeWorld(NO_MERGES);
  await behind(world, 'people');
  const run = (...args: string[]) =>
    segmentd(['backfill', 'db/people', '-c', world.configFile, '--rows-per-segment', '40', ...args]);

  const plan = JSON.parse((await run('--dry-run', '--json')).stdout);
  expect(plan).toMatchObject({ table: 'db/people', events: 5, rows: 200, fragments: 20 });
  expect(plan.parts.map(({ fragments, rows }: { fragments: number; rows: number }) => [fragments, rows])).toEqual(
    upTo(5).map(() => [4, 40]),
  );
  expect((await run('--dry-run')).stdout).toMatch(/5 events\n.*\n +1 +4 +1 to 4 +40/);
  expect(await covered(world, 'people')).toBe(false);

  const daemon = await world.daemon();
  const done = await run('--json');
  expect([done.code, JSON.parse(done.stdout)]).toMatchObject([0, { events: 5, rows: 200, waited: true }]);
  expect(done.stderr).toContain('100 %  200 of 200 rows');
  expect(await covered(world, 'people')).toBe(true);
  const records = await readTopic(world.settings, world.settings.topic, 5);
  expect(new Set(records.map(({ partition }) => partition))).toEqual(new Set([0, 1, 2]));
  const segments = await segmentsOf(world, 'people');
  expect(segments).toHaveLength(1 + 5);
  expect(segments.flat().sort((a, b) => a - b)).toEqual(upTo(1 + FRAGMENTS));

  const again = await run('--json');
  expect([again.code, JSON.parse(again.stdout)]).toMatchObject([0, { events: 0, rows: 0 }]);
  expect((await run('--dry-run')).stdout).toContain('misses nothing');
  expect(await daemon.stop()).toBe(0);
});

test('backfill without waiting only publishes; several parts that one member builds are one commit', async () => {
  const world = await makeWorld(NO_MERGES, 1);
  await behind(world, 'people');
  const args = ['backfill', 'db/people', '-c', world.configFile, '--rows-per-segment', '40', '--no-wait'];
  expect((await segmentd(args)).stdout).toContain('200 rows to cover in 5 events');
  expect(await covered(world, 'people')).toBe(false);
  const before = await world.facts('people');
  const daemon = await world.daemon();
  await until('it is covered', () => covered(world, 'people'));
  expect(await segmentsOf(world, 'people')).toHaveLength(1 + 5);
  const commits = (await world.facts('people')).version - before.version;
  expect(commits).toBeLessThan(5);
  expect(await daemon.stop()).toBe(0);
});

test('a table that misses much is shared out by the sweep, its newest part built at once', async () => {
  const options = { ...NO_MERGES, sweep: { interval_s: 600 }, backfill: { threshold_rows: 100, rows_per_segment: 40 } };
  const world = await makeWorld(options);
  await behind(world, 'people');
  const daemon = await world.daemon();
  await until('it is covered', () => covered(world, 'people'));
  const shared = world.log.filter(({ event }) => event === 'backfillPublished');
  expect(shared).toMatchObject([{ table: 'db/people', events: 4, rows: 160 }]);
  const segments = await segmentsOf(world, 'people');
  expect(segments.flat().sort((a, b) => a - b)).toEqual(upTo(1 + FRAGMENTS));
  // The member that shared it out does not wait for its turn with the newest.
  expect(segments[1]).toEqual([17, 18, 19, 20]);
  expect(await daemon.stop()).toBe(0);
});

test('a broker that cannot be reached is tried for as long as it is asked', async () => {
  const world = await makeWorld();
  await behind(world, 'people');
  const env = { SEGMENTD_KAFKA_BROKERS: '127.0.0.1:1' };
  const { code, stderr } = await segmentd(['backfill', 'db/people', '-c', world.configFile, '--timeout', '100ms'], env);
  expect([code, stderr]).toEqual([69, expect.stringContaining('no broker named its partitions in time')]);
});

test('a table that cannot be backfilled says why', async () => {
  const world = await makeWorld();
  const missing = await segmentd(['backfill', 'db/nothing', '-c', world.configFile]);
  expect([missing.code, missing.stderr]).toEqual([expect.any(Number), expect.stringContaining('table_not_found')]);
  expect((await segmentd(['backfill', 'sea/people', '-c', world.configFile])).stderr).toContain(
    'event_database_unknown',
  );
  expect((await segmentd(['backfill', 'db/people', '-c', world.configFile, '--rows-per-segment', '0'])).code).toBe(64);
});
