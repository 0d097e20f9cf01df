/**
 * The index entries of a shallow clone name a base, the table that it was made from, where their files lie. They were looked for in
 * the clone alone, so that `verify` told of missing files while every query worked.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { verifyTable } from '../../src/lance/inspect/verify-table.ts';
import { LanceTable } from '../../src/lance/table/table.ts';
import { localStore } from '../../src/store/local-store.ts';
import { digests, idsWhere, index, latest, realClone, realTable, usesIndex } from '../../testing/lance-table.ts';
import { people } from '../../testing/people.ts';

const verify = (uri: string) => verifyTable(new LanceTable(localStore(uri)), 5);

async function indexed(): Promise<string> {
  const { uri } = await realTable(people(0, 100));
  await index(uri, { wanted: [{ column: 'id' }] });
  return uri;
}

test('the files of a clone are found in the table that it was made from', async () => {
  const source = await indexed();
  const { uri } = await realClone(source);
  expect((await latest(uri)).indexes.map(({ baseId }) => baseId)).toEqual([expect.any(Number)]);
  expect(await verify(uri)).toMatchObject({ segments: 1, files: 2, findings: [] });
});

test('what is missing there is named by its whole path', async () => {
  const source = await indexed();
  const { uri } = await realClone(source);
  const [segment] = (await latest(uri)).indexes;
  const file = join(source, '_indices', segment?.uuid ?? '', 'page_data.lance');
  await rm(file);
  const { findings } = await verify(uri);
  expect(findings.map(({ code }) => code)).toEqual(['file_missing', 'query_failed']);
  expect(findings[0]?.message).toContain(file);
});

test('a clone is served in its own folder, and the table that it was made from stays as it is', async () => {
  const source = await indexed();
  const before = await digests(source);
  const { theirs, uri } = await realClone(source);
  await theirs.add(people(100, 50));
  await index(uri);
  await theirs.checkoutLatest();
  expect((await latest(uri)).indexes.map(({ baseId }) => baseId === null)).toEqual([false, true]);
  expect(await verify(uri)).toMatchObject({ segments: 2, findings: [] });
  expect([await idsWhere(theirs, 'id IN (7, 120)'), await usesIndex(theirs, 'id IN (7, 120)')]).toEqual([
    [7, 120],
    true,
  ]);
  expect(await digests(source)).toEqual(before);
});
