/** Kinds beside the BTREE on tables that differ from the usual one: stable row ids, V1 names of manifests, files in another table. */
import { join } from 'node:path';
import type { Table } from '@lancedb/lancedb';
import { connect } from '@lancedb/lancedb';
import { expect, onTestFinished, test } from 'vitest';
import { verifyTable } from '../../../src/lance/inspect/verify-table.ts';
import { kindOf } from '../../../src/lance/plan/index-kind.ts';
import { surveyIndexes } from '../../../src/lance/plan/index-plan.ts';
import { LanceTable } from '../../../src/lance/table/table.ts';
import { localStore } from '../../../src/store/local-store.ts';
import { answerOf, KIND_COLUMNS, kindRows, MIN_ROWS } from '../../../testing/kind-rows.ts';
import { kindUnderTest } from '../../../testing/kinds.ts';
import { digests, index, latest, realClone, realTable } from '../../../testing/lance-table.ts';
import { tempDir } from '../../../testing/temp-dir.ts';

const OTHERS = KIND_COLUMNS.filter(({ kind }) => kind !== 'btree');
const BTREES = KIND_COLUMNS.filter(({ kind }) => kind === 'btree');
const namesOf = (columns: typeof KIND_COLUMNS) => columns.map(({ column }) => `${column}_idx`);

async function makeIndexes(table: Table, columns = KIND_COLUMNS): Promise<void> {
  for (const { column, kind } of columns) await table.createIndex(column, { config: kindUnderTest(kind).make() });
}

/** Every index answers as a scan does, about old rows and fresh ones. */
async function expectRight(table: Table, uri: string, ids: readonly number[]): Promise<void> {
  await table.checkoutLatest();
  for (const column of KIND_COLUMNS) {
    for (const id of ids) {
      const { asked, indexed, scanned, usesIndex } = await answerOf(table, column, id);
      expect([asked, usesIndex, indexed]).toEqual([asked, true, scanned]);
    }
  }
  expect((await verifyTable(new LanceTable(localStore(uri)), 5)).findings).toEqual([]);
}

test.each(['rebuild', 'addresses'] as const)(
  'on stable row ids they are left alone by name, and BTREEs are kept: %s',
  async (stableRowIds) => {
    const { uri, table } = await realTable(kindRows(0, 40), { stableRowIds: true });
    // LanceDB's own record row ids, segmentd's row addresses.
    if (stableRowIds === 'rebuild') await makeIndexes(table, BTREES);
    else await index(uri, { wanted: BTREES, stableRowIds });
    await table.checkoutLatest();
    await makeIndexes(table, OTHERS);
    await table.add(kindRows(40, 40));
    const { segments } = await index(uri, { stableRowIds, minRows: MIN_ROWS });
    expect(segments.map((it) => it.index)).toEqual(['id_idx', 'name_idx']);
    const { left } = surveyIndexes(await latest(uri), 'existing');
    expect(left.map(({ name, reason }) => [name, reason.code])).toEqual(
      namesOf(OTHERS).map((name) => [name, 'table_stable_row_ids']),
    );
    await expect(index(uri, { wanted: OTHERS.slice(0, 1) })).rejects.toMatchObject({ code: 'table_stable_row_ids' });
    await table.checkoutLatest();
    for (const column of KIND_COLUMNS) {
      const { asked, indexed, scanned } = await answerOf(table, column, 50);
      expect(indexed, asked).toEqual(scanned);
    }
  },
);

test('manifests with V1 names', async () => {
  const database = await tempDir();
  const connection = await connect(database, { readConsistencyInterval: 0 });
  const storageOptions = { new_table_enable_v2_manifest_paths: 'false' };
  const table = await connection.createTable('t', kindRows(0, 40), { storageOptions });
  onTestFinished(() => {
    table.close();
    connection.close();
  });
  const uri = join(database, 't.lance');
  await index(uri, { wanted: KIND_COLUMNS, minRows: MIN_ROWS });
  await table.add(kindRows(40, 40));
  expect((await index(uri, { minRows: MIN_ROWS })).segments.map((it) => it.index)).toEqual(namesOf(KIND_COLUMNS));
  await expectRight(table, uri, [7, 50]);
});

test('a shallow clone, whose first segments of each kind lie in the table that it was made from', async () => {
  const { uri: source, table } = await realTable(kindRows(0, 40));
  await makeIndexes(table);
  const before = await digests(source);
  const { theirs, uri } = await realClone(source);
  await theirs.add(kindRows(40, 40));
  expect((await index(uri, { minRows: MIN_ROWS })).segments.map((it) => it.index)).toEqual(namesOf(KIND_COLUMNS));
  const { indexes } = await latest(uri);
  for (const { column, kind } of KIND_COLUMNS) {
    const own = indexes.filter(({ name }) => name === `${column}_idx`);
    expect(own.map((it) => [kindOf(it)?.name, it.baseId === null])).toEqual([
      [kind, false],
      [kind, true],
    ]);
  }
  await expectRight(theirs, uri, [7, 50]);
  expect(await digests(source)).toEqual(before);
});
