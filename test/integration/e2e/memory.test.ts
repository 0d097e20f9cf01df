/** A daemon with little memory to sort in, and many tables that miss much at once. */
import { connect } from '@lancedb/lancedb';
import { expect, test } from 'vitest';
import { people } from '../../../testing/people.ts';
import { covered, makeWorld, until } from './world.ts';

const TABLES = Array.from({ length: 8 }, (_, number) => `t${number}`);
const FRAGMENTS = 4;
const ROWS_PER_FRAGMENT = 100_000;

test('tables that all miss much at once are all covered, merges among them, and no failure is logged', async () => {
  const indexes = [{ column: 'id' }, { column: 'name' }];
  const world = await makeWorld({
    build: { memory_bytes: 64 * 2 ** 20 },
    concurrency: { tables: TABLES.length },
    // One segment per fragment, and of four of them one again, while other tables are still built.
    batch: { max_fragments: 1 },
    merge: { concurrency: 4, factor: 2, floor_rows: 1 },
    sweep: { interval_s: 600 },
    tables: Object.fromEntries(TABLES.map((name) => [`db/${name}`, { indexes }])),
    log: { level: 'debug' },
  });
  const connection = await connect(world.database);
  for (const name of TABLES) {
    const table = await connection.createTable(name, people(0, ROWS_PER_FRAGMENT));
    for (let at = 1; at < FRAGMENTS; at++) await table.add(people(at * ROWS_PER_FRAGMENT, ROWS_PER_FRAGMENT));
    table.close();
  }
  connection.close();
  const daemon = await world.daemon();
  for (const name of TABLES) await until(`${name} is covered`, () => covered(world, name));
  const page = async () => (await fetch(`${daemon.url}/metrics`)).text();
  await until('all is merged, and nothing waits', async () => {
    const lines = (await page()).split('\n');
    return lines.includes('segmentd_merges_pending 0') && lines.includes('segmentd_builds_waiting 0');
  });
  expect(await daemon.stop()).toBe(0);
  const events = world.log.map(({ event }) => event);
  expect(events).toContain('mergeFinished');
  expect(events.filter((event) => event === 'workFailed' || event === 'mergeFailed')).toEqual([]);
  expect(world.log.filter((line) => JSON.stringify(line).includes('exhausted'))).toEqual([]);
});
