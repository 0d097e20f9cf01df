/** What an operator sees on the dashboards while a real daemon works, is paused, dies and comes back. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from '@lancedb/lancedb';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { freePorts } from '../../../testing/broker/broker.ts';
import type { Grafana } from '../../../testing/grafana-data.ts';
import { loadGrafana } from '../../../testing/grafana-data.ts';
import { people } from '../../../testing/people.ts';
import type { Prometheus } from '../../../testing/prometheus.ts';
import { startPrometheus } from '../../../testing/prometheus.ts';
import type { World } from '../e2e/world.ts';
import { covered, makeTable, makeWorld, openTable, until } from '../e2e/world.ts';
import { Dashboards, panelNamed } from './dashboard-answers.ts';

let grafana: Grafana;

beforeAll(async () => {
  grafana = await loadGrafana();
}, 300_000);

async function scrape(target: string): Promise<Prometheus> {
  const prometheus = await startPrometheus({ targets: [target] });
  if (prometheus === undefined) throw new Error('there is no Prometheus');
  onTestFinished(() => prometheus.stop());
  return prometheus;
}

const TOKEN = 'letmein-0123456789';
const RESTART_MS = 45_000;

async function announce({ producer, settings }: World, value: string, table = 'db/people'): Promise<void> {
  await producer.send(settings.topic, [{ key: Buffer.from(table), value: Buffer.from(value) }]);
}

async function append(world: World, table: string, from: number): Promise<void> {
  await (await openTable(world.database, table)).add(people(from, 10));
  await announce(world, JSON.stringify({ table: `db/${table}` }), `db/${table}`);
}

async function makeDeclined({ database }: World): Promise<void> {
  const connection = await connect(database, { storageOptions: { new_table_enable_stable_row_ids: 'true' } });
  const table = await connection.createTable('stable', people(0, 10));
  table.close();
  connection.close();
}

/** Waits until the first row shows `expected`; the whole row in the error when it does not. */
async function shows(look: () => Promise<Record<string, string>>, expected: Record<string, unknown>): Promise<void> {
  const matches = async () => expect(await look()).toMatchObject(expected);
  await until(
    'shown',
    () =>
      matches().then(
        () => true,
        () => false,
      ),
    RESTART_MS,
  ).catch(() => undefined);
  await matches();
}

const FINE = {
  State: '1 running green',
  'Worst index lag': '0 s all tables green',
  'Lowest coverage': '100.00% all tables green',
  'Covered within 30 s': '100.00% green',
  'Records behind': '0 green',
  'Tables retrying': '0 green',
  'Tables paused': '0 green',
  'Tables declined': '0 green',
  'Dead letters, 24 h': '0 green',
  Members: '1 in the group green, 1 answer green',
  'Unowned partitions': '0 green',
};

test('each stat tells the truth under load, after a pause, a decline, a dead letter, kill -9 and a restart', async () => {
  const [port] = await freePorts();
  const id = Math.random().toString(36).slice(2, 8);
  const kafka = { control_topic: `control-${id}`, create_topics: { enabled: true, partitions: 1 } };
  const soon = {
    lag_interval_ms: 1_000,
    session_timeout_ms: 6_000,
    heartbeat_interval_ms: 500,
    request_timeout_ms: 3_000,
  };
  const world = await makeWorld(
    { admin: { port, token: TOKEN }, sweep: { interval_s: 5 }, shutdown: { drain_ms: 2_000 } },
    3,
    { ...kafka, ...soon },
  );
  for (const name of ['people', 'other']) await makeTable(world, name, 100);
  const daemon = await world.daemon();
  const prometheus = await scrape(new URL(daemon.url).host);
  // A counter grows from the value of the first scrape.
  await prometheus.waitFor('segmentd_build_info', 20_000);
  const dashboards = new Dashboards(grafana, prometheus);
  const fleet = () => dashboards.first('fleet');
  const ofTable = (table: string) => () => dashboards.first('table', { table });

  for (const name of ['people', 'other']) await append(world, name, 100);
  await shows(fleet, FINE);
  await shows(ofTable('db/people'), {
    Lag: '0 s green',
    Coverage: '100.00% green',
    Failing: 'no no reason green',
    Paused: 'no green',
  });

  const headers = { authorization: `Bearer ${TOKEN}` };
  await fetch(`http://127.0.0.1:${port}/v1/tables/db/other/pause`, { method: 'POST', headers });
  await append(world, 'other', 110);
  await shows(fleet, {
    'Tables paused': '1 red',
    'Worst index lag': expect.stringMatching(/^[\d.]+ (ms|s|mins?) db\/other (id|name)_idx /),
    // 110 of 120: rounded it would be 91.67.
    'Lowest coverage': expect.stringMatching(/^91\.66% db\/other (id|name)_idx orange$/),
    'Records behind': '1 green',
  });
  await shows(ofTable('db/other'), { Paused: 'yes red', Coverage: '91.66% orange', 'Rows missing': '10 green' });

  await makeDeclined(world);
  await announce(world, JSON.stringify({ table: 'db/stable' }));
  await announce(world, 'no JSON');
  const troubled = {
    State: '1 running green',
    'Tables paused': '1 red',
    'Tables declined': '1 red',
    'Dead letters, 24 h': '1 red',
  };
  await shows(fleet, troubled);
  await shows(ofTable('db/stable'), { Declined: 'yes table_stable_row_ids red' });

  await daemon.stop('SIGKILL');
  await shows(fleet, {
    State: '1 down red',
    'Worst index lag': 'no data text',
    'Lowest coverage': 'no data text',
    'Tables paused': 'no data text',
    'Tables declined': 'no data text',
    'Dead letters, 24 h': '1 red',
    Members: '0 answer red',
    'Unowned partitions': 'no data text',
  });
  await shows(ofTable('db/people'), { Lag: 'not served text', Failing: 'not served text' });

  await world.daemon();
  await append(world, 'people', 110);
  await shows(fleet, { ...troubled, Members: '1 in the group green, 1 answer green', 'Unowned partitions': '0 green' });
  expect(await covered(world, 'people')).toBe(true);
  const [mark] = await dashboards.annotation('Restarts');
  expect(mark?.value).toBeGreaterThan(Date.now() - RESTART_MS);
});

/** A page of metrics that a test writes. */
async function servePage(page: () => string): Promise<string> {
  const server = createServer((_, answer) => answer.end(page())).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await new Promise((resolve) => server.once('listening', resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('what is nearly all is not shown as all, and versions that differ look different', async () => {
  const target = await servePage(() =>
    [
      'segmentd_build_info{version="1"} 1',
      'segmentd_coverage_ratio{table="db/t",index="i"} 0.9999999',
      'segmentd_index_lag_seconds{table="db/t",index="i"} 4',
      'segmentd_table_version{table="db/t"} 12345',
      'segmentd_covered_version{table="db/t"} 12311',
      // As Prometheus 3 writes it.
      'segmentd_event_to_covered_seconds_bucket{le="30.0"} 99999999',
      'segmentd_event_to_covered_seconds_count 100000000\n',
    ].join('\n'),
  );
  const prometheus = await scrape(target);
  await prometheus.waitFor('segmentd_table_version', 20_000);
  const dashboards = new Dashboards(grafana, prometheus);
  expect(await dashboards.first('fleet')).toMatchObject({ 'Lowest coverage': '99.99% db/t i orange' });
  const table = await dashboards.first('table', { table: 'db/t' });
  expect(table).toMatchObject({ Coverage: '99.99% orange', Version: '12345 green', 'Covered version': '12311 green' });
  expect(await dashboards.table('Ten tables that lag most')).toEqual([
    expect.objectContaining({ table: 'db/t', lag: '4 s', version: '12345', 'covered version': '12311' }),
  ]);
});

test('a restart does not turn a merge of old rows into write amplification', async () => {
  const rows = { fresh: 0, merged: 0 };
  const target = await servePage(() =>
    [
      'segmentd_build_info{version="1"} 1',
      `segmentd_segment_build_rows_total ${rows.fresh}`,
      `segmentd_merge_rows_total ${rows.merged}`,
      `segmentd_write_amplification ${(rows.fresh + rows.merged) / rows.fresh}\n`,
    ].join('\n'),
  );
  const prometheus = await scrape(target);
  const seen = (fresh: number) => prometheus.waitFor(`segmentd_segment_build_rows_total == ${fresh}`, 20_000);
  await seen(0);
  for (const fresh of [20_000, 40_000]) {
    Object.assign(rows, { fresh, merged: fresh });
    await seen(fresh);
  }
  // A new process, which begins with a merge of rows that came before it.
  Object.assign(rows, { fresh: 1, merged: 30_000 });
  await seen(1);
  await sleep(2_000);
  const dashboards = new Dashboards(grafana, prometheus);
  const [[series] = []] = await dashboards.answers('fleet', 'Write amplification, 24 h');
  expect(series?.value).toBeCloseTo((40_001 + 70_000) / 40_001, 1);
  const [gauge] = await prometheus.query('segmentd_write_amplification');
  expect(gauge?.value).toBe(30_001);
});

const [, ...SECTIONS] = readFileSync(new URL('../../../docs/dashboards.md', import.meta.url), 'utf8').split(
  /^## (?=Fleet|Table)/m,
);
const DOCUMENTED = (['fleet', 'table'] as const).flatMap((name, i) =>
  [...(SECTIONS[i] ?? '').matchAll(/^\| (?!stat |---)([^|]+) \|.*\| ([^|]+) \|$/gm)].flatMap(
    ([, title = '', examples = '']) =>
      [...examples.matchAll(/([\d.]+) → `([^`]+)`/g)].map(
        ([, value, text]) => [name, title, Number(value), text] as const,
      ),
  ),
);

test.each(DOCUMENTED)('docs/dashboards.md is right about %s, %s: %d is written %s', (name, title, value, text) => {
  expect(grafana.text(panelNamed(name, title), value)).toBe(text);
});

test('docs/dashboards.md has an example for each stat', () => {
  expect(new Set(DOCUMENTED.map(([name, title]) => `${name} ${title}`)).size).toBe(24);
});
