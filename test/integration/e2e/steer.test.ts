import { writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { expect, test } from 'vitest';
import { error, steered } from '../../../scripts/command-schemas.ts';
import { freePorts } from '../../../testing/broker/broker.ts';
import { segmentd, segmentdProcess } from '../../../testing/cli.ts';
import { people } from '../../../testing/people.ts';
import { expectAnswer } from './answer-schemas.ts';
import { covered, makeTable, makeWorld, openTable, until } from './world.ts';

const TOKEN = 'letmein-0123456789';

test('pause, resume and refresh steer a daemon through its control listener', async () => {
  const [port] = await freePorts();
  const world = await makeWorld({ admin: { port, token: TOKEN } });
  await makeTable(world, 'people', 100);
  const daemon = await world.daemon();
  const ask = async (...args: string[]) => {
    const { code, stdout, stderr } = await segmentd([...args, '-c', world.configFile, '--json']);
    expectAnswer(JSON.parse(stdout), steered, error);
    return { code, stderr, ...JSON.parse(stdout) };
  };
  // By its path too.
  expect(await ask('pause', world.tableFolder('people'))).toMatchObject({
    ...{ code: 0, table: 'db/people', command: 'pause', via: 'listener', state: 'paused', paused: true },
    survives_restart: false,
  });
  const again = await segmentd(['pause', 'db/people', '-c', world.configFile]);
  expect(again.stdout).toMatch(/^db\/people is paused, says .*\nthe pause ends with the process of that daemon: /);
  await (await openTable(world.database, 'people')).add(people(100, 10));
  await ask('refresh', 'db/people');
  expect(await covered(world, 'people')).toBe(false);
  expect(await ask('resume', 'db/people')).toMatchObject({ code: 0, paused: false, survives_restart: null });
  await until('covered', () => covered(world, 'people'));
  await (await openTable(world.database, 'people')).add(people(110, 10));
  const words = await segmentd(['refresh', 'db/people', '-c', world.configFile]);
  expect(words).toMatchObject({ code: 0, stdout: expect.stringMatching(/^db\/people is looked at now, says http:/) });
  await until('covered without an event', () => covered(world, 'people'));

  expect(await ask('pause', 'db/none')).toMatchObject({ code: 65, error: { code: 'event_table_not_found' } });
  expect(await ask('pause', 'db/none', '--force')).toMatchObject({ code: 0, paused: true });

  // Without a configuration: the daemon and its token are named.
  const token = join(world.home, 'token');
  await writeFile(token, `${TOKEN}\n`);
  const url = `http://127.0.0.1:${port}`;
  const named = await segmentdProcess(['resume', 'db/none', '--daemon', url, '--token-file', token], {
    SEGMENTD_CONFIG: '',
  });
  expect(named).toMatchObject({ code: 0, stdout: expect.stringContaining('db/none is resumed') });
  await writeFile(token, 'another-0123456789\n');
  const stranger = await segmentd(['resume', 'db/none', '--daemon', url, '--token-file', token]);
  expect(stranger).toMatchObject({ code: 77, stderr: expect.stringMatching(/http_unauthorized.*\n.*--token-file/) });
  expect(await daemon.stop()).toBe(0);

  const down = await ask('pause', 'db/people');
  expect(down).toMatchObject({
    code: 69,
    error: { code: 'daemon_unavailable', message: expect.stringContaining('does not answer') },
  });
});

test('without a listener, or when it is down, the control topic takes the command', async () => {
  const control_topic = `control-${Date.now()}`;
  const world = await makeWorld({}, 3, { control_topic, create_topics: { enabled: true, partitions: 3 } });
  await makeTable(world, 'people', 100);
  const daemon = await world.daemon();
  const sent = await segmentd(['pause', 'db/people', '-c', world.configFile, '--json']);
  expect(JSON.parse(sent.stdout)).toEqual({
    ...{ table: 'db/people', command: 'pause', via: 'topic', daemon: null },
    ...{ topic: control_topic, state: null, paused: null, survives_restart: true },
  });
  // By a path from where it is given, of the same table.
  const path = relative(process.cwd(), world.tableFolder('people'));
  expect(JSON.parse((await segmentd(['refresh', path, '-c', world.configFile, '--json'])).stdout)).toMatchObject({
    ...{ table: 'db/people', topic: control_topic },
  });
  expect((await segmentd(['pause', 'db/poeple', '-c', world.configFile])).code).toBe(65);
  type Answer = { paused: string[]; tables: { pause: { by: string } | null }[] };
  const status = async () => (await (await fetch(`${daemon.url}/status`)).json()) as Answer;
  await until('paused', async () => (await status()).paused.includes('db/people'));
  expect((await status()).tables[0]?.pause?.by).toMatch(/^.+@.+$/);
  const env = { SEGMENTD_ADMIN_TOKEN: TOKEN, SEGMENTD_ADMIN_PORT: '1' };
  expect((await segmentd(['resume', 'db/people', '-c', world.configFile], env)).stdout).toContain(
    `is on ${control_topic}`,
  );
  await until('resumed', async () => (await status()).paused.length === 0);
  expect(await daemon.stop()).toBe(0);
});

test('with neither it says what to set', async () => {
  const world = await makeWorld();
  const { code, stderr } = await segmentd(['pause', 'db/people', '-c', world.configFile]);
  expect([code, stderr]).toEqual([78, expect.stringContaining('neither the control listener')]);
});
