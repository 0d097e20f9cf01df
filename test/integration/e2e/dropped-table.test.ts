/** Tables that are copied in, announced and dropped again at any moment: the daemon goes on, and other tables do not notice. */
import { cp, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { askDaemon } from '../../../src/commands/daemons/daemon-status.ts';
import { people } from '../../../testing/people.ts';
import type { World } from './world.ts';
import { covered, makeTable, makeWorld, openTable, until } from './world.ts';

const ROUNDS = 60;
const MAX_LIFE_MS = 30;

async function announce(world: World, table: string): Promise<void> {
  const value = Buffer.from(JSON.stringify({ table: `db/${table}` }));
  await world.producer.send(world.settings.topic, [{ key: Buffer.from(`db/${table}`), value }]);
}

test('a table that is dropped while it is indexed ends neither the daemon nor the work on others, and is no longer shown', async () => {
  const world = await makeWorld({
    events: { version_wait_ms: 500 },
    retry: { initial_ms: 50, max_ms: 200 },
    sweep: { interval_s: 1 },
  });
  for (const name of ['source', 'other']) await makeTable(world, name, 1_000);
  const append = async (name: string, from: number) => (await openTable(world.database, name)).add(people(from, 100));
  await append('source', 1_000);
  // Out of the database: what is copied must not be indexed meanwhile.
  const source = join(dirname(world.database), 'source.lance');
  await rename(world.tableFolder('source'), source);
  const daemon = await world.daemon();
  for (let round = 0; round < ROUNDS; round++) {
    const name = `dropped${round}`;
    await cp(source, world.tableFolder(name), { recursive: true });
    await announce(world, name);
    // Every length of life in turn: the drop meets each stage.
    await sleep((round * MAX_LIFE_MS) / ROUNDS);
    await rm(world.tableFolder(name), { recursive: true, force: true, maxRetries: 50, retryDelay: 10 });
    if (round % 20 !== 10) continue;
    await append('other', 1_000 + 100 * round);
    await announce(world, 'other');
    await until('the other table is covered', () => covered(world, 'other'));
  }
  const shown = async () => (await askDaemon({ url: daemon.url })).tables.map(({ table }) => table).join();
  await until('only the tables that are there are shown', async () => (await shown()) === 'db/other');
  expect(await (await fetch(`${daemon.url}/metrics`)).text()).not.toContain('table="db/dropped');
  expect(world.log.filter(({ code }) => code === 'internal')).toEqual([]);
  expect(await daemon.stop()).toBe(0);
});
