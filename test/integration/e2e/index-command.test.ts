import { join } from 'node:path';
import { connect } from '@lancedb/lancedb';
import { expect, test } from 'vitest';
import { segmentd } from '../../../testing/cli.ts';
import { realTable } from '../../../testing/lance-table.ts';
import { people } from '../../../testing/people.ts';
import { tempDir } from '../../../testing/temp-dir.ts';
import { vectorRows } from '../../../testing/vector-rows.ts';
import { covered, makeTable, makeWorld, openTable, until } from './world.ts';

const FRAGMENTS = 12;

/** A table without any index. */
async function plainTable(): Promise<{ uri: string; scratch: string[] }> {
  const database = await tempDir();
  const connection = await connect(database);
  const table = await connection.createTable('t', people(0, 10));
  for (let at = 1; at < FRAGMENTS; at++) await table.add(people(at * 10, 10));
  table.close();
  connection.close();
  return { uri: join(database, 't.lance'), scratch: ['--scratch-dir', join(database, 'scratch')] };
}

const statusOf = async (uri: string) => JSON.parse((await segmentd(['status', uri, '--json'])).stdout);

test('several columns are indexed in parts that are built side by side, with progress', async () => {
  const { uri, scratch } = await plainTable();
  const options = ['--rows-per-segment', '30', '--concurrency', '3', '--json', ...scratch];
  const done = await segmentd(['index', uri, '-C', 'id', 'name', ...options]);
  expect(done.code).toBe(0);
  expect(JSON.parse(done.stdout).indexes).toHaveLength(2 * 4);
  expect(done.stderr).toMatch(/^0 % {2}0 of 240 rows/);
  expect(done.stderr).toContain('100 %  240 of 240 rows');
  const { indexes } = await statusOf(uri);
  expect(indexes.map(({ name }: { name: string }) => name)).toEqual(['id_idx', 'name_idx']);
  for (const { coverage, segments } of indexes) {
    expect(coverage).toBe(1);
    expect(segments.map(({ rows }: { rows: number }) => rows)).toEqual([30, 30, 30, 30]);
  }
  expect((await segmentd(['verify', uri])).stdout).toContain('no findings');
  const again = await segmentd(['index', uri, ...options]);
  expect([JSON.parse(again.stdout).indexes, again.stderr]).toEqual([[], '']);
});

test('a table without rows or without an index is not called up to date', async () => {
  const database = await tempDir();
  const scratch = ['--scratch-dir', join(database, 'scratch')];
  const connection = await connect(database);
  const table = await connection.createEmptyTable('t', people(0, 1).schema);
  const uri = join(database, 't.lance');
  const said = async (...args: string[]) => segmentd(['index', uri, ...args, ...scratch]);
  expect(await said()).toMatchObject({
    code: 0,
    stdout: `${uri} has no index that segmentd maintains at version 1; --column makes one\n`,
  });
  const { code, stdout } = await said('-C', 'id', 'name');
  expect(code).toBe(0);
  expect(stdout).toContain('has no rows at version 1: no index was made on id, name.');
  expect(JSON.parse((await said('-C', 'id', '--json')).stdout)).toMatchObject({ indexes: [], not_made: ['id'] });
  await table.add(people(0, 3));
  expect((await said('-C', 'id')).stdout).toContain('is up to date with version 3');
  expect(JSON.parse((await said('-C', 'id', '--json')).stdout)).toMatchObject({ indexes: [], not_made: [] });
  expect((await said()).stdout).toBe(`${uri} is up to date at version 3\n`);
  table.close();
  connection.close();
});

test('vectors that are all NULL are said to have nothing to index, and not to wait for more', async () => {
  const { uri, database } = await realTable(
    vectorRows(0, new Float32Array(8 * 300), { dimensions: 8, isNull: () => true }),
  );
  const kind = ['-C', 'vector', '--kind', 'ivf_pq', '--min-rows', '1', '--scratch-dir', join(database, 'scratch')];
  expect(await segmentd(['index', uri, ...kind])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('300 rows have nothing to index in vector_idx'),
  });
});

test('an index gets the name it is given, which is for one column', async () => {
  const { uri, scratch } = await plainTable();
  expect((await segmentd(['index', uri, '-C', 'id', 'name', '--name', 'x', ...scratch])).code).toBe(64);
  expect((await segmentd(['index', uri, '--name', 'x', ...scratch])).code).toBe(64);
  expect((await segmentd(['index', uri, '-C', 'id', '--concurrency', '0', ...scratch])).code).toBe(64);
  expect((await segmentd(['index', uri, '-C', 'id', '--name', 'by_id', ...scratch])).code).toBe(0);
  expect((await statusOf(uri)).indexes).toMatchObject([{ name: 'by_id', column: 'id', coverage: 1 }]);
});

test('beside a running daemon and a writer nothing is covered twice', async () => {
  const world = await makeWorld({ sweep: { interval_s: 600 } });
  await makeTable(world, 'people', 100);
  const daemon = await world.daemon();
  const table = await openTable(world.database, 'people');
  const key = Buffer.from('db/people');
  const write = async () => {
    for (let at = 0; at < 20; at++) {
      await table.add(people(100 + at * 10, 10));
      await world.producer.send(world.settings.topic, [{ key, value: Buffer.from('{"table":"db/people"}') }]);
    }
  };
  const uri = world.tableFolder('people');
  const index = async () => {
    for (let at = 0; at < 3; at++) {
      const scratch = join(world.home, 'scratch-of-index');
      expect((await segmentd(['index', uri, '--rows-per-segment', '20', '--scratch-dir', scratch])).code).toBe(0);
    }
  };
  await Promise.all([write(), index()]);
  await until('it is covered', () => covered(world, 'people'));
  expect((await segmentd(['verify', uri])).stdout).toContain('no findings');
  expect(await daemon.stop()).toBe(0);
});
