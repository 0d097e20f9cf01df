import { expect, test } from 'vitest';
import { doMainJob } from './main-job.ts';
import { covered, exitOf, makeTable, makeWorld, openTable, startWriter, until } from './world.ts';

const FIRST = 10_000;

test('twenty appends, duplicates, garbage and a restart end in full coverage', async () => {
  await doMainJob(await makeWorld());
});

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
