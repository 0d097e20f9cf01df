import { readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { connect, Index } from '@lancedb/lancedb';
import { expect, test } from 'vitest';
import { versionFileName } from '../../../src/lib/manifest-name.ts';
import { digests, idsWhere, index, latest, realTable, usesIndex } from '../../../testing/lance-table.ts';
import { nameOf, people } from './people.ts';

test('appended rows are found through two indexes, whose old segments stay as they are', async () => {
  const { table, uri } = await realTable(people(0, 500));
  await table.createIndex('id', { config: Index.btree() });
  await table.createIndex('name', { config: Index.btree() });
  const before = await digests(join(uri, '_indices'));
  const versions: number[] = [];
  for (const from of [500, 600, 700]) {
    await table.add(people(from, 100));
    const done = await index(uri);
    expect(done.segments.map((segment) => segment.index)).toEqual(['id_idx', 'name_idx']);
    expect(done.version).toBe((await table.version()) as number);
    versions.push(done.version);
  }
  expect(versions.map((version) => version - (versions[0] ?? 0))).toEqual([0, 2, 4]);

  const after = await digests(join(uri, '_indices'));
  for (const [path, digest] of before) expect(after.get(path)).toBe(digest);
  expect(after.size).toBeGreaterThan(before.size);

  for (const name of ['id_idx', 'name_idx']) {
    expect(await table.indexStats(name)).toMatchObject({ numIndexedRows: 800, numUnindexedRows: 0 });
  }
  for (const id of [0, 499, 500, 599, 600, 799]) {
    expect(await idsWhere(table, `id = ${id}`)).toEqual([id]);
    expect(await idsWhere(table, `name = '${nameOf(id)}'`)).toEqual([id]);
  }
  expect(await idsWhere(table, 'id >= 498 AND id < 502')).toEqual([498, 499, 500, 501]);
  expect(await idsWhere(table, 'id = 800')).toEqual([]);
  expect(await usesIndex(table, 'id = 650')).toBe(true);
  expect(await usesIndex(table, `name = '${nameOf(650)}'`)).toBe(true);
});

test('a table that is covered is left alone', async () => {
  const { table, uri } = await realTable(people(0, 10));
  await table.createIndex('id', { config: Index.btree() });
  const before = await digests(uri);
  expect(await index(uri)).toMatchObject({ segments: [], attempts: 0 });
  expect(await digests(uri)).toEqual(before);
});

test('a column without an index gets one, segment by segment', async () => {
  const { table, uri } = await realTable(people(0, 100));
  for (let batch = 1; batch < 5; batch++) await table.add(people(batch * 100, 100));
  const limits = { maxRows: 250, maxFragments: 100 };
  const done = await index(uri, { wanted: [{ column: 'name' }, { column: 'id', name: 'by_id' }], limits });
  expect(done.segments.map(({ index: name, rows }) => [name, rows])).toEqual([
    ['name_idx', 200],
    ['by_id', 200],
    ['name_idx', 200],
    ['by_id', 200],
    ['name_idx', 100],
    ['by_id', 100],
  ]);
  expect(new Set((await table.listIndices()).map(({ name }) => name))).toEqual(new Set(['name_idx', 'by_id']));
  expect(await idsWhere(table, `name IN ('${nameOf(3)}', '${nameOf(499)}')`)).toEqual([3, 499]);
  expect(await usesIndex(table, 'id = 3')).toBe(true);
});

test('a table with V1 names keeps them, and LanceDB goes on with them', async () => {
  const { table, uri, database } = await realTable(people(0, 100));
  await table.createIndex('id', { config: Index.btree() });
  const versions = join(uri, '_versions');
  const last = await table.version();
  for (let version = 1; version <= last; version++) {
    await rename(join(versions, versionFileName('V2', version)), join(versions, versionFileName('V1', version)));
  }
  // The handle remembers the names it has seen.
  const connection = await connect(database);
  const reopened = await connection.openTable('t');
  await reopened.add(people(100, 100));
  const done = await index(uri);
  expect(done.segments).toHaveLength(1);
  const names = (await readdir(versions)).filter((name) => name.endsWith('.manifest'));
  expect(names).toContain(`${done.version}.manifest`);
  expect(names.filter((name) => name.length === 29)).toEqual([]);
  await reopened.add(people(200, 1));
  expect(await idsWhere(reopened, 'id >= 199')).toEqual([199, 200]);
  reopened.close();
  connection.close();
});

test('a table whose deletions took rows and whole fragments is covered in what is left', async () => {
  const { table, uri } = await realTable(people(0, 100));
  await table.createIndex('id', { config: Index.btree() });
  await table.add(people(100, 100));
  await table.add(people(200, 100));
  await table.delete('id >= 150');
  await index(uri);
  expect(await table.indexStats('id_idx')).toMatchObject({ numUnindexedRows: 0 });
  expect(await idsWhere(table, 'id >= 148')).toEqual([148, 149]);
  expect((await latest(uri)).fragments.length).toBe(2);
});
