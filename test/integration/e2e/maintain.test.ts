/** Housekeeping by a daemon, as an operator sees it. */
import { expect, test } from 'vitest';
import { segmentd } from '../../../testing/cli.ts';
import { covered, exitOf, makeTable, makeWorld, startWriter, until } from './world.ts';

test('a daemon compacts a table that needs it, and covers what came meanwhile', async () => {
  const world = await makeWorld({
    maintain: { compact_when: { small_fragments: 5 }, keep_versions_for: '0s' },
    sweep: { interval_s: 3_600 },
  });
  await makeTable(world, 'people', 100);
  expect(await exitOf(startWriter(world, 'people', 100, 8, 10))).toBe(0);
  const daemon = await world.daemon();
  const finished = () => world.log.filter(({ event }) => event === 'maintenanceFinished');
  await until('compacted', () => finished().length > 0);
  expect(finished()[0]).toMatchObject({ table: 'db/people', fragmentsRemoved: 9, fragmentsAdded: 1 });
  await until('covered', () => covered(world, 'people'));
  const { fragments, rows } = await world.facts('people');
  expect([fragments, rows]).toEqual([1, 180]);
  const page = await (await fetch(`${daemon.url}/metrics`)).text();
  expect(page).toContain('segmentd_small_fragments{table="db/people"} 1');
  expect(page).toMatch(/segmentd_table_versions\{table="db\/people"\} [1-5]\n/);
  expect(page).toContain('segmentd_maintenance_runs_total{outcome="done"} 1');
  const verified = await segmentd(['verify', world.tableFolder('people'), '--json']);
  expect(JSON.parse(verified.stdout).findings).toEqual([]);
  expect(await daemon.stop()).toBe(0);
});
