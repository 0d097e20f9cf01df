/** `config check --online`, and that `run` says at its start what it serves. */
import { execFile } from 'node:child_process';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, inject, onTestFinished, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { VERSION } from '../../../src/lib/version.ts';
import { freePorts } from '../../../testing/broker/broker.ts';
import { MAIN, segmentd, startSegmentd } from '../../../testing/cli.ts';
import type { World } from './world.ts';
import { makeTable, makeWorld, until } from './world.ts';

const check = ({ configFile }: Pick<World, 'configFile'>, ...args: string[]) =>
  segmentd(['config', 'check', '-c', configFile, ...args]);

/** Writes the configuration of a world again, with `change` made to it. */
async function change(world: World, edit: (config: Record<string, Record<string, unknown>>) => void): Promise<void> {
  const config = parse(await readFile(world.configFile, 'utf8'));
  edit(config);
  await writeFile(world.configFile, stringify(config));
}

test('what is all there is ok, and nothing was made or joined to find out', async () => {
  const world = await makeWorld();
  await makeTable(world, 'people', 10);
  expect(await check(world, '--online')).toEqual({ code: 0, stdout: 'ok\n', stderr: '' });
  await expect(stat(world.scratch)).rejects.toMatchObject({ code: 'ENOENT' });
});

test('a missing topic is an error with its option, unless segmentd creates it', async () => {
  const world = await makeWorld({}, 0, { control_topic: 'no-such-commands' });
  expect(await check(world)).toMatchObject({ code: 0 });
  const { code, stderr } = await check(world, '--online');
  expect(code).toBe(69);
  expect(stderr).toContain('segmentd: kafka_topic_missing: the configuration has 3 problems\n');
  expect(stderr).toContain('kafka.control_topic: kafka_topic_missing: the broker has no topic "no-such-commands"');
  await change(world, ({ kafka }) => Object.assign(kafka ?? {}, { create_topics: { enabled: true } }));
  expect(await check(world, '--online')).toEqual({ code: 0, stdout: 'ok\n', stderr: '' });
});

test('brokers that do not answer are an error', async () => {
  const world = await makeWorld();
  const [port] = await freePorts();
  await change(world, ({ kafka }) => Object.assign(kafka ?? {}, { brokers: [`127.0.0.1:${port}`] }));
  expect((await check(world)).code).toBe(0);
  const { code, stderr } = await check(world, '--online');
  expect(code).toBe(69);
  expect(stderr).toContain('kafka.brokers: broker_unavailable: ');
});

test('an address that cannot be had is an error, a port in use a warning', async () => {
  const world = await makeWorld();
  const other = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void other.close());
  await until('it listens', () => other.listening);
  const { port } = other.address() as { port: number };
  await change(world, (config) => Object.assign(config, { http: { port }, admin: { token: 't', host: '192.0.2.1' } }));
  const { code, stderr } = await check(world, '--online');
  expect(code).toBe(78);
  expect(stderr).toContain(`http.port: cannot listen on 127.0.0.1:${port}: EADDRINUSE`);
  expect(stderr).toContain('admin.host: cannot listen on 192.0.2.1:9465: EADDRNOTAVAIL');
});

test('a store that may not be written to is an error', async () => {
  const world = await makeWorld();
  await makeTable(world, 'people', 10);
  // In a mount name space of its own, as a process of its own: a folder that root may not write to is on a read-only mount.
  const script = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && shift && exec "$@"';
  const command = [process.execPath, MAIN, 'config', 'check', '-c', world.configFile, '--online'];
  const args = ['-Urm', 'sh', '-c', script, 'sh', world.database, ...command];
  const failed = await promisify(execFile)('unshare', args).catch((error: unknown) => error);
  expect(failed).toMatchObject({
    code: 69,
    stderr: expect.stringContaining('databases.db: store_denied: cannot read'),
  });
  expect(failed).toMatchObject({ stderr: expect.stringContaining('EROFS') });
});

test('run says in one line what it serves, and in one each what is not there yet', async () => {
  const world = await makeWorld({ admin: { token: 's3cret-0123456789', port: 0 }, tables: { 'db/later': {} } });
  const running = startSegmentd(['run', '-c', world.configFile]);
  onTestFinished(() => running.interrupt());
  const lines = () =>
    running
      .stdout()
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  await until('it has started', () => lines().some(({ event }) => event === 'configDoubted'));
  running.interrupt();
  expect((await running.done).code).toBe(0);
  const started = lines().filter(({ event }) => event === 'started');
  const port = parse(await readFile(world.configFile, 'utf8')).http.port;
  expect(started).toEqual([
    {
      level: 'info',
      time: expect.any(String),
      event: 'started',
      msg: 'segmentd started',
      version: VERSION,
      config: world.configFile,
      databases: { db: { uri: world.database, store: 'local' } },
      brokers: inject('brokers'),
      group: world.settings.groupId,
      topics: { events: world.settings.topic, dead_letters: world.settings.deadLetterTopic },
      polls_every_s: null,
      http: `127.0.0.1:${port}`,
      admin: '127.0.0.1:0',
    },
  ]);
  expect(lines().filter(({ event }) => event === 'configDoubted')).toMatchObject([
    { level: 'warn', code: 'table_not_found', option: 'tables.db/later', at: expect.stringContaining(':') },
  ]);
  expect(running.stdout()).not.toContain('s3cret');
});

test('run refuses a folder that is a table, as check does', async () => {
  const world = await makeWorld();
  await mkdir(join(world.database, '_versions'));
  const checked = await check(world);
  expect([checked.code, checked.stderr]).toEqual([78, expect.stringContaining('is a table')]);
  expect(await segmentd(['run', '-c', world.configFile])).toEqual(checked);
});
