/** `/status`, its events and tables of real daemons, and what the commands print with `--json`, against their schemas. */
import { appendFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Index } from '@lancedb/lancedb';
import { expect, onTestFinished, test } from 'vitest';
import { status as statusSchema, tableDetail, tableStatus } from '../../../scripts/status-schemas.ts';
import type { MemberStatus, MemberTable } from '../../../src/control/member-status.ts';
import { freePorts } from '../../../testing/broker/broker.ts';
import { segmentd } from '../../../testing/cli.ts';
import { realTable } from '../../../testing/lance-table.ts';
import { people } from '../../../testing/people.ts';
import { tempDir } from '../../../testing/temp-dir.ts';
import { startMember } from '../chaos/member.ts';
import { expectAnswer, expectCommandAnswer, expectErrorAnswer } from './answer-schemas.ts';
import type { World } from './world.ts';
import { covered, makeTable, makeWorld, openTable, until } from './world.ts';

const TOKEN = 'letmein-0123456789';

async function announce(world: World, table: string, value = JSON.stringify({ table: `db/${table}` })): Promise<void> {
  await world.producer.send(world.settings.topic, [{ key: Buffer.from(`db/${table}`), value: Buffer.from(value) }]);
}

/** The statuses that `/status/events` sends, for as long as the test lasts. */
async function listen(url: string): Promise<MemberStatus[]> {
  const seen: MemberStatus[] = [];
  const leaving = new AbortController();
  onTestFinished(() => leaving.abort());
  const answer = await fetch(`${url}/status/events`, { signal: leaving.signal });
  const read = async () => {
    let text = '';
    for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>) {
      const parts = `${text}${Buffer.from(chunk).toString('latin1')}`.split('\n\n');
      text = parts.pop() ?? '';
      for (const part of parts) if (part.startsWith('event: status\ndata: ')) seen.push(JSON.parse(part.slice(20)));
    }
  };
  read().catch(() => undefined);
  return seen;
}

test('the status tells of the member, the group, its tables, changes and dead letters, and sends what is new', async () => {
  const [port] = await freePorts();
  const world = await makeWorld({ admin: { port, token: TOKEN } }, 3, { lag_interval_ms: 1_000 });
  for (const name of ['people', 'held', 'damaged']) await makeTable(world, name, 100);
  const versions = join(world.tableFolder('damaged'), '_versions');
  for (const name of await readdir(versions)) await appendFile(join(versions, name), 'no manifest');
  const daemon = await world.daemon();
  const get = async <T>(path: string) => (await (await fetch(`${daemon.url}${path}`)).json()) as T;
  const status = () => get<MemberStatus>('/status');
  const headers = { authorization: `Bearer ${TOKEN}` };
  const admin = async (path: string, method = 'GET') => {
    const answer = await fetch(`http://127.0.0.1:${port}/v1${path}`, { method, headers });
    return (await answer.json()) as Record<string, unknown>;
  };
  const seen = await listen(daemon.url);

  await (await openTable(world.database, 'people')).add(people(100, 10));
  await admin('/tables/db/held/pause', 'POST');
  for (const name of ['people', 'held', 'damaged']) await announce(world, name);
  await announce(world, 'people', '<img src=x onerror=alert(1)>\u0007');
  await until('people is covered', () => covered(world, 'people'));
  await until('all of it shows', async () => {
    const { totals, group_view: group } = await status();
    return totals.dead_letters_24h === 1 && totals.declined === 1 && totals.covered > 0 && group !== null;
  });

  const told = await status();
  expectAnswer(told, statusSchema);
  expect(told).toMatchObject({
    ...{ schema: 1, state: 'running', reason: null, partitions: [0, 1, 2], partition_count: 3, view: 'member' },
    ...{ admin_url: `http://127.0.0.1:${port}`, paused: ['db/held'] },
    group_view: { members: [{ member: told.member, partitions: [0, 1, 2] }], unowned_partitions: [] },
    totals: { tables: 3, paused: 1, declined: 1, retrying: 0, worst_lag: null },
    recent: {
      changes: [{ table: 'db/people', kind: 'append', rows: 10, segments: 2 }],
      dead_letters: [{ code: 'event_not_json', value: '<img src=x onerror=alert(1)>\\u{7}' }],
    },
  });
  const table = told.tables.find((it) => it.table === 'db/people');
  expect(table).toMatchObject({ rows: 110, coverage: 1, lag_seconds: 0, docs: null, last_change: { kind: 'append' } });
  expect(table?.indexes.map(({ name, kind, segments }) => [name, kind, segments.map(({ rows }) => rows)])).toEqual([
    ['id_idx', 'BTREE', [100, 10]],
    ['name_idx', 'BTREE', [100, 10]],
  ]);
  expect(told.tables.find((it) => it.table === 'db/damaged')?.docs).toBe('errors.md#table_unreadable');

  const detail = await get<MemberTable>('/status/tables/db/people');
  expectAnswer(detail, tableDetail);
  expect(detail).toMatchObject({ member: told.member, admin_url: told.admin_url });
  expect(detail.changes).toEqual(told.recent.changes);
  expect(detail.history.at(-1)).toMatchObject({ lag_seconds: 0, segments: 4, coverage: 1 });
  expect(await admin('/status/tables/db/people')).toMatchObject({ table: 'db/people', rows: 110 });
  expectAnswer(await admin('/status'), statusSchema);
  for (const each of (await admin('/tables')).tables as unknown[]) expectAnswer(each, tableStatus);

  await until('an event tells of the pause', () => seen.at(-1)?.totals.paused === 1);
  const before = seen.length;
  await admin('/tables/db/held/resume', 'POST');
  await until('the next event tells of its end', () => seen.length > before && seen.at(-1)?.totals.paused === 0);
  for (const each of seen) expectAnswer(each, statusSchema);

  const { code, stdout } = await segmentd(['status', '--daemon', daemon.url, '--json']);
  expectCommandAnswer('status-daemon', stdout);
  expect(code).toBe(0);
  const announced = await segmentd(['announce', 'db/people', '-c', world.configFile, '--json']);
  expectCommandAnswer('announce', announced.stdout);
  expect(await daemon.stop()).toBe(0);
  expectErrorAnswer((await segmentd(['status', '--daemon', daemon.url, '--json'])).stdout);
});

test('a member names all of its group, and who reads the partitions of one that left', async () => {
  const world = await makeWorld({}, 4, { lag_interval_ms: 1_000 });
  const first = await world.daemon();
  const second = await startMember(world.configFile, { SEGMENTD_STATE_SCRATCH_DIR: `${world.scratch}-2` });
  await second.untilReady();
  const view = async () => ((await (await fetch(`${first.url}/status`)).json()) as MemberStatus).group_view;
  await until('both have partitions', async () => {
    const group = await view();
    return group?.members.length === 2 && group.members.every(({ partitions }) => partitions.length === 2);
  });
  expect((await view())?.members.map(({ member }) => member).some((name) => name.endsWith(`:${first.pid}`))).toBe(true);
  expect((await view())?.unowned_partitions).toEqual([]);
  expect(await second.end()).toBe(0);
  await until('one has all', async () => (await view())?.members[0]?.partitions.length === 4);
  expect(await first.stop()).toBe(0);
});

test('every command prints with --json what its schema says', async () => {
  const { uri, database, table } = await realTable(people(0, 6_000));
  for (const column of ['id', 'name']) await table.createIndex(column, { config: Index.btree() });
  const scratch = ['--scratch-dir', await tempDir()];
  const check = async (schema: string, ...args: string[]) => {
    const { stdout } = await segmentd([...args, '--json']);
    expectCommandAnswer(schema, stdout);
    return JSON.parse(stdout);
  };
  for (let from = 6_000; from < 6_100; from += 10) {
    await table.add(people(from, 10));
    await check('index', 'index', uri, ...scratch);
  }
  await table.add(people(6_100, 10));
  await check('status-table', 'status', uri);
  await check('status-database', 'status', database);
  await check('wait', 'wait', uri, '--version', '1');
  await check('wait', 'wait', uri, '--version', '999', '--timeout', '1ms');
  expect((await check('merge', 'merge', uri, '--dry-run')).merges.length).toBeGreaterThan(0);
  expect((await check('merge', 'merge', uri, ...scratch)).merges.length).toBeGreaterThan(0);
  await check('optimize', 'optimize', uri, '--dry-run');
  await check('optimize', 'optimize', uri, ...scratch);
  await check('verify', 'verify', uri);
  const lake = { SEGMENTD_DATABASES: `{lake: ${database}}` };
  await table.add(people(6_110, 10));
  const planned = await segmentd(['backfill', 'lake/t', '--dry-run', '--json'], lake);
  expectCommandAnswer('backfill', planned.stdout);
  expect(JSON.parse(planned.stdout).parts).toHaveLength(1);
  expectErrorAnswer((await segmentd(['backfill', 'lake/none', '--dry-run', '--json'], lake)).stdout);
  expectErrorAnswer((await segmentd(['status', join(database, 'none.lance'), '--json'])).stdout);
});
