import { connect, Index } from '@lancedb/lancedb';
import { expect, onTestFinished, test } from 'vitest';
import { segmentd } from '../../../testing/cli.ts';
import { nameOf, people } from '../../../testing/people.ts';
import type { World } from './world.ts';
import { makeWorld } from './world.ts';

/** A table with stable row ids: four appends, an update of the indexed column and a delete after the index was made. */
async function makeStable(world: World) {
  const connection = await connect(world.database, { storageOptions: { new_table_enable_stable_row_ids: 'true' } });
  const table = await connection.createTable('stable', people(0, 100));
  onTestFinished(() => {
    table.close();
    connection.close();
  });
  for (const column of ['id', 'name']) await table.createIndex(column, { config: Index.btree() });
  await table.add(people(100, 10));
  await table.update({ where: 'id = 5', values: { id: '5005' } });
  await table.delete('id = 7');
  return table;
}

test('tables with stable row ids are declined, or rebuilt whole when asked for', async () => {
  const world = await makeWorld();
  const table = await makeStable(world);
  const uri = world.tableFolder('stable');
  const declined = await segmentd(['index', uri]);
  expect(declined.code).toBe(65);
  expect(declined.stderr).toContain('table_stable_row_ids');

  for (let round = 0; round < 3; round++) {
    const done = await segmentd(['index', uri, '--stable-row-ids', 'rebuild', '--json']);
    expect(done.code).toBe(0);
    expect(JSON.parse(done.stdout).indexes).toHaveLength(2);
    await table.checkoutLatest();
    for (const name of ['id_idx', 'name_idx']) {
      const listed = (await table.listIndices()).find((index) => index.name === name);
      expect(listed).toMatchObject({ numSegments: 1, numUnindexedRows: 0 });
    }
    const last = 5005 + round;
    for (const id of [5, 7, 6, 105, last, last - 1]) {
      const expected = id === 5 || id === 7 || id === last - 1 ? 0 : 1;
      expect([id, await table.countRows(`id = ${id}`)]).toEqual([id, expected]);
      expect([id, await table.countRows(`nullif(id, NULL) = ${id}`)]).toEqual([id, expected]);
    }
    expect(await table.countRows(`name = '${nameOf(5)}'`)).toBe(1);
    expect((await segmentd(['verify', uri])).code).toBe(0);
    await table.update({ where: `id = ${last}`, values: { id: String(last + 1) } });
    await table.add(people(200 + round * 10, 10));
  }
});

test('an index that is not there yet is made of row addresses when asked for, which LanceDB does not use, with right answers', async () => {
  const world = await makeWorld();
  const connection = await connect(world.database, { storageOptions: { new_table_enable_stable_row_ids: 'true' } });
  const table = await connection.createTable('stable', people(0, 100));
  onTestFinished(() => {
    table.close();
    connection.close();
  });
  const uri = world.tableFolder('stable');
  const declined = await segmentd(['index', uri, '--column', 'id']);
  expect([declined.code, declined.stderr]).toEqual([65, expect.stringContaining('"id_idx" is not there yet')]);
  const made = await segmentd(['index', uri, '--column', 'id', '--stable-row-ids', 'addresses', '--json']);
  expect(JSON.parse(made.stdout).indexes).toMatchObject([{ name: 'id_idx', rows: 100 }]);
  for (const start of [100, 110]) {
    await table.add(people(start, 10));
    // Nothing needs to be said about an index that is there.
    const added = await segmentd(['index', uri, '--json']);
    expect(JSON.parse(added.stdout).indexes).toMatchObject([{ name: 'id_idx', rows: 10 }]);
  }
  expect((await segmentd(['status', uri])).stdout).toContain('of row addresses: Lance 14 and newer use it');
  expect(JSON.parse((await segmentd(['merge', uri, '--to', '1', '--json'])).stdout).merges).toHaveLength(1);
  expect(JSON.parse((await segmentd(['verify', uri, '--json'])).stdout)).toMatchObject({ segments: 1, findings: [] });
  await table.checkoutLatest();
  expect([await table.countRows('id = 105'), await table.countRows('id >= 0')]).toEqual([1, 120]);
});
