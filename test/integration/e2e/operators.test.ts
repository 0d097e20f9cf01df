import { rename, rm, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { openClient } from '../../../src/kafka/client.ts';
import { createTopic } from '../../../src/kafka/topics.ts';
import { freePorts } from '../../../testing/broker/broker.ts';
import { segmentd } from '../../../testing/cli.ts';
import { people } from '../../../testing/people.ts';
import { startMember } from '../chaos/member.ts';
import { readTopic } from './read-topic.ts';
import type { World } from './world.ts';
import { covered, makeTable, makeWorld, openTable, until } from './world.ts';

const TOKEN = 'letmein-0123456789';

async function announce(world: World, table: string): Promise<void> {
  const value = Buffer.from(JSON.stringify({ table: `db/${table}` }));
  await world.producer.send(world.settings.topic, [{ key: Buffer.from(`db/${table}`), value }]);
}

async function append(world: World, table: string, from: number): Promise<void> {
  await (await openTable(world.database, table)).add(people(from, 10));
}

async function makeTopic(world: World, topic: string): Promise<void> {
  const admin = (await openClient(world.settings, () => undefined)).admin();
  await admin.connect();
  await createTopic(admin, { topic, numPartitions: 1, replicationFactor: 1 }, 10_000);
  await admin.disconnect();
}

test('the sweep finds appends that were not announced, at start and later', async () => {
  const world = await makeWorld({ sweep: { interval_s: 5 } });
  for (const name of ['a', 'b']) await makeTable(world, name, 100);
  await append(world, 'a', 100);
  const daemon = await world.daemon();
  await until('a is covered', () => covered(world, 'a'));
  await append(world, 'b', 100);
  expect(await covered(world, 'b')).toBe(false);
  await until('b is covered', () => covered(world, 'b'));
  expect(await daemon.stop()).toBe(0);
});

test('a paused table waits and loses nothing; refresh looks without an event; only the token opens', async () => {
  const [port] = await freePorts();
  const world = await makeWorld({ admin: { port, token: TOKEN } });
  await makeTable(world, 'people', 100);
  await makeTable(world, 'other', 100);
  const daemon = await world.daemon();
  const ask = async (method: string, path: string, token = TOKEN) => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}` },
    });
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  };
  expect((await ask('GET', '/v1/tables', 'wrong')).status).toBe(401);
  expect((await ask('POST', '/v1/tables/db/people/drop')).status).toBe(404);
  expect((await ask('POST', '/v1/tables/elsewhere/people/pause')).body).toMatchObject({
    code: 'event_database_unknown',
  });
  expect((await ask('POST', '/v1/tables/db/..%2fpeople/pause')).status).toBe(400);

  expect(await ask('POST', '/v1/tables/db/none/pause')).toMatchObject({
    status: 404,
    body: { code: 'event_table_not_found', hint: expect.stringContaining('?force=true') },
  });
  expect(await ask('GET', '/v1/tables/db/none')).toMatchObject({
    status: 404,
    body: { code: 'event_table_not_found', error: 'there is no table db/none' },
  });
  expect((await ask('POST', '/v1/tables/db/none/pause?force=true')).body).toMatchObject({ paused: true });
  expect((await ask('POST', '/v1/tables/db/none/resume')).body).toMatchObject({ paused: false });

  expect((await ask('POST', '/v1/tables/db/people/pause')).body).toMatchObject({ table: 'db/people', paused: true });
  await append(world, 'people', 100);
  await append(world, 'other', 100);
  await announce(world, 'people');
  await announce(world, 'other');
  await until('the other table is covered', () => covered(world, 'other'));
  expect(await covered(world, 'people')).toBe(false);
  expect((await ask('GET', '/v1/tables')).body).toMatchObject({ paused: ['db/people'] });
  // What is said of a paused table goes on being true.
  const held = async () => (await ask('GET', '/v1/tables/db/people')).body;
  await until('the gap is seen', async () => (await held()).missing_fragments === 1);
  expect(await held()).toMatchObject({ state: 'paused', pause: { by: expect.stringMatching(/^http .*127/) } });
  const page = await (await fetch(`${daemon.url}/metrics`)).text();
  expect(page).toContain('segmentd_paused{table="db/people"} 1\n');
  expect(page).toContain('segmentd_missing_rows{table="db/people",index="id_idx"} 10\n');
  expect(page).toMatch(/^segmentd_index_lag_seconds\{table="db\/people",index="id_idx"\} 0\.[0-9]*[1-9]|[1-9]/m);
  await ask('POST', '/v1/tables/db/people/resume');
  await until('covered after all', () => covered(world, 'people'));

  await append(world, 'people', 110);
  await ask('POST', '/v1/tables/db/people/refresh');
  await until('covered without an event', () => covered(world, 'people'));
  // The table has it before the daemon has heard that its commit landed.
  await until('the gap is closed', async () => (await held()).missing_fragments === 0);
  expect(await held()).toMatchObject({ table: 'db/people', state: 'served', paused: false });
  const all = (await (await fetch(`${daemon.url}/status`)).json()) as { tables: { table: string }[] };
  expect(all.tables.map(({ table }) => table)).toEqual(['db/other', 'db/people']);
  expect(await daemon.stop()).toBe(0);
});

test('the control topic does the same, survives a restart, and commits are published on the notification topic', async () => {
  const names = { control: `control-${Date.now()}`, notes: `notes-${Date.now()}` };
  const world = await makeWorld({}, 3, { control_topic: names.control, notification_topic: names.notes });
  for (const topic of [names.control, names.notes]) await makeTopic(world, topic);
  const order = (command: string) =>
    world.producer.send(names.control, [
      { key: Buffer.from('db/people'), value: Buffer.from(JSON.stringify({ command, table: 'db/people' })) },
    ]);
  await makeTable(world, 'people', 100);
  await world.producer.send(names.control, [{ key: Buffer.from('nonsense'), value: Buffer.from('nonsense') }]);
  await order('pause');
  let daemon = await world.daemon();
  const paused = async () => {
    const page = (await (await fetch(`${daemon.url}/status`)).json()) as { paused: string[] };
    return page.paused.includes('db/people');
  };
  await until('paused', paused);
  await append(world, 'people', 100);
  await announce(world, 'people');
  expect(await daemon.stop()).toBe(0);
  daemon = await world.daemon();
  await until('paused again', paused);
  expect(await covered(world, 'people')).toBe(false);
  await order('resume');
  await until('covered', () => covered(world, 'people'));
  // The owner of the table answers too, if it owns the table when it reads the command.
  const isCommit = ({ value }: { value: Buffer | null }) => JSON.parse(String(value)).type !== 'table.status';
  const [note] = await readTopic(world.settings, names.notes, 1, isCommit);
  const told = JSON.parse(String(note?.value));
  expect(String(note?.key)).toBe('db/people');
  expect(told).toMatchObject({ type: 'segment.committed', table: 'db/people', version: expect.any(Number) });
  expect(told.segments).toMatchObject([
    { index: 'id_idx', fragments: [1], rows: 10 },
    { index: 'name_idx', fragments: [1], rows: 10 },
  ]);
  expect(await daemon.stop()).toBe(0);
});

test('what is asked over HTTP reaches all members, and holds after a restart, when there is a control topic', async () => {
  const [port, other] = await freePorts();
  const control = `control-${Date.now()}`;
  const world = await makeWorld({ admin: { port, token: TOKEN } }, 3, { control_topic: control });
  await makeTopic(world, control);
  await makeTable(world, 'people', 100);
  const pausedAt = async (url: string) => {
    const page = (await (await fetch(`${url}/status`)).json()) as { paused: string[] };
    return page.paused.includes('db/people');
  };
  const pauseAt = async (url: string) => {
    const page = (await (await fetch(`${url}/status`)).json()) as { tables: { table: string; pause: object }[] };
    return page.tables.find(({ table }) => table === 'db/people')?.pause;
  };
  const ask = async (command: string) => {
    const headers = { authorization: `Bearer ${TOKEN}` };
    const answer = await fetch(`http://127.0.0.1:${port}/v1/tables/db/people/${command}`, { method: 'POST', headers });
    expect(answer.status).toBe(200);
  };
  const first = await world.daemon();
  const second = await startMember(world.configFile, {
    SEGMENTD_ADMIN_PORT: String(other),
    SEGMENTD_STATE_SCRATCH_DIR: `${world.scratch}-2`,
  });
  await second.untilReady();
  for (const _ of [1, 2]) await ask('pause');
  expect(await pausedAt(first.url)).toBe(true);
  const pause = await pauseAt(first.url);
  await until('the other member has read the command', async () =>
    (await second.status()).paused.includes('db/people'),
  );
  expect(await second.end()).toBe(0);
  expect(await first.stop()).toBe(0);

  await append(world, 'people', 100);
  await announce(world, 'people');
  const next = await world.daemon();
  expect(await pausedAt(next.url)).toBe(true);
  expect(await pauseAt(next.url)).toEqual(pause);
  expect(await covered(world, 'people')).toBe(false);
  await ask('resume');
  await until('covered', () => covered(world, 'people'));
  expect(await next.stop()).toBe(0);
});

test('a table that keeps failing is retrying, shows in status, holds up no other table, and its recovery is logged once', async () => {
  const world = await makeWorld({ retry: { initial_ms: 100, max_ms: 500 } });
  for (const name of ['sick', 'well']) await makeTable(world, name, 100);
  const daemon = await world.daemon();
  const indices = `${world.tableFolder('sick')}/_indices`;
  // No segment can be published where a file stands in the place of the folder.
  await rename(indices, `${indices}-away`);
  await writeFile(indices, '');
  for (const name of ['sick', 'well']) {
    await append(world, name, 100);
    await announce(world, name);
  }
  await until('the other table is covered', () => covered(world, 'well'));
  const retrying = async () => {
    const { tables } = JSON.parse((await segmentd(['status', '--daemon', daemon.url, '--json'])).stdout);
    return tables.find(({ table }: { table: string }) => table === 'db/sick');
  };
  await until('it is retrying', async () => (await retrying())?.failure?.count > 1);
  expect(await retrying()).toMatchObject({ state: 'retrying', failure: { code: expect.stringMatching(/^store_/) } });
  expect((await segmentd(['status', '--daemon', daemon.url])).stdout).toMatch(/db\/sick +retrying .*store_/);
  const page = await fetch(`${daemon.url}/metrics`).then((answer) => answer.text());
  expect(page).toContain('\nsegmentd_tables_retrying 1\n');

  await rm(indices);
  await rename(`${indices}-away`, indices);
  await until('it is covered', () => covered(world, 'sick'));
  await until('it is well', async () => (await retrying())?.state === 'served');
  expect(world.log.filter(({ event }) => event === 'workRecovered')).toHaveLength(1);
  expect(await daemon.stop()).toBe(0);
});

test('status wants a table or a daemon, and says when none answers', async () => {
  const [port] = await freePorts();
  expect((await segmentd(['status'])).code).toBe(64);
  expect((await segmentd(['status', '/x.lance', '--daemon', 'http://127.0.0.1:1'])).code).toBe(64);
  const { code, stderr } = await segmentd(['status', '--daemon', `http://127.0.0.1:${port}`]);
  expect(code).toBe(69);
  expect(stderr).toContain('daemon_unavailable');
});
