import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { segmentd } from '../../../testing/cli.ts';
import { people } from '../../../testing/people.ts';
import { covered, entriesOf, makeTable, makeWorld, openTable, until } from './world.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/;

test('index catches a table up and status shows it', async () => {
  const world = await makeWorld();
  await makeTable(world, 'people', 1000);
  const table = await openTable(world.database, 'people');
  await table.add(people(1000, 50));
  await table.delete('id = 1001');
  const uri = world.tableFolder('people');

  const before = JSON.parse((await segmentd(['status', uri, '--json'])).stdout);
  expect(before).toMatchObject({ uri, rows: 1049, fragments: 2, declined: null });
  expect(before.indexes).toHaveLength(2);
  expect(before.indexes[0]).toMatchObject({
    name: 'id_idx',
    column: 'id',
    type: 'BTREE',
    covered_rows: 1000,
    missing_rows: 49,
    missing_fragments: 1,
    stale_fragments: 0,
  });
  expect(before.indexes[0].coverage).toBeCloseTo(1000 / 1049, 12);

  const scratch = ['--scratch-dir', world.scratch];
  const first = await segmentd(['index', uri, '--json', ...scratch]);
  expect(first.code).toBe(0);
  const done = JSON.parse(first.stdout);
  expect(done).toMatchObject({ uri, version: before.version + 1, attempts: 1 });
  expect(done.plan_ms + done.publish_ms + done.commit_ms).toBeGreaterThan(0);
  expect(done.indexes).toMatchObject([
    { name: 'id_idx', column: 'id', fragments: 1, rows: 49 },
    { name: 'name_idx', column: 'name', fragments: 1, rows: 49 },
  ]);
  for (const { segment_uuid: uuid } of done.indexes) expect(uuid).toMatch(UUID);
  expect(await entriesOf(world.scratch)).toEqual([]);

  const after = JSON.parse((await segmentd(['status', uri, '--json'])).stdout);
  for (const index of after.indexes) {
    expect(index).toMatchObject({ coverage: 1, covered_rows: 1049, missing_rows: 0, missing_fragments: 0 });
    expect(index.segments).toHaveLength(2);
    const added = index.segments[1];
    expect(added).toMatchObject({ fragments: 1, rows: 49, built_from_version: before.version });
    const files = join(uri, '_indices', added.uuid);
    const sizes = await Promise.all(
      (await readdir(files)).map(async (file) => (await readFile(join(files, file))).length),
    );
    expect(added.bytes).toBe(sizes.reduce((sum, size) => sum + size, 0));
    expect(Date.now() - Date.parse(added.created_at)).toBeLessThan(120_000);
  }

  const second = JSON.parse((await segmentd(['index', uri, '--json', ...scratch])).stdout);
  expect(second).toMatchObject({ version: after.version, indexes: [] });
});

test('index creates the index that a column lacks', async () => {
  const world = await makeWorld();
  await makeTable(world, 'people', 100);
  const table = await openTable(world.database, 'people');
  await table.dropIndex('name_idx');
  const result = await segmentd(['index', world.tableFolder('people'), '--column', 'name', '--json']);
  expect(JSON.parse(result.stdout).indexes).toMatchObject([{ name: 'name_idx', column: 'name', rows: 100 }]);
  await table.checkoutLatest();
  expect(new Set((await table.listIndices()).map(({ name }) => name))).toEqual(new Set(['id_idx', 'name_idx']));
});

test('a configured index is created by the daemon, and announce starts it', async () => {
  const world = await makeWorld({ tables: { 'db/people': { indexes: [{ column: 'name', name: 'by_name' }] } } });
  await makeTable(world, 'people', 100);
  await (await openTable(world.database, 'people')).dropIndex('name_idx');
  const daemon = await world.daemon();
  const configFile = join(world.home, 'segmentd.yaml');
  const announced = await segmentd(['announce', 'db/people', '-c', configFile, '--json']);
  expect(announced.code).toBe(0);
  expect(JSON.parse(announced.stdout)).toMatchObject({ table: 'db/people', topic: world.settings.topic });
  await until('by_name exists', async () =>
    (await world.facts('people')).indexes.some(({ name }) => name === 'by_name'),
  );
  expect(await covered(world, 'people')).toBe(true);
  expect(await daemon.stop()).toBe(0);
});

test('exit codes say what went wrong', async () => {
  const world = await makeWorld();
  await makeTable(world, 'people', 10);
  const broken = join(world.home, 'broken.yaml');
  await writeFile(broken, 'databases: {db: /tmp/db}\nkafka: {brokerz: [a:1]}\nhttp: {port: many}\n');
  const codes: [string[], number, string][] = [
    [['status'], 64, 'give either'],
    [['frobnicate'], 64, 'unknown command'],
    [['status', join(world.home, 'nowhere')], 65, 'database_not_found'],
    [['status', 's3a://bucket/t.lance'], 64, 's3a:// is not supported'],
    [['status', join(world.home, 'nothing.lance')], 65, 'table_not_found'],
    [['index', join(world.home, 'nothing.lance')], 65, 'table_not_found'],
    [['index', world.tableFolder('people'), '--column', 'shoe_size'], 65, 'column_not_found'],
    [['run', '-c', join(world.home, 'nothing.yaml')], 78, 'config_unreadable'],
    [['run', '-c', broken], 78, 'brokerz'],
    [['run', '-c', broken], 78, 'http.port'],
    [['config', 'check', '-c', broken], 78, 'config_invalid'],
  ];
  for (const [args, code, says] of codes) {
    const result = await segmentd(args);
    expect([args.join(' '), result.code, result.stderr]).toEqual([args.join(' '), code, expect.stringContaining(says)]);
  }
  const unreachable = await segmentd(['announce', 'db/people', '--brokers', '127.0.0.1:1', '--timeout', '500ms']);
  expect([unreachable.code, unreachable.stderr]).toEqual([69, expect.stringContaining('broker_unavailable')]);
});

test('a path that leads nowhere is no bug of segmentd', async () => {
  const world = await makeWorld();
  const long = join(world.home, 'x'.repeat(300));
  const { code, stderr } = await segmentd(['status', long]);
  expect(code).toBe(69);
  expect(stderr).toMatch(/^segmentd: store_unavailable: cannot list /);
  expect(stderr).not.toContain('bug');
});

test('announce refuses what the daemon would', async () => {
  for (const args of [
    ['--version', '0'],
    ['--producer', 'x'.repeat(257)],
    ['--timeout', '30'],
  ]) {
    expect((await segmentd(['announce', 'db/people', ...args])).code).toBe(64);
  }
});
