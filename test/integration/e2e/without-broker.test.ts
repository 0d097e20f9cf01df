/** A daemon without Kafka, as a process: it polls, is alone, and does all else. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Index } from '@lancedb/lancedb';
import { expect, onTestFinished, test } from 'vitest';
import { parse, stringify } from 'yaml';
import type { MemberStatus } from '../../../src/control/member-status.ts';
import { inspectTable } from '../../../src/lance/inspect/inspect.ts';
import { LanceTable } from '../../../src/lance/table/table.ts';
import { openStore } from '../../../src/store/open-store.ts';
import { segmentd } from '../../../testing/cli.ts';
import type { LogLine } from '../../../testing/daemon-process.ts';
import { startDaemonProcess } from '../../../testing/daemon-process.ts';
import { freePorts } from '../../../testing/free-ports.ts';
import { people } from '../../../testing/people.ts';
import { tempDir } from '../../../testing/temp-dir.ts';
import { openTable, until } from './world.ts';

const TOKEN = 'letmein-0123456789';

async function makePlace() {
  const home = await tempDir();
  const [port, adminPort] = await freePorts();
  const configFile = join(home, 'segmentd.yaml');
  await mkdir(join(home, 'db'));
  const config = {
    databases: { db: './db' },
    sweep: { interval_s: 1 },
    merge: { floor_rows: 10, factor: 2, max_factor: 4 },
    state: { scratch_dir: './scratch' },
    http: { port },
    admin: { port: adminPort, token: TOKEN },
  };
  await writeFile(configFile, stringify(config));
  const log: LogLine[] = [];
  const daemon = async () => {
    const running = await startDaemonProcess(configFile, port, (line) => log.push(line));
    onTestFinished(async () => void (await running.stop('SIGKILL')));
    return running;
  };
  const headers = { authorization: `Bearer ${TOKEN}` };
  const admin = async (path: string, method = 'GET') => {
    const answer = await fetch(`http://127.0.0.1:${adminPort}/v1${path}`, { method, headers });
    return (await answer.json()) as Record<string, unknown>;
  };
  const database = join(home, 'db');
  const facts = () => inspectTable(new LanceTable(openStore(join(database, 'people.lance'))));
  const covered = async () => {
    const { indexes } = await facts();
    return indexes.length > 0 && indexes.every(({ missing_rows }) => missing_rows === 0);
  };
  return { home, configFile, database, log, daemon, admin, facts, covered };
}

test('appends are found and indexed, small segments merged, tables paused, and a restart goes on', async () => {
  const place = await makePlace();
  const { connect } = await import('@lancedb/lancedb');
  const connection = await connect(place.database);
  const table = await connection.createTable('people', people(0, 100));
  await table.createIndex('id', { config: Index.btree() });
  onTestFinished(() => connection.close());

  const daemon = await place.daemon();
  const status = async () => (await (await fetch(`${daemon.url}/status`)).json()) as MemberStatus;
  expect(await (await fetch(`${daemon.url}/readyz`)).text()).toBe('ok (no broker: polls every 1 s)\n');
  for (let at = 1; at <= 6; at++) {
    await table.add(people(at * 100, 20));
    const version = await table.version();
    expect(await place.admin(`/tables/db/people/wait?version=${version}&timeout=60s`)).toMatchObject({ covered: true });
  }
  await until('merged', async () => place.log.some(({ event }) => event === 'mergeFinished'));
  expect(await status()).toMatchObject({
    ...{ state: 'running', group: null, topic: null, partitions: [], partition_count: null, group_view: null },
    ...{ polls_every_s: 1, recent: { dead_letters: [] } },
    tables: [expect.objectContaining({ table: 'db/people', state: 'served', coverage: 1 })],
  });
  const metrics = await (await fetch(`${daemon.url}/metrics`)).text();
  expect(metrics).toMatch(/^segmentd_state\{state="running"\} 1$/m);
  expect(metrics).not.toMatch(/^segmentd_(events_total|consumer_lag_records|group_members|unowned_partitions)\b.*\{/m);
  expect(place.log.find(({ event }) => event === 'started')).toMatchObject({
    ...{ brokers: null, group: null, topics: null, polls_every_s: 1 },
  });

  // A pause is in force here and ends with the process.
  await place.admin('/tables/db/people/pause', 'POST');
  await table.add(people(2_000, 20));
  await until('seen', async () => ((await status()).tables[0]?.missing_fragments ?? 0) > 0);
  expect(await place.covered()).toBe(false);
  expect(await daemon.stop()).toBe(0);
  const again = await place.daemon();
  await until('covered after the restart', place.covered);
  expect(await (await openTable(place.database, 'people')).query().where('id = 2005').toArray()).toHaveLength(1);
  expect(await again.stop()).toBe(0);
});

test('what needs Kafka says that it is not there, and the configuration says so too', async () => {
  const { home, configFile } = await makePlace();
  const says = /config_without_kafka.*\n.*kafka\.brokers/;
  const announced = await segmentd(['announce', 'db/people', '-c', configFile]);
  expect([announced.code, announced.stderr]).toEqual([78, expect.stringMatching(says)]);
  expect(await segmentd(['config', 'check', '--online', '-c', configFile])).toMatchObject({
    code: 0,
    stdout: 'ok (no broker: polls every 1 s)\n',
  });
  const printed = await segmentd(['config', 'print', '-c', configFile]);
  expect(printed.stdout).toMatch(/^# no broker: polls every 1 s\n/);
  expect(parse(printed.stdout)).not.toHaveProperty('kafka');
  const more = join(home, 'more.yaml');
  const text = await readFile(configFile, 'utf8');
  for (const [section, problem] of [
    ['kafka: {}', /kafka: is empty: name kafka\.brokers, or leave/],
    ['notification_topic: told', /notification_topic: unknown option/],
    ['events: {max_bytes: 2000}', /events\.max_bytes: needs Kafka/],
  ] as const) {
    await writeFile(more, `${text}${section}\n`);
    const refused = await segmentd(['config', 'check', '-c', more]);
    expect([refused.code, refused.stderr]).toEqual([78, expect.stringMatching(problem)]);
  }
});
