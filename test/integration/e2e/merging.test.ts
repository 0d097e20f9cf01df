/** Merging as users see it: through the daemon process, on real tables, beside a writer that goes on. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Table } from '@lancedb/lancedb';
import { expect, test } from 'vitest';
import { openClient } from '../../../src/kafka/client.ts';
import { createTopic } from '../../../src/kafka/topics.ts';
import type { Manifest } from '../../../src/lance/codec/manifest.ts';
import { LanceTable } from '../../../src/lance/table/table.ts';
import { localStore } from '../../../src/store/local-store.ts';
import { segmentd } from '../../../testing/cli.ts';
import { index } from '../../../testing/lance-table.ts';
import { nameOf, people } from '../../../testing/people.ts';
import { readTopic } from './read-topic.ts';
import type { World } from './world.ts';
import { covered, entriesOf, makeTable, makeWorld, openTable, until } from './world.ts';

const INDEXES = ['id_idx', 'name_idx'];
const FIRST = 1000;
const BATCHES = 60;
const ROWS = 20;
const MAX_SEGMENTS = 5;
const MERGE = { floor_rows: 10, factor: 3, max_segments: MAX_SEGMENTS };

async function announce(world: World, name: string): Promise<void> {
  const value = Buffer.from(JSON.stringify({ table: `db/${name}` }));
  await world.producer.send(world.settings.topic, [{ key: Buffer.from(`db/${name}`), value }]);
}

/** Appends batches, each of which is announced, and covered before the next: so no two of them become one. */
async function appendCovered(world: World, batches: number): Promise<Table> {
  const table = await openTable(world.database, 'people');
  const reader = new LanceTable(localStore(world.tableFolder('people')));
  const isCovered = async () => {
    const latest = await reader.latest();
    return INDEXES.every((name) => fragmentsOf(latest, name).length === latest.fragments.length);
  };
  for (let batch = 0; batch < batches; batch++) {
    await table.add(people(FIRST + batch * ROWS, ROWS));
    await announce(world, 'people');
    for (const deadline = Date.now() + 30_000; !(await isCovered()); await sleep(5)) {
      if (Date.now() > deadline) throw new Error(`batch ${batch} was not covered`);
    }
  }
  return table;
}

async function makeTopic(world: World, topic: string): Promise<void> {
  const admin = (await openClient(world.settings, () => undefined)).admin();
  await admin.connect();
  await createTopic(admin, { topic, numPartitions: 1, replicationFactor: 1 }, 10_000);
  await admin.disconnect();
}

/** Every version of a table, the first one first. */
async function history(world: World, name: string): Promise<Manifest[]> {
  const table = new LanceTable(localStore(world.tableFolder(name)));
  const { version } = await table.latest();
  const versions = await Promise.all(Array.from({ length: version }, (_, at) => table.at(at + 1)));
  return versions.filter((it) => it !== null);
}

const segmentsOf = ({ indexes }: Manifest, name: string) => indexes.filter((it) => it.name === name);
const fragmentsOf = (manifest: Manifest, name: string) =>
  segmentsOf(manifest, name).flatMap(({ fragments }) => Array.from(fragments ?? []));
const isMerge = ({ transaction }: Manifest) => transaction?.properties.has('segmentd.merged') === true;

/** Values of a metrics page by series. */
async function metricsOf(url: string): Promise<Map<string, number>> {
  const page = await (await fetch(`${url}/metrics`)).text();
  const lines = page.split('\n').filter((line) => line.startsWith('segmentd_'));
  return new Map(
    lines.map((line) => [line.slice(9, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  );
}

async function findsFreshKeys(table: Table, from: number, to: number, step: number): Promise<void> {
  for (let id = from; id < to; id += step) {
    for (const filter of [`id = ${id}`, `name = '${nameOf(id)}'`]) {
      const rows: { id: bigint; name: string }[] = await table.query().where(filter).toArray();
      expect(rows.map((row) => [Number(row.id), row.name])).toEqual([[id, nameOf(id)]]);
      expect(await table.query().where(filter).explainPlan(true)).toContain('ScalarIndexQuery');
    }
  }
}

/** Each version in order: what a merge may change, and what it must not. Returns what each merge replaced, by its version. */
function checkHistory(versions: readonly Manifest[]): Map<number, string[]> {
  const replaced = new Map<number, string[]>();
  for (const [at, now] of versions.entries()) {
    for (const name of INDEXES) {
      const ids = fragmentsOf(now, name);
      expect([now.version, name, ids.length]).toEqual([now.version, name, new Set(ids).size]);
      // Batches may land while the merge runs that they make due.
      expect(segmentsOf(now, name).length).toBeLessThan(3 * MAX_SEGMENTS);
    }
    const before = versions[at - 1];
    if (!before || !isMerge(now)) continue;
    expect(now.transaction).toMatchObject({ operation: 'CreateIndex' });
    const properties = Object.fromEntries(now.transaction?.properties ?? []);
    const gone = before.indexes.filter(({ uuid }) => !now.indexes.some((it) => it.uuid === uuid));
    expect(properties).toMatchObject({
      'segmentd.version': expect.any(String),
      'segmentd.member': expect.stringMatching(/^segmentd@.+:\d+$/),
      'segmentd.merged': String(gone.length),
    });
    for (const name of INDEXES) {
      // Both indexes in one commit, and neither loses or gains coverage by it.
      expect(gone.filter((it) => it.name === name).length).toBeGreaterThan(1);
      expect(new Set(fragmentsOf(now, name))).toEqual(new Set(fragmentsOf(before, name)));
    }
    replaced.set(now.version, gone.map(({ uuid }) => uuid).sort());
  }
  return replaced;
}

test('sixty appends one by one leave few segments, right answers, and a trace of each merge', async () => {
  const notes = `notes-${Date.now()}`;
  const world = await makeWorld({ merge: MERGE }, 3, { notification_topic: notes });
  await makeTopic(world, notes);
  await makeTable(world, 'people', FIRST);
  const daemon = await world.daemon();
  const table = await appendCovered(world, BATCHES);
  const settled = async () => (await metricsOf(daemon.url)).get('merges_pending') === 0 && (await isBounded(world));
  await until('merged', settled);

  const metrics = await metricsOf(daemon.url);
  const facts = await world.facts('people');
  const segments = facts.indexes.reduce((sum, it) => sum + it.segments.length, 0);
  const sumOf = (name: string) =>
    [...metrics].reduce((sum, [series, value]) => (series.startsWith(`${name}{`) ? sum + value : sum), 0);
  const versions = await history(world, 'people');
  const replaced = checkHistory(versions);
  expect(replaced.size).toBeGreaterThan(5);
  expect(metrics.get('merges_total{outcome="landed"}')).toBe(replaced.size);
  // An append is no reason to drop a merge.
  expect(metrics.get('merges_total{outcome="rejected"}') ?? 0).toBe(0);
  expect(metrics.get('merge_input_segments_total')).toBe([...replaced.values()].flat().length);
  expect(sumOf('tier_segments')).toBe(segments);
  for (const { name, segments: of } of facts.indexes) {
    expect(metrics.get(`segments{table="db/people",index="${name}"}`)).toBe(of.length);
  }
  const built = metrics.get('segment_build_rows_total') ?? 0;
  expect(built).toBe(2 * BATCHES * ROWS);
  const amplification = metrics.get('write_amplification') ?? 0;
  expect(amplification).toBeCloseTo((built + (metrics.get('merge_rows_total') ?? 0)) / built, 9);
  // Each row of a batch is written a few times; the first thousand rows, of a segment that came before, once or twice.
  expect(amplification).toBeGreaterThan(1.5);
  expect(amplification).toBeLessThan(8);

  const own = versions.filter(({ transaction }) => transaction?.properties.has('segmentd.version'));
  const told = (await readTopic(world.settings, notes, own.length)).map(({ value }) => JSON.parse(String(value)));
  const merged = told.filter(({ type }) => type === 'segment.merged');
  const inputs = merged.map(({ version, segments: made }) => [
    version,
    made.flatMap((it: { replaced: string[] }) => it.replaced).sort(),
  ]);
  expect(new Map(inputs as [number, string[]][])).toEqual(replaced);
  for (const { version, table, segments: made } of merged) {
    const manifest = versions[version - 1] as Manifest;
    expect([table, made.map((it: { index: string }) => it.index).sort()]).toEqual(['db/people', INDEXES]);
    for (const it of made) {
      const entry = manifest.indexes.find(({ uuid }) => uuid === it.uuid);
      expect(Array.from(entry?.fragments ?? [])).toEqual(it.fragments);
    }
  }
  const stays = await entriesOf(`${world.tableFolder('people')}/_indices`);
  expect(stays).toEqual(expect.arrayContaining([...replaced.values()].flat()));

  expect(await daemon.stop()).toBe(0);
  expect(await entriesOf(world.scratch)).toEqual([]);
  const verified = await segmentd(['verify', world.tableFolder('people'), '--json', '--samples', '50']);
  expect([verified.code, JSON.parse(verified.stdout).findings]).toEqual([0, []]);
  await table.checkoutLatest();
  await findsFreshKeys(table, FIRST, FIRST + BATCHES * ROWS, 53);
});

async function isBounded(world: World): Promise<boolean> {
  const { indexes } = await world.facts('people');
  return indexes.every(({ segments }) => segments.length <= MAX_SEGMENTS);
}

test('with merge.concurrency 0 nothing is merged, and the number of due merges is shown', async () => {
  const world = await makeWorld({ merge: { ...MERGE, concurrency: 0 } });
  await makeTable(world, 'people', FIRST);
  const daemon = await world.daemon();
  await appendCovered(world, 8);
  await until('told', async () => ((await metricsOf(daemon.url)).get('merges_pending') ?? 0) > 1);
  const { indexes } = await world.facts('people');
  expect(indexes.map(({ segments }) => segments.length)).toEqual([9, 9]);
  const metrics = await metricsOf(daemon.url);
  expect([metrics.get('merges_total{outcome="landed"}') ?? 0, metrics.get('write_amplification')]).toEqual([0, 1]);
  expect(await daemon.stop()).toBe(0);
});

const BIG = 250_000;
const BIG_SEGMENTS = 4;
const BIG_MERGE = { floor_rows: 100_000, factor: BIG_SEGMENTS, max_segments: BIG_SEGMENTS + 1 };

/** A million rows in as many segments as make a merge due. */
async function makeBig(world: World): Promise<Table> {
  await makeTable(world, 'people', BIG);
  const table = await openTable(world.database, 'people');
  for (let at = 1; at < BIG_SEGMENTS; at++) {
    await table.add(people(at * BIG, BIG));
    await index(world.tableFolder('people'));
  }
  return table;
}

test('a large merge does not hold up fresh data', async () => {
  // One place for all builds: a merge that held it would show.
  const world = await makeWorld({ merge: BIG_MERGE, concurrency: { tables: 1 }, log: { level: 'debug' } });
  const table = await makeBig(world);
  let next = BIG_SEGMENTS * BIG;
  const append = async () => {
    await table.add(people(next, ROWS));
    next += ROWS;
    await announce(world, 'people');
  };
  const timesOf = (event: string) =>
    world.log.filter((line) => line.event === event).map(({ time }) => Date.parse(String(time)));

  const daemon = await world.daemon();
  await append();
  await until('the merge runs', () => timesOf('mergeStarted').length === INDEXES.length);
  while (timesOf('mergeFinished').length === 0) {
    await append();
    await sleep(20);
  }
  await until('covered', () => covered(world, 'people'));
  const [from = 0, to = 0] = [timesOf('mergeStarted')[INDEXES.length - 1], timesOf('mergeFinished')[0]];
  const during = timesOf('batchCovered').filter((time) => time > from && time < to);
  expect(during.length).toBeGreaterThan(0);
  const [first] = world.log.filter(({ event }) => event === 'mergeFinished');
  expect(first).toMatchObject({ outcome: 'landed' });
  expect(first?.rows).toBeGreaterThan(2 * BIG_SEGMENTS * BIG);
  expect(await daemon.stop()).toBe(0);
  const verified = await segmentd(['verify', world.tableFolder('people'), '--json']);
  expect([verified.code, JSON.parse(verified.stdout).findings]).toEqual([0, []]);
  await findsFreshKeys(table, BIG_SEGMENTS * BIG, next, 61);
});

test('the daemon exits with 0 while a large merge runs, and another continues the work', async () => {
  const world = await makeWorld({ merge: BIG_MERGE, log: { level: 'debug' } });
  await makeBig(world);
  const daemon = await world.daemon();
  await announce(world, 'people');
  await until('the merge runs', () => world.log.some(({ event }) => event === 'mergeStarted'));
  expect(await daemon.stop()).toBe(0);
  // It may have landed while the daemon drained; whatever is left of one that did not is gone when the next daemon starts.
  const next = await world.daemon();
  expect(await entriesOf(world.scratch)).toHaveLength(1);
  await announce(world, 'people');
  await until('merged', async () =>
    (await world.facts('people')).indexes.every(({ segments }) => segments.length === 1),
  );
  expect(world.log.filter(({ event, outcome }) => event === 'mergeFinished' && outcome !== 'landed')).toEqual([]);
  expect(await next.stop()).toBe(0);
});
