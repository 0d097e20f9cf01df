/** What segmentd asks of an object store: each request takes a round trip and is paid for, so their number is a promise. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { waitUntilCovered } from '../../../src/control/wait-until-covered.ts';
import { coverageOf } from '../../../src/lance/plan/coverage.ts';
import { DEFAULT_POLICY } from '../../../src/lance/plan/row-ids.ts';
import { readTableCost } from '../../../src/lance/table/table-cost.ts';
import { maintainTable } from '../../../src/maintain/maintain-table.ts';
import type { S3Server } from '../../../testing/stores/s3-access.ts';
import { startS3Server } from '../../../testing/stores/s3-server.ts';
import type { S3Table } from './s3-table.ts';
import { ROWS, runEvent, s3Table } from './s3-table.ts';

/** Longer than the server and this process take, so that requests that could be sent at once are seen to be. */
const ROUND_TRIP_MS = 60;

let server: S3Server;
beforeAll(async () => {
  server = await startS3Server();
  await server.makeBucket('lake');
});
afterAll(() => server?.stop());

/** The request that creates the manifest of a version: with it the rows are covered. */
const isCommit = ({ method, path }: { method: string; path: string }) =>
  method === 'PUT' && path.includes('/_versions/');

async function warm(it: S3Table) {
  const context = await it.context();
  // The first batch of a process also proves once that the store honours conditions.
  await runEvent(context, { table: it.ref, version: await it.append(ROWS) });
  it.proxy.delayMs = ROUND_TRIP_MS;
  return context;
}

test.each([
  { columns: ['id'], most: 9, proof: 3 },
  { columns: ['id', 'name'], most: 14, proof: 5 },
])('a batch of one fragment and $columns: $most requests in six rounds, and its proof afterwards', async (it) => {
  const table = await s3Table(server, it.columns);
  const context = await warm(table);
  const version = await table.append(ROWS + 100);
  table.proxy.clear();
  const record = await runEvent(context, { table: table.ref, version });
  expect(record.acks()).toBe(1);
  const at = table.proxy.requests.findIndex(isCommit);
  const [untilCovered, afterwards] = [table.proxy.requests.slice(0, at + 1), table.proxy.requests.slice(at + 1)];
  const shown = table.proxy.requests.map(({ method, path, query }) => `${method} ${path}?${query}`).join('\n');
  expect(untilCovered.length, shown).toBeLessThanOrEqual(it.most);
  expect(table.proxy.rounds(untilCovered), shown).toBeLessThanOrEqual(6);
  // Whether the files are still there and the version is the latest: at once, and readers have the segment by then.
  expect(afterwards.length, shown).toBeLessThanOrEqual(it.proof);
  expect(table.proxy.rounds(afterwards), shown).toBe(1);
  const { fragments, indexes } = await table.seen().latest();
  for (const column of it.columns) {
    const segments = indexes.filter(({ name }) => name === `${column}_idx`);
    expect(Array.from(coverageOf(fragments, segments).missing)).toEqual([]);
  }
});

test('only the indexed column of the new fragment is downloaded', async () => {
  const table = await s3Table(server, ['id']);
  const context = await warm(table);
  // 200,000 rows: 1.6 MB of integers before they are packed, and names of twice that.
  const version = await table.append(ROWS + 100, 200_000);
  table.proxy.clear();
  await runEvent(context, { table: table.ref, version });
  const files = table.proxy.requests.filter(({ method, path }) => method === 'GET' && path.includes('/data/'));
  const paths = new Set(files.map(({ path }) => path));
  const bytes = files.reduce((sum, { responseBytes }) => sum + responseBytes, 0);
  expect(paths.size).toBe(1);
  // The column itself, and twice 64 KiB of the file's end and beginning.
  expect(bytes).toBeLessThan(200_000 * 8 + 2 * 64 * 1024);
  expect(
    table.proxy.requests.filter(({ path }) => path.includes('/_indices/')).every(({ method }) => method !== 'GET'),
  ).toBe(true);
});

test('an idle table costs one request per look', async () => {
  const table = await s3Table(server, ['id']);
  const context = await warm(table);
  for (let sweeps = 0; sweeps < 3; sweeps++) {
    table.proxy.clear();
    await runEvent(context, { table: table.ref });
    expect(table.proxy.requests.map(({ method }) => method)).toEqual(['GET']);
    expect(table.proxy.requests[0]?.query).toContain('list-type=2');
  }
});

test('a wait looks at a table once a second', async () => {
  const table = await s3Table(server, ['id']);
  const context = await warm(table);
  const version = await table.append(ROWS + 100);
  table.proxy.clear();
  const lance = context.tables.open(table.ref.uri);
  const settings = { version, policy: DEFAULT_POLICY, timeoutMs: 2_500 };
  expect(await waitUntilCovered(lance, settings)).toMatchObject({ covered: false });
  const listings = table.proxy.requests.filter(({ query }) => query.includes('list-type=2'));
  expect(listings.length).toBeLessThanOrEqual(4);
});

test('what a table costs is two listings, and a compaction gets in with the storage options', async () => {
  const it = await s3Table(server, ['id']);
  const context = await warm(it);
  for (let more = 1; more <= 2; more++) {
    await runEvent(context, { table: it.ref, version: await it.append(ROWS + 100 * more) });
  }
  const table = context.tables.open(it.ref.uri);
  const manifest = await table.latest();
  it.proxy.clear();
  const cost = await readTableCost(table, manifest);
  expect(it.proxy.requests.map(({ method }) => method)).toEqual(['GET', 'GET']);
  expect(cost).toMatchObject({ versions: manifest.version, smallFragments: 4, indexDeadBytes: 0 });
  expect(Math.abs(cost.oldestVersionMs - Date.now())).toBeLessThan(60_000);
  const { builder, settings } = context;
  const done = await maintainTable(it.seen(), {
    settings: { keepVersionsMs: 0, maxMemoryBytes: 2 ** 31 },
    policy: DEFAULT_POLICY,
    maxSegmentRows: 1e9,
    merge: {
      ...{ builder, properties: {}, withSlot: (land) => land() },
      commit: { ...settings.commit, writer: settings.writer },
    },
  });
  expect(done).toMatchObject({ segmentsMerged: 4, fragmentsRemoved: 4, fragmentsAdded: 1 });
  expect(done.versionsRemoved).toBeGreaterThan(manifest.version);
  const after = await it.seen().latest();
  expect(await readTableCost(it.seen(), after)).toMatchObject({ fragments: 1, versions: 1, indexDeadBytes: 0 });
});
