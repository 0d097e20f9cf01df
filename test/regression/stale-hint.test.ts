/** segmentd leaves no version hint on a disk: a writer of Lance finds the versions of segmentd without one, and with one that stayed far behind. */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect, Index } from '@lancedb/lancedb';
import { expect, test } from 'vitest';
import { catchUp } from '../../src/commands/tables/catch-up.ts';
import { lanceSegmentBuilder } from '../../src/lance/engine/segment-builder.ts';
import { LanceTable } from '../../src/lance/table/table.ts';
import { localStore } from '../../src/store/local-store.ts';
import { CATCH_UP, idsWhere, realTable, usesIndex } from '../../testing/lance-table.ts';
import { people } from '../../testing/people.ts';
import { tempDir } from '../../testing/temp-dir.ts';

test.each([
  ['that another writer left', undefined],
  ['that is far behind', '{"version":1}'],
  ['that is not there', null],
])('a writer with an old view of the table commits on top, with a hint %s', async (_name, hint) => {
  const { table: theirs, database, uri } = await realTable(people(0, 10));
  await theirs.createIndex('id', { config: Index.btree() });
  const old = await (await connect(database)).openTable('t');
  const table = new LanceTable(localStore(uri));
  const builder = lanceSegmentBuilder(await tempDir());
  for (const from of [10, 20, 30]) {
    await theirs.add(people(from, 10));
    await catchUp(table, builder, CATCH_UP);
    await theirs.checkoutLatest();
  }
  const file = join(uri, '_versions', 'latest_version_hint.json');
  if (hint === null) await rm(file);
  else if (hint !== undefined) await writeFile(file, hint);
  const { version: before } = await table.latest();
  await old.add(people(40, 10));
  const { version: after } = await table.latest();
  expect(after).toBe(before + 1);
  const reader = await (await connect(database)).openTable('t');
  expect(await reader.version()).toBe(after);
  expect(await reader.countRows()).toBe(50);
  for (const id of [5, 15, 25, 35, 45]) expect(await idsWhere(reader, `id = ${id}`)).toEqual([id]);
  expect(await usesIndex(reader, 'id = 25')).toBe(true);
});
