/** Tables in namespaces, which real LanceDB keeps in folders of its own making, listed by a catalog: found, served and declined. */
import { readdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Table } from '@lancedb/lancedb';
import { Index } from '@lancedb/lancedb';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { askDaemon } from '../../../src/commands/daemons/daemon-status.ts';
import { readCatalog } from '../../../src/commands/tables/read-catalog.ts';
import { TableCatalogs } from '../../../src/control/table-catalogs.ts';
import { openStore } from '../../../src/store/open-store.ts';
import { freePorts } from '../../../testing/broker/broker.ts';
import { segmentd } from '../../../testing/cli.ts';
import { connected, folderOf, renameListed, storeVersions, tableIn } from '../../../testing/namespaces.ts';
import { people } from '../../../testing/people.ts';
import { findPylance, PYLANCE_VERSIONS } from '../../../testing/pylance.ts';
import { startS3Server } from '../../../testing/stores/s3-server.ts';
import { tempDir } from '../../../testing/temp-dir.ts';
import { readTopic } from './read-topic.ts';
import type { World } from './world.ts';
import { makeWorld, until } from './world.ts';

const lookAt = (database: string) =>
  new TableCatalogs({ databases: new Map([['db', database]]), storeOf: openStore, read: readCatalog });

/** The plan of a lookup, and how many rows it finds. */
async function lookup(table: Table, id: number) {
  const query = table.query().where(`id = ${id}`);
  return [(await query.explainPlan(true)).includes('ScalarIndexQuery'), (await query.toArray()).length];
}

describe('the catalog of LanceDB', () => {
  test('lists tables by their namespaces, nested too; names that lead elsewhere are said to be unfit', async () => {
    const database = await tempDir();
    const connection = await connected(database);
    await tableIn(connection, [], 'people', 1);
    for (const path of [['ns'], ['ns', 'sub'], ['..'], ['']]) await connection.createNamespace(path);
    await tableIn(connection, ['ns'], 'people', 1);
    await tableIn(connection, ['ns', 'sub'], 'people', 1);
    const hostile = ['..', '', '.hidden', '$', 'a$', 'with space', 'ä'];
    for (const name of hostile) await tableIn(connection, ['ns'], name, 1);
    await tableIn(connection, ['..'], 'up', 1);
    const listing = await lookAt(database).look('db');
    expect(listing?.names).toEqual(['ns$people', 'ns$sub$people', 'people']);
    expect(new Set(listing?.unfit)).toEqual(new Set([...hostile.map((name) => `ns$${name}`), '..$up']));
    const { stdout } = await segmentd(['status', database]);
    expect(stdout).toContain('event_table_invalid');
  });

  test('follows a table that is dropped and made anew, and forgets one that is dropped', async () => {
    const database = await tempDir();
    const connection = await connected(database);
    await connection.createNamespace(['ns']);
    await tableIn(connection, ['ns'], 't', 1);
    const catalogs = lookAt(database);
    await catalogs.look('db');
    const before = catalogs.locationOf('db', 'ns$t');
    expect(before).toBe(basename(await folderOf(database, 'ns$t')));
    await connection.dropTable('t', ['ns']);
    await tableIn(connection, ['ns'], 't', 1);
    await catalogs.look('db');
    expect(catalogs.locationOf('db', 'ns$t')).toBe(basename(await folderOf(database, 'ns$t')));
    expect(catalogs.locationOf('db', 'ns$t')).not.toBe(before);
    await connection.dropTable('t', ['ns']);
    expect((await catalogs.look('db'))?.names).toEqual([]);
  });

  test.each([PYLANCE_VERSIONS.oldest, PYLANCE_VERSIONS.newest])('is read as pylance %s writes it', async (version) => {
    const pylance = await findPylance(version);
    if (!pylance) return;
    const database = await tempDir();
    const connection = await connected(database);
    await connection.createNamespace(['ns']);
    await tableIn(connection, ['ns'], 'old', 1);
    const folder = basename(await folderOf(database, 'ns$old'));
    await renameListed(pylance, database, folder, ['ns$old', 'ns$new']);
    const catalogs = lookAt(database);
    expect((await catalogs.look('db'))?.names).toEqual(['ns$new']);
    expect(catalogs.locationOf('db', 'ns$new')).toBe(folder);
  });
});

/** A database `db` with a table in a namespace and one that has the same name without. */
async function home() {
  const cwd = await tempDir();
  const database = join(cwd, 'db');
  const config = join(cwd, 'segmentd.yaml');
  await writeFile(
    config,
    stringify({ databases: { db: database }, tables: { 'db/ns$t': { indexes: [{ column: 'id' }] } } }),
  );
  const connection = await connected(database);
  await tableIn(connection, [], 't', 10);
  await connection.createNamespace(['ns']);
  const table = await tableIn(connection, ['ns'], 't', 1_000);
  return { database, config, connection, table, folder: await folderOf(database, 'ns$t') };
}

describe('commands', () => {
  test('find a table by its name in the configuration, or by its folder', async () => {
    const { database, config, table, folder } = await home();
    const indexed = await segmentd(['index', 'db/ns$t', '-c', config, '--json']);
    expect([indexed.code, JSON.parse(indexed.stdout)]).toMatchObject([0, { uri: folder, indexes: [{ rows: 1_000 }] }]);
    await table.add(people(1_000, 10));
    expect(JSON.parse((await segmentd(['index', folder, '--json'])).stdout)).toMatchObject({ indexes: [{ rows: 10 }] });
    expect(await lookup(table, 1_005)).toEqual([true, 1]);
    for (const args of [['db/ns$t', '-c', config], [folder]]) {
      expect(JSON.parse((await segmentd(['status', ...args, '--json'])).stdout)).toMatchObject({
        uri: folder,
        coverage: 1,
      });
      const verified = await segmentd(['verify', ...args]);
      expect([verified.code, verified.stdout]).toEqual([0, expect.stringContaining('no findings')]);
      expect((await segmentd(['wait', ...args, '--version', '4'])).code).toBe(0);
      expect((await segmentd(['merge', ...args, '--to', '1'])).code).toBe(0);
    }
    expect(await lookup(table, 1_005)).toEqual([true, 1]);
    const { tables } = JSON.parse((await segmentd(['status', database, '--json'])).stdout);
    expect(tables).toMatchObject([
      { table: 'ns$t', rows: 1_010, indexes: ['id_idx'] },
      { table: 't', rows: 10, indexes: [] },
    ]);
    expect(await segmentd(['status', 'db/ns$none', '-c', config])).toMatchObject({
      code: 65,
      stderr: expect.stringContaining('table_not_found'),
    });
  });

  test('decline a table of a catalog that manages versions, by name, and change nothing', async () => {
    const { database, config, connection } = await home();
    await connection.createNamespace(['managed'], { properties: { managed_versioning: 'true' } });
    await tableIn(connection, ['managed'], 't', 10);
    const pylance = await findPylance(PYLANCE_VERSIONS.oldest);
    if (pylance) await storeVersions(pylance, database);
    for (const name of ['managed$t', ...(pylance ? ['stored$t'] : [])]) {
      const folder = await folderOf(database, name);
      const before = await readdir(folder, { recursive: true });
      for (const args of [[`db/${name}`, '-c', config], [folder]]) {
        const { code, stderr } = await segmentd(['index', ...args, '--column', 'id']);
        expect([code, stderr]).toEqual([65, expect.stringContaining('table_managed_versioning')]);
        expect((await segmentd(['status', ...args])).stdout).toContain('declined: table_managed_versioning');
      }
      expect(await readdir(folder, { recursive: true })).toEqual(before);
    }
    expect((await segmentd(['status', database])).stdout).toMatch(/ declined [\s\S]* table_managed_versioning/);
  });

  test('say of a branch that it is one', async () => {
    const { database, config, folder, table } = await home();
    const branch = await (await table.branches()).create('dev');
    branch.close();
    const at = join(folder, 'tree', 'dev');
    expect(await readdir(at)).toContain('_versions');
    for (const command of ['index', 'verify', 'merge']) {
      const { code, stderr } = await segmentd([command, at]);
      expect([code, stderr]).toEqual([64, expect.stringContaining('it is the branch dev of one')]);
    }
    const status = await segmentd(['status', at]);
    expect([status.code, status.stderr]).toEqual([65, expect.stringContaining('is the branch dev of the table')]);
    const announced = await segmentd(['announce', at, '-c', config, '--brokers', 'localhost:1']);
    expect(announced.stderr).toContain('is the branch "dev" of db/ns$t; segmentd serves main branches');
    expect((await lookAt(database).look('db'))?.names).toEqual(['ns$t', 't']);
  });
});

test('in an object store they are found, indexed and verified like on a disk', async () => {
  const server = await startS3Server();
  try {
    await server.makeBucket('lake');
    const connection = await connected('s3://lake/db', server.storageOptions);
    await connection.createNamespace(['ns']);
    const table = await tableIn(connection, ['ns'], 't', 100);
    const cwd = await tempDir();
    const config = join(cwd, 'segmentd.yaml');
    const database = { uri: 's3://lake/db', storage_options: server.storageOptions };
    await writeFile(config, stringify({ databases: { db: database } }));
    const indexed = await segmentd(['index', 'db/ns$t', '-c', config, '--column', 'id']);
    expect(indexed).toMatchObject({ code: 0 });
    expect(await lookup(table, 50)).toEqual([true, 1]);
    const verified = await segmentd(['verify', 'db/ns$t', '-c', config]);
    expect([verified.code, verified.stdout]).toEqual([0, expect.stringContaining('no findings')]);
    expect((await segmentd(['status', 'db', '-c', config])).stdout).toContain('ns$t');
  } finally {
    await server.stop();
  }
});

const TOKEN = 'letmein-0123456789';

async function announce(world: World, table: string, more: object = {}): Promise<void> {
  const value = Buffer.from(JSON.stringify({ table, ...more }));
  await world.producer.send(world.settings.topic, [{ key: Buffer.from(table), value }]);
}

test('the daemon serves them: made, appended to, paused, dropped and made anew, renamed, managed', async () => {
  const [port] = await freePorts();
  const world = await makeWorld({ admin: { port, token: TOKEN }, events: { version_wait_ms: 1_000 } });
  const { database } = world;
  const connection = await connected(database);
  await tableIn(connection, [], 't', 10);
  const daemon = await world.daemon();
  const table = (name: string) =>
    askDaemon({ url: daemon.url }).then(({ tables }) => tables.find((it) => it.table === name));
  const isCovered = (name: string, version: number) => async () =>
    ((await table(name))?.covered_version ?? 0) >= version;
  const make = async (path: string[], rows: number) => {
    const made = await tableIn(connection, path, 't', rows);
    await made.createIndex('id', { config: Index.btree() });
    await made.add(people(rows, 10));
    return made;
  };

  // A catalog that came after the daemon, a nested namespace, and the events of both at once.
  for (const path of [['ns'], ['ns', 'sub']]) await connection.createNamespace(path);
  const made = await make(['ns'], 1_000);
  const nested = await make(['ns', 'sub'], 100);
  await announce(world, 'db/ns$t', { version: 3 });
  await announce(world, await folderOf(database, 'ns$sub$t'), { version: 3 });
  await until(
    'both are covered',
    async () => (await isCovered('db/ns$t', 3)()) && (await isCovered('db/ns$sub$t', 3)()),
  );
  expect([await lookup(made, 1_005), await lookup(nested, 105)]).toEqual([
    [true, 1],
    [true, 1],
  ]);
  expect(await (await fetch(`${daemon.url}/metrics`)).text()).toContain('table="db/ns$t"');

  const ask = async (method: string, path: string) => {
    const headers = { authorization: `Bearer ${TOKEN}` };
    const answer = await fetch(`http://127.0.0.1:${port}/v1/tables/${path}`, { method, headers });
    return [answer.status, (await answer.json()) as object];
  };
  expect(await ask('POST', 'db/ns$t/pause')).toMatchObject([200, { table: 'db/ns$t', paused: true }]);
  expect(await ask('POST', 'db/ns%24t/resume')).toMatchObject([200, { table: 'db/ns$t', paused: false }]);
  expect(await ask('GET', 'db/ns$t/wait?version=3')).toMatchObject([200, { covered: true }]);
  expect(await ask('POST', 'db/ns$none/refresh')).toMatchObject([404, { code: 'event_table_not_found' }]);

  // Made anew it lies elsewhere, which the daemon learns from the event.
  await connection.dropTable('t', ['ns']);
  const again = await make(['ns'], 500);
  await announce(world, 'db/ns$t', { version: 3 });
  await until(
    'the new one is covered',
    async () => (await lookup(again, 505))[0] === true && (await again.version()) >= 4,
  );

  const pylance = await findPylance(PYLANCE_VERSIONS.newest);
  if (pylance) {
    await renameListed(pylance, database, basename(await folderOf(database, 'ns$sub$t')), ['ns$sub$t', 'ns$renamed']);
    await nested.add(people(110, 10));
    await announce(world, 'db/ns$renamed', { version: 5 });
    await until('the renamed one is covered', isCovered('db/ns$renamed', 5));
  }

  await connection.createNamespace(['managed'], { properties: { managed_versioning: 'true' } });
  const managed = await make(['managed'], 10);
  await announce(world, 'db/managed$t', { version: 3 });
  await until('the managed one is declined', async () => (await table('db/managed$t'))?.state === 'declined');
  expect((await table('db/managed$t'))?.declined?.code).toBe('table_managed_versioning');
  expect(await managed.version()).toBe(3);

  for (const name of ['db/ns$none', 'db/ns$..', 'db/$$']) await announce(world, name);
  const dead = await readTopic(world.settings, world.settings.deadLetterTopic, 3);
  const codes = dead.map(({ key, headers }) => [String(key), headers['segmentd-reason']]);
  expect(new Map(codes as [string, string][])).toEqual(
    new Map([
      ['db/ns$none', 'event_table_not_found'],
      ['db/ns$..', 'event_table_invalid'],
      ['db/$$', 'event_table_invalid'],
    ]),
  );
  expect(await daemon.stop()).toBe(0);
});

test('the sweep finds what was not announced in them, and small segments are merged', async () => {
  const world = await makeWorld({ sweep: { interval_s: 1 }, merge: { factor: 2, max_factor: 2, max_segments: 8 } });
  const connection = await connected(world.database);
  await connection.createNamespace(['ns']);
  const table = await tableIn(connection, ['ns'], 't', 100);
  await table.createIndex('id', { config: Index.btree() });
  const daemon = await world.daemon();
  for (let round = 0; round < 3; round++) {
    await table.add(people(100 + round * 10, 10));
    await until('it is covered', async () => (await lookup(table, 105 + round * 10))[0] === true, 20_000);
    await until('no row is scanned', async () => {
      const stats = await table.indexStats('id_idx');
      return stats?.numUnindexedRows === 0;
    });
  }
  await until('segments are merged', () =>
    world.log.some(({ event, table: id }) => event === 'mergeFinished' && id === 'db/ns$t'),
  );
  expect(await daemon.stop()).toBe(0);
});
