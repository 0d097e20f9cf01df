import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ownUuid } from '../../../../src/lance/codec/own-uuid.ts';
import { surveyIndexes } from '../../../../src/lance/plan/index-plan.ts';
import { LanceTable } from '../../../../src/lance/table/table.ts';
import { SegmentdError } from '../../../../src/lib/errors.ts';
import { localStore } from '../../../../src/store/local-store.ts';
import { invertedDetails, PLAIN_TEXT } from '../inverted-fixture.ts';
import { lanceFile } from '../lance-file-fixture.ts';
import type { IndexSpec } from '../manifest-fixture.ts';
import { message, uuidText } from '../manifest-fixture.ts';
import { tableFolder } from '../table-fixture.ts';

const [FIRST, SECOND, OWN] = [1, 2, ownUuid()];
const segment = (uuid: number | string, fragments: number[], more: Partial<IndexSpec> = {}): IndexSpec => ({
  ...{ uuid, fragments, name: 'name_idx', fields: [1], details: invertedDetails(), indexVersion: 2 },
  ...more,
});
const BTREE: IndexSpec = { uuid: 9 };
const FRAGMENTS = [{ id: 0 }, { id: 1 }, { id: 2 }];

/** A table with these entries, and the stop words in the files of segments, by their uuids. */
async function tableWith(indexes: readonly IndexSpec[], words: readonly (readonly [number | string, string[]?])[]) {
  const folder = await tableFolder({ fragments: FRAGMENTS, indexes });
  await write(folder.root, words);
  const reads: string[] = [];
  const failure: { code?: 'store_denied' | 'store_unavailable' } = {};
  const store = localStore(folder.root);
  const counting = {
    ...store,
    async read(key: string) {
      if (key.endsWith('metadata.lance')) {
        reads.push(key);
        if (failure.code) throw new SegmentdError(failure.code, 'not now');
      }
      return store.read(key);
    },
  };
  return { folder, table: new LanceTable(counting), reads, failure };
}

async function write(root: string, words: readonly (readonly [number | string, string[]?])[]) {
  for (const [uuid, custom_stop_words = null] of words) {
    await mkdir(join(root, '_indices', uuidText(uuid)), { recursive: true });
    const file = lanceFile({ params: JSON.stringify({ ...PLAIN_TEXT, custom_stop_words }) });
    await writeFile(join(root, '_indices', uuidText(uuid), 'metadata.lance'), file);
  }
}

const survey = async (table: LanceTable) => {
  const { served, left } = surveyIndexes(await table.latest(), 'existing');
  return [...served.map(({ name, parameters }) => [name, parameters]), ...left.map((it) => [it.name, it.reason.code])];
};

test('what the file of a segment says is part of the parameters of its index', async () => {
  const { table } = await tableWith([BTREE, segment(FIRST, [0])], [[FIRST, ['le']]]);
  expect(await survey(table)).toEqual([
    ['id_idx', {}],
    ['name_idx', { ...PLAIN_TEXT, custom_stop_words: ['le'] }],
  ]);
});

test('it is read once for each segment of another writer, and of our own for the first of its name', async () => {
  const indexes = [segment(FIRST, [0]), segment(OWN, [1]), segment(SECOND, [2])];
  const { folder, table, reads } = await tableWith(indexes, [[FIRST], [SECOND], [OWN]]);
  await table.latest();
  expect(new Set(reads)).toEqual(new Set([FIRST, SECOND].map((uuid) => `_indices/${uuidText(uuid)}/metadata.lance`)));
  expect(reads).toHaveLength(2);
  await folder.write({ version: 2, fragments: FRAGMENTS, indexes: indexes.slice(1) });
  expect(await survey(table)).toEqual([['name_idx', PLAIN_TEXT]]);
  expect(reads).toHaveLength(3);
  await table.at(1);
  expect(reads).toHaveLength(3);
});

test('a table without such an index pays nothing', async () => {
  const { table, reads } = await tableWith([BTREE], []);
  const { indexes } = await table.latest();
  expect([reads, indexes.map(({ fileParameters }) => fileParameters)]).toEqual([[], [undefined]]);
});

test('segments with other stop words are named, and the other indexes are served', async () => {
  const { table } = await tableWith([BTREE, segment(FIRST, [0]), segment(SECOND, [1])], [[FIRST], [SECOND, ['le']]]);
  expect(await survey(table)).toEqual([
    ['id_idx', {}],
    ['name_idx', 'index_parameters_mixed'],
  ]);
});

test('a file that is not there, or may not be read, declines its index and no other, for as long', async () => {
  const { folder, table, failure } = await tableWith([BTREE, segment(FIRST, [0])], []);
  const left = [
    ['id_idx', {}],
    ['name_idx', 'index_parameters_unknown'],
  ];
  expect(await survey(table)).toEqual(left);
  await write(folder.root, [[FIRST]]);
  failure.code = 'store_denied';
  await folder.write({ version: 2, indexes: [BTREE, segment(FIRST, [0])] });
  expect(await survey(table)).toEqual(left);
  delete failure.code;
  await folder.write({ version: 3, indexes: [BTREE, segment(FIRST, [0])] });
  expect(await survey(table)).toEqual([
    ['id_idx', {}],
    ['name_idx', PLAIN_TEXT],
  ]);
});

test('a store that does not answer is asked again', async () => {
  const { table, failure } = await tableWith([BTREE, segment(FIRST, [0])], [[FIRST]]);
  failure.code = 'store_unavailable';
  await expect(table.latest()).rejects.toThrow('not now');
  delete failure.code;
  expect(await survey(table)).toHaveLength(2);
});

test('a commit that landed has landed, whether or not the file can be read', async () => {
  const { folder, table, failure } = await tableWith([BTREE], [[FIRST]]);
  await table.latest();
  const next = await tableFolder({ version: 2, fragments: FRAGMENTS, indexes: [BTREE, segment(FIRST, [0])] });
  const file = await new LanceTable(localStore(next.root)).manifestFile(2);
  failure.code = 'store_unavailable';
  await table.landed(2, file as Uint8Array, 'tag');
  delete failure.code;
  await folder.write({ version: 2, fragments: FRAGMENTS, indexes: [BTREE, segment(FIRST, [0])] });
  expect(await survey(table)).toEqual([
    ['id_idx', {}],
    ['name_idx', PLAIN_TEXT],
  ]);
});

test('it is looked for below the base that the entry names', async () => {
  const source = await tableWith([segment(FIRST, [0])], [[FIRST, ['le']]]);
  const base = message([1, 4], [3, 1], [4, source.folder.root]);
  const clone = await tableFolder({ indexes: [segment(FIRST, [0], { more: [[9, 4]] })], more: [[18, base]] });
  expect(await survey(new LanceTable(localStore(clone.root)))).toEqual([
    ['name_idx', { ...PLAIN_TEXT, custom_stop_words: ['le'] }],
  ]);
  const lost = await tableFolder({ indexes: [segment(FIRST, [0], { more: [[9, 5]] })] });
  expect(await survey(new LanceTable(localStore(lost.root)))).toEqual([['name_idx', 'index_parameters_unknown']]);
});
