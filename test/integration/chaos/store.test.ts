import { rename } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { people } from '../../../testing/people.ts';
import { covered, makeTable, openTable, until } from '../e2e/world.ts';
import { startMember } from './member.ts';
import { announce, lagOf, makeRoughWorld, sumOf } from './rough-world.ts';

/** How long a version may stay invisible before its event is given up; the tables are away for longer. */
const VERSION_WAIT_MS = 300;

test('tables that are away for a while are worked on when they are back', async () => {
  const world = await makeRoughWorld({ options: { events: { version_wait_ms: VERSION_WAIT_MS } } });
  const names = ['one', 'two', 'three'];
  for (const name of names) await makeTable(world, name, 100);
  const member = await startMember(world.configFile);
  await member.untilReady();
  const tables = await Promise.all(names.map((name) => openTable(world.database, name)));
  for (const table of tables) await table.add(people(100, 10));

  const away = `${world.database}-away`;
  await rename(world.database, away);
  onTestFinished(() => rename(away, world.database).catch(() => undefined));
  for (const name of names) await announce(world, name);
  await until('the announcements are read', async () => sumOf(await member.metrics(), 'segmentd_unacked_events') === 3);
  await sleep(5 * VERSION_WAIT_MS);
  expect(await member.probe('/healthz')).toBe(200);
  expect(await lagOf(world)).toBe(3);
  await rename(away, world.database);

  for (const name of names) await until(`${name} is covered`, () => covered(world, name));
  await until('all is committed', async () => (await lagOf(world)) === 0);
  expect(sumOf(await member.metrics(), 'segmentd_dead_letters_total')).toBe(0);
  expect(await member.end()).toBe(0);
});
