/** Distributed builds that were committed by hand before lance 8: their entries have no details, and Lance infers the kind. */

import { dirname } from 'node:path';
import { connect } from '@lancedb/lancedb';
import { expect, test } from 'vitest';
import { PYLANCE_VERSIONS } from '../../testing/pylance.ts';
import { answersOf, tablesOfPylance } from './pylance-table.ts';
import type { TableUnderTest } from './table-under-test.ts';
import { named, PLAIN } from './tables.ts';

const newTable = tablesOfPylance(PYLANCE_VERSIONS.oldest);
const FILTERS = ['id = 50', 'id = 250', 'id >= 150'];

/** Three fragments, two of them indexed by hand. */
async function handmade(): Promise<TableUnderTest | undefined> {
  const table = await newTable();
  if (!table) return;
  await table.create(PLAIN, 0, 100);
  for (const start of [100, 200]) await table.append('pylance', start, 100);
  await table.ask('handmade_index', { column: 'id', fragments: [0, 1] });
  return table;
}

const details = async (table: TableUnderTest) =>
  (await table.open().latest()).indexes.map((it) => it.details.length > 0);

test.each([
  ['as an index that is there', 'existing' as const],
  ['as the index of its column', named(['id'])],
])('an index without details is served %s', async (_name, wanted) => {
  const table = await handmade();
  if (!table) return;
  expect(await details(table)).toEqual([false]);
  const { segments } = await table.catchUp(wanted);
  expect(segments.map(({ index, fragments }) => [index, Array.from(fragments)])).toEqual([['id_idx', [0, 1, 2]]]);
  expect(await answersOf(table, FILTERS)).toEqual([
    'id = 50: 1 by index, 1 by scan',
    'id = 250: 1 by index, 1 by scan',
    'id >= 150: 150 by index, 150 by scan',
  ]);
  expect([await details(table), await table.ask('listed'), await table.findings()]).toEqual([[true], ['id_idx'], []]);
});

test('rows can still be merged by its column, which Lance refuses beside a second segment', async () => {
  const table = await handmade();
  if (!table) return;
  await table.catchUp('existing');
  await table.ask('merge_insert', { start: 250, count: 100 });
  const connection = await connect(dirname(table.uri));
  const lancedb = await connection.openTable('rows');
  expect((await lancedb.listIndices()).map(({ name }) => name)).toEqual(['id_idx']);
  expect(await lancedb.countRows('id >= 250')).toBe(100);
  lancedb.close();
  connection.close();
});

test('one that misses nothing is reported by verify, and left alone', async () => {
  const table = await handmade();
  if (!table) return;
  await table.ask('delete', { where: 'id >= 200' });
  const { segments } = await table.catchUp('existing');
  expect(segments).toEqual([]);
  expect((await table.findings()).map((it) => it.split(':', 1)[0])).toEqual(['details_missing']);
});
