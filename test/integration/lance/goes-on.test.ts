/** After segmentd's commits LanceDB does everything it did before, with right answers. */
import { Index } from '@lancedb/lancedb';
import { expect, test } from 'vitest';
import type { RealTable } from '../../../testing/lance-table.ts';
import { idsWhere, index, latest, realTable } from '../../../testing/lance-table.ts';
import { people } from './people.ts';

/** A table of 60 rows in six fragments, each with a segment of its own. */
async function segmented(): Promise<RealTable> {
  const real = await realTable(people(0, 10));
  await real.table.createIndex('id', { config: Index.btree() });
  for (let batch = 1; batch < 6; batch++) {
    await real.table.add(people(batch * 10, 10));
    await index(real.uri);
  }
  expect((await latest(real.uri)).indexes).toHaveLength(6);
  return real;
}

/** Every id is found where it should be, one by one and in ranges, before and after segmentd caught up. */
async function check({ table, uri }: RealTable, expected: ReadonlySet<number>): Promise<void> {
  for (const caughtUp of [false, true]) {
    if (caughtUp) await index(uri);
    for (let id = -1; id < 75; id += 4) {
      expect(await idsWhere(table, `id = ${id}`)).toEqual(expected.has(id) ? [id] : []);
    }
    expect(await idsWhere(table, 'id >= 0')).toEqual([...expected].sort((a, b) => a - b));
    expect(await table.countRows()).toBe(expected.size);
  }
  expect(await table.indexStats('id_idx')).toMatchObject({ numIndexedRows: expected.size, numUnindexedRows: 0 });
}
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => from + at);

test('delete', async () => {
  const real = await segmented();
  await real.table.delete('id % 4 = 3 OR id BETWEEN 20 AND 29');
  await check(real, new Set(range(0, 60).filter((id) => id % 4 !== 3 && (id < 20 || id > 29))));
});

test('update of the indexed column', async () => {
  const real = await segmented();
  await real.table.update({ where: 'id >= 55', valuesSql: { id: 'id + 10' } });
  await check(real, new Set([...range(0, 55), ...range(65, 70)]));
});

test('update of another column', async () => {
  const real = await segmented();
  await real.table.update({ where: 'id < 15', values: { name: 'changed' } });
  expect(await idsWhere(real.table, "name = 'changed'")).toEqual(range(0, 15));
  await check(real, new Set(range(0, 60)));
});

test('merge insert', async () => {
  const real = await segmented();
  await real.table.mergeInsert('id').whenMatchedUpdateAll().whenNotMatchedInsertAll().execute(people(50, 20));
  await check(real, new Set(range(0, 70)));
});

test('optimize: compaction and index maintenance', async () => {
  const real = await segmented();
  await real.table.add(people(60, 10));
  await real.table.optimize();
  expect(await real.table.indexStats('id_idx')).toMatchObject({ numUnindexedRows: 0 });
  await check(real, new Set(range(0, 70)));
});

test('optimize with a cleanup of everything old', async () => {
  const real = await segmented();
  await real.table.optimize({ cleanupOlderThan: new Date() });
  await check(real, new Set(range(0, 60)));
});

test('add and drop columns', async () => {
  const real = await segmented();
  await real.table.addColumns([{ name: 'twice', valueSql: 'id * 2' }]);
  expect(await idsWhere(real.table, 'twice = 84')).toEqual([42]);
  await check(real, new Set(range(0, 60)));
  await real.table.dropColumns(['name']);
  await check(real, new Set(range(0, 60)));
});

test('restore of an older version', async () => {
  const real = await segmented();
  const version = await real.table.version();
  await real.table.delete('id < 30');
  await real.table.checkout(version);
  await real.table.restore();
  await check(real, new Set(range(0, 60)));
});

test('create the index anew, and drop it', async () => {
  const real = await segmented();
  await real.table.createIndex('id', { config: Index.btree(), replace: true });
  expect((await latest(real.uri)).indexes).toHaveLength(1);
  await check(real, new Set(range(0, 60)));
  await real.table.dropIndex('id_idx');
  expect(await index(real.uri)).toMatchObject({ segments: [] });
  expect(await real.table.listIndices()).toEqual([]);
});
