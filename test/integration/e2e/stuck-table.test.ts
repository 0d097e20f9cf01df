/** A table that waits, with more events than the daemon may have open: the others of its partition must not notice. */
import { expect, test } from 'vitest';
import { freePorts } from '../../../testing/broker/broker.ts';
import { append, lagOf, makeRoughWorld } from '../chaos/rough-world.ts';
import { covered, makeTable, until } from './world.ts';

const TOKEN = 'letmein-0123456789';
const MAX_IN_FLIGHT = 20;
const APPENDS = 30;

test('a paused table holds up neither its partition nor the end of the daemon, and loses nothing', async () => {
  const [port] = await freePorts();
  const world = await makeRoughWorld({
    partitions: 1,
    kafka: { max_in_flight: MAX_IN_FLIGHT, session_timeout_ms: 300_000 },
    options: { admin: { port, token: TOKEN }, shutdown: { drain_ms: 250_000 } },
  });
  for (const name of ['paused', 'other']) await makeTable(world, name, 100);
  const daemon = await world.daemon();
  const headers = { authorization: `Bearer ${TOKEN}` };
  const answer = await fetch(`http://127.0.0.1:${port}/v1/tables/db/paused/pause`, { method: 'POST', headers });
  expect(answer.status).toBe(200);

  // Each announces a version of its own, so that none repeats another.
  for (let at = 0; at < APPENDS; at++) await append(world, 'paused', 100 + 10 * at);
  for (let at = 0; at < 3; at++) {
    await append(world, 'other', 100 + 10 * at);
    await until('the other table is covered', () => covered(world, 'other'));
  }
  expect(await covered(world, 'paused')).toBe(false);
  expect(await lagOf(world)).toBe(APPENDS + 3);

  // Long before the drain has to be over, which is longer than a test may take.
  expect(await daemon.stop()).toBe(0);
  expect(await lagOf(world)).toBe(APPENDS + 3);

  // The pause was that of a process.
  const next = await world.daemon();
  await until('it is covered', () => covered(world, 'paused'));
  await until('all is committed', async () => (await lagOf(world)) === 0);
  expect(await next.stop()).toBe(0);
});

test('an event that announces too much holds up no fresh data of its table', async () => {
  const world = await makeRoughWorld({ partitions: 1, options: { events: { version_wait_ms: 600_000 } } });
  await makeTable(world, 'people', 100);
  const daemon = await world.daemon();
  const value = Buffer.from(JSON.stringify({ table: 'db/people', version: 1_000 }));
  await world.producer.send(world.settings.topic, [{ key: Buffer.from('db/people'), value }]);
  for (let at = 0; at < 3; at++) {
    await append(world, 'people', 100 + 10 * at);
    await until('the append is covered', () => covered(world, 'people'));
  }
  expect(await lagOf(world)).toBe(4);
  expect(await daemon.stop()).toBe(0);
});
