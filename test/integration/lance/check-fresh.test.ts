/** The check of segments that were just committed, against real tables and each kind of index. */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Table } from '@lancedb/lancedb';
import { describe, expect, test } from 'vitest';
import type { FreshSegments } from '../../../src/lance/inspect/check-fresh.ts';
import { checkFresh } from '../../../src/lance/inspect/check-fresh.ts';
import { LanceTable } from '../../../src/lance/table/table.ts';
import { localStore } from '../../../src/store/local-store.ts';
import { claim } from '../../../testing/claim-fragments.ts';
import { KIND_COLUMNS, kindRows, MIN_ROWS } from '../../../testing/kind-rows.ts';
import { index, latest, realTable } from '../../../testing/lance-table.ts';
import { people } from '../../../testing/people.ts';
import { tempDir } from '../../../testing/temp-dir.ts';

const WANTED = KIND_COLUMNS.map(({ column, kind }) => ({ column, kind }));
const INDEXES = KIND_COLUMNS.length;

async function check(uri: string, fresh: FreshSegments, samples = 20) {
  const scratchDir = await tempDir();
  const done = await checkFresh(new LanceTable(localStore(uri)), fresh, { samples, seed: 7, scratchDir });
  // Nothing is left of the views.
  expect(await readdir(scratchDir)).toEqual([]);
  return done;
}

/** The segments that came with the latest version. */
async function freshOf(uri: string, segments: number): Promise<FreshSegments> {
  const { version, indexes } = await latest(uri);
  return { version, uuids: indexes.slice(-segments).map(({ uuid }) => uuid) };
}

/** A table with an index of each kind, and with fresh segments over its last fragment. */
async function withEachKind() {
  const real = await realTable(kindRows(0, 300));
  await index(real.uri, { wanted: WANTED, minRows: MIN_ROWS });
  await real.table.add(kindRows(300, 100));
  await index(real.uri, { minRows: MIN_ROWS });
  return { ...real, fresh: await freshOf(real.uri, INDEXES) };
}

const RIGHT = { kind: 'checked', leftOut: 0, wrong: [] };

test('fresh segments of each kind are right, whatever is deleted, updated, appended and compacted after their commit', async () => {
  const { uri, table, fresh } = await withEachKind();
  expect(await check(uri, fresh)).toMatchObject({ ...RIGHT, answers: expect.any(Number) });
  await table.delete('id >= 310 AND id < 340');
  expect(await check(uri, fresh)).toMatchObject(RIGHT);
  await table.update({
    where: 'id >= 340 AND id < 380',
    values: { color: 'red', name: 'changed', note: 'word1 of few' },
  });
  expect(await check(uri, fresh)).toMatchObject(RIGHT);
  await table.add(kindRows(300, 100));
  expect(await check(uri, fresh)).toMatchObject(RIGHT);
  await index(uri, { minRows: MIN_ROWS });
  await table.optimize();
  expect(await check(uri, fresh)).toMatchObject(RIGHT);
  const { answers } = (await check(uri, fresh)) as { answers: number };
  expect(answers).toBeGreaterThan(4 * INDEXES);
});

test('so are segments that were built before rows were deleted and updated, and committed after', async () => {
  const { uri, table } = await realTable(kindRows(0, 300));
  await index(uri, { wanted: WANTED, minRows: MIN_ROWS });
  await table.add(kindRows(300, 100));
  const before = await latest(uri);
  await table.delete('id >= 310 AND id < 320');
  await table.update({ where: 'id >= 320 AND id < 330', values: { color: 'red' } });
  await index(uri, { minRows: MIN_ROWS });
  const { version, indexes } = await latest(uri);
  const known = new Set(before.indexes.map(({ uuid }) => uuid));
  const uuids = indexes.map(({ uuid }) => uuid).filter((uuid) => !known.has(uuid));
  expect(await check(uri, { version, uuids })).toMatchObject(RIGHT);
});

describe('a segment that does not hold what it claims', () => {
  test.each(KIND_COLUMNS.map(({ column, kind }) => [kind, column] as const))(
    'of the kind %s is found',
    async (_, column) => {
      const { uri, table } = await withEachKind();
      await table.add(kindRows(400, 100));
      await claim(uri, [2], `${column}_idx`);
      const { version, indexes } = await latest(uri);
      const forged = indexes.findLast(({ name }) => name === `${column}_idx`);
      const done = await check(uri, { version, uuids: [forged?.uuid ?? ''] });
      expect(done).toMatchObject({ kind: 'checked', wrong: [{ index: `${column}_idx` }] });
      const [wrong] = done.kind === 'checked' ? done.wrong : [];
      expect(wrong?.wrong[0]).toMatchObject({ key: expect.any(String), expected: expect.any(Number) });
      expect(wrong?.segments.map(({ uuid }) => uuid)).toEqual([forged?.uuid]);
      // The same is asked again, and is wrong again.
      expect(await check(uri, { version, uuids: [forged?.uuid ?? ''] })).toEqual(done);
    },
  );
});

describe('nothing is said of segments', () => {
  async function two() {
    const real = await realTable(people(0, 100));
    await index(real.uri, { wanted: [{ column: 'id' }] });
    return { ...real, fresh: await freshOf(real.uri, 1) };
  }

  test('whose version was cleaned up', async () => {
    const { uri, table, fresh } = await two();
    await table.add(people(100, 10));
    await table.optimize({ cleanupOlderThan: new Date(Date.now() + 60_000) });
    expect(await check(uri, fresh)).toEqual({ kind: 'moved' });
  });

  // A cleanup deletes data before it deletes the manifests that name it.
  test.each([
    ['data', async (table: Table) => void (await table.optimize())],
    ['_deletions', async (table: Table) => void (await table.delete('id = 8'))],
  ])('whose files in %s a cleanup has taken, and whose version it has not', async (folder, supersede) => {
    const { uri, table } = await realTable(people(0, 100));
    await table.add(people(100, 10));
    await table.delete('id = 7 OR id = 101');
    await index(uri, { wanted: [{ column: 'id' }] });
    const fresh = await freshOf(uri, 1);
    const old = await readdir(join(uri, folder));
    await supersede(table);
    for (const file of old) await rm(join(uri, folder, file));
    expect(await latest(uri)).not.toMatchObject({ version: fresh.version });
    expect(await check(uri, fresh)).toEqual({ kind: 'moved' });
  });

  test('whose table was dropped, or made anew under its name with as many versions', async () => {
    const { uri, connection, fresh } = await two();
    await connection.dropTable('t');
    expect(await check(uri, fresh)).toEqual({ kind: 'moved' });
    const table = await connection.createTable('t', people(0, 50));
    await index(uri, { wanted: [{ column: 'id' }] });
    expect((await latest(uri)).version).toBe(fresh.version);
    expect(await check(uri, fresh)).toEqual({ kind: 'moved' });
    table.close();
  });

  test('whose table goes while it is asked', async () => {
    const { uri, connection, fresh } = await two();
    const lance = new LanceTable(localStore(uri));
    const at = lance.at.bind(lance);
    let looks = 0;
    lance.at = async (version) => {
      const manifest = await at(version);
      looks += 1;
      if (looks === 1) await connection.dropTable('t');
      return manifest;
    };
    const scratchDir = await tempDir();
    expect(await checkFresh(lance, fresh, { samples: 5, seed: 1, scratchDir })).toEqual({ kind: 'moved' });
  });
});

test('a segment whose files cannot be read is an error, and no wrong answer', async () => {
  const { uri } = await realTable(people(0, 100));
  await index(uri, { wanted: [{ column: 'id' }] });
  const fresh = await freshOf(uri, 1);
  await rm(join(uri, '_indices', fresh.uuids[0] as string), { recursive: true });
  await expect(check(uri, fresh)).rejects.toThrow();
});

test('segments of row addresses are proven on a table with stable row ids', async () => {
  const { uri, table } = await realTable(people(0, 100), { stableRowIds: true });
  await index(uri, { wanted: [{ column: 'id' }], stableRowIds: 'addresses' });
  await table.add(people(100, 100));
  await index(uri, { stableRowIds: 'addresses' });
  const fresh = await freshOf(uri, 1);
  await table.update({ where: 'id >= 150', values: { name: 'changed' } });
  expect(await check(uri, fresh)).toMatchObject(RIGHT);
});

test('so are segments of stable row ids, which are rebuilt whole', async () => {
  const { uri, table } = await realTable(people(0, 100), { stableRowIds: true });
  await index(uri, { wanted: [{ column: 'id' }], stableRowIds: 'rebuild' });
  await table.add(people(100, 100));
  await table.update({ where: 'id >= 50 AND id < 120', values: { name: 'changed' } });
  await index(uri, { wanted: [{ column: 'id' }], stableRowIds: 'rebuild' });
  const fresh = await freshOf(uri, 1);
  await table.delete('id < 30');
  expect(await check(uri, fresh)).toMatchObject(RIGHT);
});
