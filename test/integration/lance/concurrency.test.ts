import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Index } from '@lancedb/lancedb';
import { expect, test } from 'vitest';
import { inspectTable } from '../../../src/lance/inspect/inspect.ts';
import { LanceTable } from '../../../src/lance/table/table.ts';
import { localStore } from '../../../src/store/local-store.ts';
import { idsWhere, index, latest, realTable } from '../../../testing/lance-table.ts';
import { people } from './people.ts';

const WRITER = fileURLToPath(new URL('./append-writer.ts', import.meta.url));
const [BATCHES, ROWS] = [12, 50];

/** Bitmaps of one index name share no fragment: no engine repairs them when they do. */
async function expectDisjoint(uri: string): Promise<void> {
  const { indexes } = await latest(uri);
  for (const name of new Set(indexes.map((it) => it.name))) {
    const ids = indexes.filter((it) => it.name === name).flatMap(({ fragments }) => [...(fragments ?? [])]);
    expect(new Set(ids).size).toBe(ids.length);
  }
}

async function expectCovered(uri: string, rows: number): Promise<void> {
  const facts = await inspectTable(new LanceTable(localStore(uri)));
  expect(facts).toMatchObject({ rows, declined: null });
  for (const it of facts.indexes) expect(it).toMatchObject({ coverage: 1, missing_fragments: 0, covered_rows: rows });
}

test('three processes append while this one catches up: nothing is lost, all is covered, nothing twice', async () => {
  const { table, uri, database } = await realTable(people(0, ROWS));
  await table.createIndex('id', { config: Index.btree() });
  await table.createIndex('name', { config: Index.btree() });
  let writing = true;
  const writers = Promise.all(
    [1, 2, 3].map((number) =>
      promisify(execFile)(process.execPath, [WRITER, database, `${number * 10_000}`, `${BATCHES}`, `${ROWS}`]),
    ),
  ).finally(() => {
    writing = false;
  });
  let segments = 0;
  while (writing) {
    segments += (await index(uri)).segments.length;
    await expectDisjoint(uri);
  }
  await writers;
  segments += (await index(uri)).segments.length;
  expect(segments).toBeGreaterThan(0);
  const rows = ROWS + 3 * BATCHES * ROWS;
  await expectCovered(uri, rows);
  await expectDisjoint(uri);
  expect(await table.countRows()).toBe(rows);
  const expected = [0, 10_000, 20_000, 30_000].flatMap((first) =>
    Array.from({ length: first === 0 ? ROWS : BATCHES * ROWS }, (_, at) => first + at),
  );
  expect(await idsWhere(table, 'id >= 0')).toEqual(expected);
  for (const id of [0, 10_000, 10_599, 20_333, 30_599]) expect(await idsWhere(table, `id = ${id}`)).toEqual([id]);
});

test('several that catch up at once end with every fragment covered once', async () => {
  const { table, uri } = await realTable(people(0, ROWS));
  await table.createIndex('id', { config: Index.btree() });
  for (let batch = 1; batch <= 8; batch++) await table.add(people(batch * ROWS, ROWS));
  const limits = { maxRows: ROWS, maxFragments: 1 };
  await Promise.all([1, 2, 3].map(() => index(uri, { limits })));
  await expectCovered(uri, 9 * ROWS);
  await expectDisjoint(uri);
  expect(await idsWhere(table, `id = ${8 * ROWS}`)).toEqual([8 * ROWS]);
});

test('compaction and deletes beside it leave right answers and full coverage', async () => {
  const { table, uri } = await realTable(people(0, ROWS));
  await table.createIndex('id', { config: Index.btree() });
  let done = false;
  const changing = (async () => {
    for (let batch = 1; batch <= 10; batch++) {
      await table.add(people(batch * ROWS, ROWS));
      await table.delete(`id = ${batch * ROWS}`);
      // Lance gives up its compaction when an index was committed meanwhile; the next one gets through.
      if (batch % 3 === 0) await table.optimize().catch(() => undefined);
    }
    done = true;
  })();
  while (!done) await index(uri);
  await changing;
  await index(uri);
  await expectCovered(uri, 11 * ROWS - 10);
  await expectDisjoint(uri);
  const expected = Array.from({ length: 11 * ROWS }, (_, id) => id).filter((id) => id === 0 || id % ROWS !== 0);
  expect(await idsWhere(table, 'id >= 0')).toEqual(expected);
});
