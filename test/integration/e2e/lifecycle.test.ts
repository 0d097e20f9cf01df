import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startOwnBroker } from '../../../testing/broker/broker.ts';
import { segmentd } from '../../../testing/cli.ts';
import { people } from '../../../testing/people.ts';
import type { World } from './world.ts';
import { covered, entriesOf, makeTable, makeWorld, openTable, until } from './world.ts';

async function announce(world: World, table: string, extra: object = {}): Promise<void> {
  const value = Buffer.from(JSON.stringify({ table: `db/${table}`, ...extra }));
  await world.producer.send(world.settings.topic, [{ key: Buffer.from(`db/${table}`), value }]);
}

const metricsOf = async (url: string) => (await fetch(`${url}/metrics`)).text();

test('metrics and probes show what happens', async () => {
  const world = await makeWorld();
  await makeTable(world, 'people', 100);
  const daemon = await world.daemon();
  expect((await fetch(`${daemon.url}/healthz`)).status).toBe(200);
  expect((await fetch(`${daemon.url}/readyz`)).status).toBe(200);
  const table = await openTable(world.database, 'people');
  await table.add(people(100, 10));
  await announce(world, 'people', { version: await table.version() });
  await until('covered', () => covered(world, 'people'));
  await until('counted', async () =>
    (await metricsOf(daemon.url)).includes('segmentd_event_to_covered_seconds_count 1'),
  );
  const page = await metricsOf(daemon.url);
  for (const line of [
    `segmentd_events_total{topic="${world.settings.topic}",outcome="accepted"} 1`,
    'segmentd_segments_built_total{outcome="ok"} 2',
    'segmentd_segment_build_rows_total 20',
    'segmentd_commits_total{outcome="landed"} 1',
    'segmentd_coverage_ratio{table="db/people",index="id_idx"} 1',
    'segmentd_segments{table="db/people",index="name_idx"} 2',
    'segmentd_missing_fragments{table="db/people",index="id_idx"} 0',
    'segmentd_state{state="running"} 1',
  ]) {
    expect(page).toContain(line);
  }
  expect(await daemon.stop('SIGINT')).toBe(0);
  expect(await entriesOf(world.scratch)).toEqual([]);
});

test('a port that is taken is a configuration error', async () => {
  const world = await makeWorld();
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const configFile = join(world.home, 'segmentd.yaml');
  const result = await segmentd(['run', '-c', configFile], { SEGMENTD_HTTP_PORT: String(port) });
  server.close();
  expect(result.code).toBe(78);
  expect(result.stderr).toContain(String(port));
  expect(await entriesOf(world.scratch)).toEqual([]);
});

test('without a broker the daemon waits, and starts work when there is one', async () => {
  const broker = await startOwnBroker();
  onTestFinished(() => broker.stop());
  const world = await makeWorld({
    kafka: { brokers: broker.bootstrap, topic: 'events', dead_letter_topic: 'dead', group_id: 'late' },
  });
  await makeTable(world, 'people', 100);
  await (await openTable(world.database, 'people')).add(people(100, 10));
  await announce(world, 'people');
  await world.producer.close();
  await broker.kill();
  const starting = world.daemon();
  await until('the log tells', () =>
    world.log.some(({ event }) => event === 'consumerCrashed' || event === 'stateChanged'),
  );
  expect((await world.facts('people')).indexes[0]?.missing_fragments).toBe(1);
  await broker.restart();
  const daemon = await starting;
  await until('covered', () => covered(world, 'people'));
  expect(await daemon.stop()).toBe(0);
});

test('a table that must not be written is declined, and its events are acknowledged', async () => {
  const world = await makeWorld({ tables: { 'db/kept': { decline: 'accept' } } });
  for (const name of ['people', 'odd', 'kept']) await makeTable(world, name, 100);
  for (const name of ['odd', 'kept']) await makeOdd(world, name);
  const daemon = await world.daemon();
  for (const name of ['odd', 'kept']) await announce(world, name);
  const table = await openTable(world.database, 'people');
  await table.add(people(100, 10));
  await announce(world, 'people');
  await until('the other table is covered', () => covered(world, 'people'));
  const reason = 'segmentd_tables_declined{reason="table_unknown_writer_flag"} 1';
  await until('declined', async () => (await metricsOf(daemon.url)).includes(reason));
  await until('settled', async () => (await metricsOf(daemon.url)).includes('segmentd_unacked_events 0'));
  await until('both are told', () => world.log.filter(({ event }) => event === 'tableDeclined').length === 2);
  // No alert is to fire on the one that the configuration accepts.
  const named = (await metricsOf(daemon.url)).match(/^segmentd_declined\{.*$/gm);
  expect(named).toEqual(['segmentd_declined{table="db/odd",reason="table_unknown_writer_flag"} 1']);
  const told = await segmentd(['status', '--daemon', daemon.url]);
  expect(told.stdout).toContain('table_unknown_writer_flag (accepted)');
  expect(await daemon.stop()).toBe(0);
  const status = await segmentd(['status', world.tableFolder('odd'), '--json']);
  expect(JSON.parse(status.stdout).declined.code).toBe('table_unknown_writer_flag');
  expect((await segmentd(['index', world.tableFolder('odd')])).code).toBe(65);
});

/** Sets an unknown writer feature flag in the latest manifest of a table: field 10 is added at the end. */
async function makeOdd(world: World, name: string): Promise<void> {
  const folder = join(world.tableFolder(name), '_versions');
  const latest = (await entriesOf(folder)).filter((name) => name.endsWith('.manifest')).sort()[0] as string;
  const file = await readFile(join(folder, latest));
  const at = Number(file.readBigUInt64LE(file.length - 16));
  const flag = Buffer.from([10 << 3, 0x80, 0x80, 0x40]);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(file.readUInt32LE(at) + flag.length);
  const message = file.subarray(at + 4, file.length - 16);
  await writeFile(join(folder, latest), [file.subarray(0, at), length, message, flag, file.subarray(file.length - 16)]);
}
