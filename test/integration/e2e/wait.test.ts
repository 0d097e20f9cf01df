import { expect, test } from 'vitest';
import { freePorts } from '../../../testing/broker/broker.ts';
import { segmentd } from '../../../testing/cli.ts';
import { people } from '../../../testing/people.ts';
import { makeTable, makeWorld, openTable } from './world.ts';

const TOKEN = 'letmein-0123456789';

test('wait ends with 0 once a version is covered, with 1 when the time is over, and otherwise with an error', async () => {
  const world = await makeWorld();
  await makeTable(world, 'people', 100);
  const table = await openTable(world.database, 'people');
  const uri = world.tableFolder('people');
  const wait = (version: number, ...more: string[]) => segmentd(['wait', uri, '--version', String(version), ...more]);
  const before = await table.version();
  expect(await wait(before, '--timeout', '0s')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('is covered'),
  });

  const waiting = wait(before + 1, '--timeout', '60s', '--json');
  const { version } = await table.add(people(100, 10));
  expect(version).toBe(before + 1);
  expect(await wait(version, '--timeout', '200ms')).toMatchObject({
    code: 1,
    stdout: expect.stringContaining(`version ${version} is not covered`),
  });
  await segmentd(['index', uri, '--scratch-dir', world.scratch]);
  const { code, stdout } = await waiting;
  expect([code, JSON.parse(stdout)]).toMatchObject([0, { uri, version, covered: true, latest_version: version + 1 }]);

  // Compacted rows are waited for where they went, which LanceDB itself may have covered or not.
  const later = await table.add(people(110, 10));
  await table.optimize({ deleteUnverified: false });
  const { indexes } = await world.facts('people');
  const whole = indexes.every(({ coverage }) => coverage === 1);
  expect((await wait(later.version, '--timeout', '0s')).code).toBe(whole ? 0 : 1);

  expect((await wait(1, '--column', 'shoe_size')).code).toBe(65);
  expect((await wait(0)).code).toBe(64);
  expect((await wait(1, '--timeout', '30')).code).toBe(64);
  expect((await segmentd(['wait', uri])).code).toBe(64);
  expect((await segmentd(['wait', world.tableFolder('nobody'), '--version', '1'])).code).toBe(65);
});

test('a writer asks the daemon whether its append is covered; a wait does not hold up the end', async () => {
  const [port] = await freePorts();
  // A drain that waited for the wait would not end within a test.
  const patient = { shutdown: { drain_ms: 250_000 } };
  const world = await makeWorld({ admin: { port, token: TOKEN }, ...patient }, 3, { session_timeout_ms: 300_000 });
  await makeTable(world, 'people', 100);
  const daemon = await world.daemon();
  const table = await openTable(world.database, 'people');
  const ask = async (query: string, name = 'people') => {
    const url = `http://127.0.0.1:${port}/v1/tables/db/${name}/wait?${query}`;
    const answer = await fetch(url, { headers: { authorization: `Bearer ${TOKEN}` } });
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  };
  const { version } = await table.add(people(100, 10));
  expect(await ask(`version=${version}&timeout=100ms`)).toEqual({
    status: 200,
    body: { table: 'db/people', version, covered: false, latest_version: version },
  });
  const waiting = ask(`version=${version}&timeout=60s`);
  const value = Buffer.from(JSON.stringify({ table: 'db/people', version }));
  await world.producer.send(world.settings.topic, [{ key: Buffer.from('db/people'), value }]);
  expect(await waiting).toEqual({
    status: 200,
    body: { table: 'db/people', version, covered: true, latest_version: version + 1 },
  });
  expect(await ask('version=1&timeout=1h')).toMatchObject({ status: 400, body: { code: 'wait_invalid' } });
  expect(await ask('version=1', 'nobody')).toMatchObject({ status: 404, body: { code: 'table_not_found' } });

  const left = ask('version=1000&timeout=300s').catch(() => 'cut off');
  expect(await daemon.stop()).toBe(0);
  expect(await left).toBe('cut off');
});
