/** A daemon that reads its configuration again at SIGHUP. */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { parse, stringify } from 'yaml';
import { freePorts } from '../../../testing/broker/broker.ts';
import { segmentd } from '../../../testing/cli.ts';
import type { LogLine } from '../../../testing/daemon-process.ts';
import { people } from '../../../testing/people.ts';
import type { World } from './world.ts';
import { covered, makeTable, makeWorld, openTable, until } from './world.ts';

type Change = Readonly<Record<string, object | undefined>>;

/** Replaces sections of the configuration file, as an editor does, and returns the text that it had. */
async function rewrite({ configFile }: World, change: Change): Promise<string> {
  const text = await readFile(configFile, 'utf8');
  const aside = `${configFile}.new`;
  await writeFile(aside, stringify({ ...parse(text), ...change }));
  await rename(aside, configFile);
  return text;
}

/** Sends SIGHUP and resolves with the next line of one of these events. */
async function hangUp(world: World, pid: number, ...events: string[]): Promise<LogLine> {
  const { length } = world.log;
  process.kill(pid, 'SIGHUP');
  return vi.waitFor(
    () => {
      const line = world.log.slice(length).find(({ event }) => events.includes(event ?? ''));
      expect(line).toBeDefined();
      return line as LogLine;
    },
    { timeout: 30_000, interval: 50 },
  );
}

const eventsOf = (world: World) => world.log.map(({ event }) => event);

test('SIGHUP takes over log level, tables and sweeps; a broker, by name, has to wait; nothing is lost meanwhile', async () => {
  const world = await makeWorld({ tables: { 'db/people': { indexes: [{ column: 'id' }] } } });
  await makeTable(world, 'people', 100);
  const table = await openTable(world.database, 'people');
  await table.dropIndex('name_idx');
  const daemon = await world.daemon();
  const announce = () =>
    world.producer.send(world.settings.topic, [{ key: null, value: Buffer.from('{"table": "db/people"}') }]);
  await table.add(people(100, 10));
  await announce();
  await until('covered', () => covered(world, 'people'));
  expect(eventsOf(world)).not.toContain('planned');

  const before = await rewrite(world, {
    log: { level: 'debug' },
    tables: { 'db/people': { indexes: [{ column: 'id' }, { column: 'name' }] } },
    kafka: { ...parse(await readFile(world.configFile, 'utf8')).kafka, brokers: ['elsewhere:9092'] },
  });
  expect(await hangUp(world, daemon.pid, 'configReloaded', 'configRefused')).toMatchObject({
    event: 'configReloaded',
    config: world.configFile,
    applied: ['tables.db/people', 'log.level'],
    needs_restart: ['kafka.brokers'],
  });
  const names = async () => (await world.facts('people')).indexes.map(({ name }) => name).sort();
  await until('the new index is made without an event', async () => (await names()).join() === 'id_idx,name_idx');
  await until('debug lines', () => eventsOf(world).includes('planned'));
  expect(world.log).toContainEqual(
    expect.objectContaining({
      ...{ event: 'optionNeedsRestart', level: 'warn', option: 'kafka.brokers' },
      at: expect.stringMatching(/segmentd\.yaml:\d+:\d+$/),
    }),
  );

  await writeFile(world.configFile, before);
  expect(await hangUp(world, daemon.pid, 'configReloaded')).toMatchObject({ needs_restart: [] });
  await rewrite(world, { sweep: { interval_s: 1 } });
  await table.add(people(110, 10));
  await hangUp(world, daemon.pid, 'configReloaded');
  const isIdCovered = async () => (await world.facts('people')).indexes[0]?.missing_fragments === 0;
  await until('the sweep that was switched on finds an append', isIdCovered);
  await table.add(people(120, 10));
  await announce();
  await until('the broker is the same', isIdCovered);
  expect(await daemon.stop()).toBe(0);
});

test('a configuration that is invalid at SIGHUP is refused with the errors of a start, and changes nothing', async () => {
  const world = await makeWorld();
  const daemon = await world.daemon();
  const before = await rewrite(world, { log: { level: 'loud' }, merge: { factor: 1 }, retry: { max_ms: 1 } });
  const refused = await hangUp(world, daemon.pid, 'configReloaded', 'configRefused');
  expect(refused).toMatchObject({ event: 'configRefused', level: 'error', code: 'config_invalid' });
  const start = await segmentd(['run', '-c', world.configFile]);
  expect(start.code).toBe(78);
  for (const part of ['log.level', 'merge.factor', 'retry.initial_ms']) expect(refused.error).toContain(part);
  expect(start.stderr).toContain(String(refused.error));

  await rewrite(world, { log: undefined, merge: undefined, retry: undefined, databases: { db: world.configFile } });
  const blocked = await hangUp(world, daemon.pid, 'configReloaded', 'configRefused');
  expect(blocked).toMatchObject({ event: 'configRefused', error: expect.stringContaining('is a file') });
  expect((await segmentd(['run', '-c', world.configFile])).stderr).toContain(String(blocked.error));

  await writeFile(world.configFile, before);
  expect(await hangUp(world, daemon.pid, 'configReloaded', 'configRefused')).toMatchObject({
    ...{ event: 'configReloaded', applied: [], needs_restart: [] },
  });
  expect((await fetch(`${daemon.url}/readyz`)).status).toBe(200);
  expect(await daemon.stop()).toBe(0);
});

test('a token is exchanged by SIGHUP, and one in a file without it; a file that is gone changes nothing', async () => {
  const [port] = await freePorts();
  const world = await makeWorld({ admin: { port, token: 'first-0123456789' } });
  const daemon = await world.daemon();
  const ask = async (token: string) =>
    (await fetch(`http://127.0.0.1:${port}/v1/tables`, { headers: { authorization: `Bearer ${token}` } })).status;
  expect(await ask('first-0123456789')).toBe(200);

  const file = join(world.home, 'token');
  await writeFile(file, 'second-0123456789\n');
  await rewrite(world, { admin: { port, token_file: file } });
  expect(await ask('second-0123456789')).toBe(401);
  expect(await hangUp(world, daemon.pid, 'configReloaded')).toMatchObject({
    ...{ applied: ['admin.token', 'admin.token_file'], needs_restart: [] },
  });
  expect([await ask('first-0123456789'), await ask('second-0123456789')]).toEqual([401, 200]);

  await writeFile(`${file}.new`, 'third-0123456789\n');
  await rename(`${file}.new`, file);
  expect([await ask('second-0123456789'), await ask('third-0123456789')]).toEqual([401, 200]);
  await rename(file, `${file}.gone`);
  expect([await ask('third-0123456789'), await ask('third-0123456789')]).toEqual([200, 200]);
  const warnings = world.log.filter((line) => String(line.msg).includes('admin.token_file'));
  expect(warnings).toHaveLength(1);
  expect(JSON.stringify(world.log)).not.toMatch(/(first|second|third)-0/);
  expect(await daemon.stop()).toBe(0);
});
