import { cp, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Index } from '@lancedb/lancedb';
import { expect, onTestFinished, test } from 'vitest';
import { formatDatabaseStatus, inspectDatabase } from '../../../src/commands/tables/database-status.ts';
import { findPlace } from '../../../src/commands/tables/places.ts';
import { formatTableStatus, inspectOneTable } from '../../../src/commands/tables/table-status.ts';
import { invocation, processIo } from '../../../src/commands/terminal/io.ts';
import type { Started } from '../../../testing/cli.ts';
import { segmentd, startSegmentd } from '../../../testing/cli.ts';
import { index, realTable } from '../../../testing/lance-table.ts';
import { people } from '../../../testing/people.ts';
import { vectorRows } from '../../../testing/vector-rows.ts';
import { until } from './world.ts';

const status = async (...args: string[]) => JSON.parse((await segmentd(['status', ...args, '--json'])).stdout);
/** The same without a process. */
const placeOf = (uri: string) => findPlace(invocation(processIo()), uri, {});
const textOf = async (uri: string) => formatTableStatus(await inspectOneTable(await placeOf(uri))());

async function indexed(rows: number) {
  const real = await realTable(people(0, rows));
  for (const column of ['id', 'name']) await real.table.createIndex(column, { config: Index.btree() });
  return real;
}

test('status of a table shows tiers, the last commit of segmentd and the next work', async () => {
  const { uri, table } = await indexed(6_000);
  await table.add(people(6_000, 10));
  expect(await status(uri)).toMatchObject({
    missing_rows: 10,
    missing_fragments: 1,
    tiers: { 1: 2 },
    last_commit: null,
    looked_back_to: 1,
    next: {
      segments: [
        { index: 'id_idx', column: 'id', fragments: 1, rows: 10 },
        { index: 'name_idx', column: 'name', fragments: 1, rows: 10 },
      ],
      merges: [],
      merges_due: 0,
    },
  });
  const before = await textOf(uri);
  expect(before).toContain('last commit of segmentd: none among versions 1 to 4');
  expect(before).toContain('next: build a segment of name_idx over 1 fragment, 10 rows');

  await segmentd(['index', uri]);
  // Versions of others on top: it is found all the same.
  for (const from of [6_010, 6_020]) await table.add(people(from, 10));
  const after = await inspectOneTable(await placeOf(uri))();
  expect(after).toMatchObject({
    version: 7,
    tiers: { 0: 2, 1: 2 },
    last_commit: {
      version: 5,
      read_version: 4,
      operation: 'CreateIndex',
      properties: { 'segmentd.command': 'index', 'segmentd.version': expect.any(String) },
    },
  });
  expect(after.indexes[0]).toMatchObject({ tiers: { 0: 1, 1: 1 }, segments: [{ tier: 1 }, { tier: 0 }] });
  const shown = (await segmentd(['status', uri])).stdout;
  expect(shown).toContain('last commit of segmentd: version 5, CreateIndex on version 4');
  expect(shown).toContain('segmentd.command = index');
  expect(shown).toContain('segments by tier 0:1 1:1');
});

test('status of a table shows the merges that are due', async () => {
  const { uri, table } = await indexed(10);
  for (let batch = 1; batch < 8; batch++) {
    await table.add(people(10 * batch, 10));
    await index(uri);
  }
  expect((await inspectOneTable(await placeOf(uri))()).next).toMatchObject({
    segments: [],
    merges: [{ index: 'id_idx', reason: 'tier', segments: 8, rows: 80 }, { index: 'name_idx' }],
    merges_due: 2,
  });
  expect(await textOf(uri)).toContain('next: merge 8 segments of id_idx into one of 80 rows (tier)');
  await segmentd(['merge', uri]);
  expect(await textOf(uri)).toMatch(/\nnext: nothing$/);
});

test('status of a database shows every table; one that cannot be read hides no other', async () => {
  const { database, uri, table, connection } = await indexed(1_000);
  await table.add(people(1_000, 1));
  await connection.createTable('plain', people(0, 5));
  const stable = await connection.createTable('stable', people(0, 5), {
    storageOptions: { newTableEnableStableRowIds: 'true' },
  });
  await stable.createIndex('id', { config: Index.btree() });
  await mkdir(join(database, 'broken.lance', '_versions'), { recursive: true });
  await writeFile(join(database, 'broken.lance', '_versions', '1.manifest'), 'no manifest');
  await symlink('nowhere', join(database, 'gone.lance'));
  await writeFile(join(database, 'file.lance'), 'no folder, no table');

  const { tables } = await status(database);
  expect(tables.map(({ table: name }: { table: string }) => name)).toEqual(['broken', 'gone', 'plain', 'stable', 't']);
  expect(tables).toMatchObject([
    { error: { code: 'table_unreadable' } },
    { error: { code: 'table_not_found' } },
    { rows: 5, indexes: [], coverage: null, tiers: {} },
    { rows: 5, declined: { code: 'table_stable_row_ids' } },
    {
      version: 4,
      rows: 1_001,
      indexes: ['id_idx', 'name_idx'],
      missing_rows: 1,
      missing_fragments: 1,
      tiers: { 0: 2 },
    },
  ]);
  const { stdout, code } = await segmentd(['status', `${database}/`]);
  expect(code).toBe(0);
  // Problems first; 1000 of 1001 rows are 99.9001 %.
  expect(stdout.replaceAll(/ +$/gm, '').split('\n')).toEqual([
    database,
    '5 tables: 2 unreadable, 1 declined, 1 behind, 1 no index, 1,011 rows, 1 missing',
    '',
    'table   state       covered   missing   rows  segments',
    'broken  unreadable  -               -      -         -  table_unreadable',
    'gone    unreadable  -               -      -         -  table_not_found',
    expect.stringMatching(/^stable {2}declined .* table_stable_row_ids$/),
    't       behind      99.90 %         1  1,001         2',
    'plain   no index    -               -      5         -',
    '',
  ]);

  await index(uri);
  expect(formatDatabaseStatus(await inspectDatabase(await placeOf(database)))).toMatch(
    /\nt +covered +100\.00 % +0 +1,001 +4\n/,
  );
});

test('a database that is not there is an error, an empty one is not', async () => {
  const { database } = await indexed(10);
  const missing = await segmentd(['status', join(database, 'nowhere')]);
  expect([missing.code, missing.stderr]).toEqual([65, expect.stringContaining('database_not_found')]);
  await mkdir(join(database, 'empty'));
  expect(formatDatabaseStatus(await inspectDatabase(await placeOf(join(database, 'empty'))))).toContain('no tables');
});

test.each([
  ['a branch', 't.lance/tree/dev', 'is the branch dev of the table'],
  ['a branch with a slash in its name', 't.lance/tree/feature/x/', 'is the branch feature/x of the table'],
  ['a table by another name', 'copy', 'is a table whose name does not end in .lance'],
  ['a folder of a table', 't.lance/_versions', 'is _versions of the table'],
  ['a folder of branches', 't.lance/tree', 'is tree of the table'],
])('status of %s says so instead of finding no tables', async (_, path, says) => {
  const { database, uri } = await indexed(1);
  const branches = ['t.lance/tree/dev', 't.lance/tree/feature/x', 'copy'];
  for (const to of branches) await cp(join(uri, '_versions'), join(database, to, '_versions'), { recursive: true });
  const { code, stdout, stderr } = await segmentd(['status', join(database, path)]);
  expect([code, stdout]).toEqual([65, '']);
  expect(stderr).toContain(`segmentd: database_not_found: ${join(database, path).replace(/\/$/, '')} ${says}`);
});

/** The next look of `status --watch --json` that has all that is wanted. */
async function untilSeen({ stdout }: Started, wanted: Record<string, unknown>): Promise<Record<string, unknown>> {
  const looks = () =>
    stdout()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  const isWanted = (look: Record<string, unknown>) =>
    Object.entries(wanted).every(([key, value]) => JSON.stringify(look[key]) === JSON.stringify(value));
  await until(`a look shows ${JSON.stringify(wanted)}`, () => looks().some(isWanted));
  return looks().find(isWanted) ?? {};
}

test('--watch --json prints a line per interval, continues after an error, and ends on an interrupt with 0', async () => {
  const { uri, table, connection } = await indexed(10);
  const watcher = startSegmentd(['status', uri, '--watch', '0.1', '--json']);
  onTestFinished(() => watcher.interrupt());
  expect(await untilSeen(watcher, { version: 3 })).toMatchObject({ coverage: 1 });
  await table.add(people(10, 5));
  expect(await untilSeen(watcher, { version: 4 })).toMatchObject({ missing_rows: 5 });
  await connection.dropTable('t');
  expect(await untilSeen(watcher, { version: undefined })).toMatchObject({ error: { code: 'table_not_found' } });
  await connection.createTable('t', people(0, 7));
  expect(await untilSeen(watcher, { rows: 7 })).toMatchObject({ version: 1, indexes: [] });
  watcher.interrupt();
  expect(await watcher.done).toMatchObject({ code: 0, stderr: '' });
});

test('--watch redraws the terminal at each interval, in its size', async () => {
  const { database } = await indexed(10);
  const watcher = startSegmentd(['status', database, '--watch', '0.1'], { terminal: { rows: 3, columns: 20 } });
  onTestFinished(() => watcher.interrupt());
  const screens = () => watcher.stdout().split('\x1b[H');
  await until('three looks were drawn', () => screens().length > 3);
  watcher.interrupt();
  expect((await watcher.done).code).toBe(0);
  expect(screens()[0]).toBe('\x1b[2J');
  for (const screen of screens().slice(1)) {
    const lines = screen.split('\n').map((line) => line.replace('\x1b[K', ''));
    expect(lines).toHaveLength(3);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(20);
  }
});

test('--watch wants a table that is there, and seconds that make sense', async () => {
  const { database, uri } = await indexed(10);
  expect((await segmentd(['status', join(database, 'nothing.lance'), '--watch'])).code).toBe(65);
  for (const wrong of ['0', 'often']) {
    expect((await segmentd(['status', uri, '--watch', wrong])).code).toBe(64);
  }
});

const vectors = (count: number) =>
  vectorRows(
    0,
    Float32Array.from({ length: 8 * count }, (_, at) => Math.sin(at)),
    { dimensions: 8 },
  );

test('an index that is left alone is said to be, and is none where it is configured', async () => {
  const { database, uri, table } = await realTable(vectors(300));
  await table.createIndex('vector', { config: Index.hnswSq({ m: 4, efConstruction: 8 }) });
  const left = 'left alone: index_kind_by_name';
  expect(formatDatabaseStatus(await inspectDatabase(await placeOf(database)))).toMatch(/ {2}1 left alone$/);
  const remedy = 'segmentd index --column vector --kind ivf_hnsw_sq';
  for (const [command, code] of [
    [['index', '--scratch-dir', join(database, 'scratch')], 0],
    [['merge', '--scratch-dir', join(database, 'scratch')], 0],
    [['wait', '--version', '1', '--timeout', '0s'], 1],
  ] as const) {
    const [name, ...more] = command;
    const said = await segmentd([name, uri, ...more]);
    expect([name, said.code, said.stdout]).toEqual([name, code, expect.stringContaining(left)]);
    expect(said.stdout).toContain(remedy);
  }

  await table.add(vectors(10));
  const config = join(database, 'segmentd.yaml');
  const indexes = '[{column: vector, kind: ivf_hnsw_sq}, {column: shoe_size}]';
  await writeFile(config, `databases: {db: ${database}}\ntables: {db/t: {indexes: ${indexes}}}\n`);
  const configured = (given: string) => findPlace(invocation(processIo()), given, { config });
  const shown = formatTableStatus(await inspectOneTable(await configured('db/t'))());
  expect(shown).toMatch(/vector_idx {2}IVF_HNSW_SQ \(.*\n(.*\n)?.*10 rows searched without it until there are more/);
  expect(shown).toContain('on shoe_size, left alone: column_not_found');
  expect(shown).not.toContain('of row addresses');
  const { tables } = await inspectDatabase(await configured('db'));
  expect(tables).toMatchObject([
    { indexes: ['vector_idx'], held_rows: 10, left_alone: [{ code: 'column_not_found' }] },
  ]);
  expect(formatDatabaseStatus({ database, tables })).toMatch(/ {2}10 rows held, 1 left alone$/);
});
