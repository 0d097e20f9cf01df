import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { partitionOf } from '../../../src/kafka/partition-of.ts';
import { freePorts } from '../../../testing/broker/broker.ts';
import { people } from '../../../testing/people.ts';
import { startMember } from '../chaos/member.ts';
import type { World } from './world.ts';
import { covered, makeTable, makeWorld, openTable, until } from './world.ts';

const TOKEN = 'letmein-0123456789';

/** Asks a member for a command, again while it does not know yet who owns what. */
async function ask(port: number, path: string) {
  for (;;) {
    const answer = await fetch(`http://127.0.0.1:${port}/v1/tables/db/${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${TOKEN}` },
    });
    const body = (await answer.json()) as Record<string, unknown>;
    if (body.code !== 'owner_unknown') return { status: answer.status, body };
    await sleep(100);
  }
}

/** Appends that the daemon covers one by one, so that each is a segment of its own. */
async function appendEach(world: World, table: string, batches: number, from: number): Promise<void> {
  for (let at = 0; at < batches; at++) {
    await (await openTable(world.database, table)).add(people(from + 10 * at, 10));
    const record = { key: Buffer.from(`db/${table}`), value: Buffer.from(JSON.stringify({ table: `db/${table}` })) };
    await world.producer.send(world.settings.topic, [record]);
    await until('the append is covered', () => covered(world, table));
  }
}

const segmentsOf = async (world: World, table: string) =>
  (await world.facts(table)).indexes.map(({ segments }) => segments.length);

test('merge and optimize are done now by the member that asks for them to be, and refused where they cannot be', async () => {
  const [port] = await freePorts();
  const maintain = { optimize_every: '700d' };
  const tables = { 'db/off': { maintain: 'off' } };
  const world = await makeWorld({ admin: { port, token: TOKEN }, maintain, tables });
  for (const name of ['people', 'off']) await makeTable(world, name, 100);
  const daemon = await world.daemon();
  await appendEach(world, 'people', 3, 100);
  expect(await segmentsOf(world, 'people')).toEqual([4, 4]);

  // The policy has nothing to merge of four.
  expect((await ask(port, 'people/merge')).body).toMatchObject({ work: { outcome: 'nothing_due', merges: [] } });
  expect(await ask(port, 'people/merge?to=1')).toMatchObject({
    status: 200,
    body: {
      table: 'db/people',
      work: { command: 'merge', outcome: 'begun', to: 1, merges: [{ index: 'id_idx', segments: 4, rows: 130 }, {}] },
    },
  });
  await until('merged', async () => (await segmentsOf(world, 'people')).every((segments) => segments === 1));

  const before = await world.facts('people');
  expect((await ask(port, 'people/optimize')).body).toMatchObject({
    work: { command: 'optimize', outcome: 'begun', compaction: { fragments_removed: 4, fragments_added: 1 } },
  });
  await until('compacted', async () => (await world.facts('people')).fragments === 1);
  expect(before.fragments).toBe(4);
  await until('told', () => world.log.some(({ event }) => event === 'maintenanceFinished'));
  expect(world.log.find(({ event }) => event === 'maintenanceStarted')).toMatchObject({ reason: 'asked' });
  expect(await covered(world, 'people')).toBe(true);
  // Fresh data is covered as ever.
  await appendEach(world, 'people', 1, 200);

  expect(await ask(port, 'off/optimize')).toMatchObject({ status: 409, body: { code: 'maintenance_off' } });
  expect(await ask(port, 'people/merge?to=none')).toMatchObject({ status: 400, body: { code: 'command_invalid' } });
  expect(await ask(port, 'none/merge')).toMatchObject({ status: 404, body: { code: 'event_table_not_found' } });
  expect(await ask(port, 'none/merge?force=true')).toMatchObject({ status: 400 });
  await ask(port, 'people/pause');
  for (const command of ['merge?to=1', 'optimize']) {
    expect(await ask(port, `people/${command}`)).toMatchObject({ status: 409, body: { code: 'table_paused' } });
  }
  expect(await daemon.stop()).toBe(0);
});

test('a member that does not own the table sends the command on, over the control topic', async () => {
  const [port, other] = await freePorts();
  const control = `control-${Date.now()}`;
  const world = await makeWorld({ admin: { port, token: TOKEN } }, 2, {
    control_topic: control,
    create_topics: { enabled: true, replication_factor: 1 },
  });
  // Each member has one of two partitions.
  const names = ['p', 'q', 'r', 's', 't', 'u', 'v'];
  const one = names.find((name) => partitionOf(`db/${name}`, 2) === 0) as string;
  const two = names.find((name) => partitionOf(`db/${name}`, 2) === 1) as string;
  for (const name of [one, two]) await makeTable(world, name, 100);
  const first = await world.daemon();
  for (const name of [one, two]) await appendEach(world, name, 2, 100);
  const env = { SEGMENTD_ADMIN_PORT: String(other), SEGMENTD_STATE_SCRATCH_DIR: `${world.scratch}-2` };
  const second = await startMember(world.configFile, env);
  await second.untilReady();
  await until('each has a partition', async () => {
    const page = (await (await fetch(`${first.url}/status`)).json()) as { partitions: number[] };
    return page.partitions.length === 1;
  });
  const outcomes: string[] = [];
  for (const name of [one, two]) {
    expect(await segmentsOf(world, name)).toEqual([3, 3]);
    const { status, body } = await ask(port, `${name}/merge?to=1`);
    outcomes.push((body.work as { outcome: string }).outcome);
    expect(status).toBe(200);
    await until('merged', async () => (await segmentsOf(world, name)).every((segments) => segments === 1));
  }
  expect(new Set(outcomes)).toEqual(new Set(['begun', 'sent']));
  expect(await second.end()).toBe(0);
  expect(await first.stop()).toBe(0);
});
