import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { spliceManifest } from '../../../../src/lance/codec/manifest.ts';
import { isMaintained } from '../../../../src/lance/plan/index-kind.ts';
import { LanceTable } from '../../../../src/lance/table/table.ts';
import { localStore } from '../../../../src/store/local-store.ts';
import type { IndexSpec } from '../manifest-fixture.ts';
import { manifestFile, message, uuidText } from '../manifest-fixture.ts';
import { tableFolder } from '../table-fixture.ts';

const BARE: IndexSpec = { uuid: 1, details: null };
const FILES = ['page_lookup.lance', 'page_data.lance'];
const named = (names: readonly string[]) => names.map((name) => [10, message([1, name], [2, 1])] as const);

/** A table with this index entry, and these files in the folder of its index. */
async function tableWith(entry: IndexSpec, names: readonly string[] = []) {
  const folder = await tableFolder({ indexes: [entry, { uuid: 2, name: 'name_idx', fields: [1] }] });
  const place = join(folder.root, '_indices', uuidText(entry.uuid));
  if (names.length > 0) await mkdir(place, { recursive: true });
  for (const name of names) await writeFile(join(place, name), 'x');
  let listings = 0;
  const store = localStore(folder.root);
  const counting = {
    ...store,
    list: (key: string) => {
      if (key.startsWith('_indices')) listings += 1;
      return store.list(key);
    },
  };
  return { folder, table: new LanceTable(counting), listings: () => listings };
}

const kinds = async (table: LanceTable) => (await table.latest()).indexes.map(isMaintained);

test('an entry without details is what the files say that it lists', async () => {
  const { table, listings } = await tableWith({ ...BARE, more: [...named(FILES)] });
  expect([await kinds(table), listings()]).toEqual([[true, true], 0]);
});

test('where it lists none, it is what the files in its folder say, and the folder is listed once', async () => {
  const { folder, table, listings } = await tableWith(BARE, FILES);
  expect([await kinds(table), listings()]).toEqual([[true, true], 1]);
  await folder.write({ version: 2, indexes: [BARE] });
  expect([await kinds(table), listings()]).toEqual([[true], 1]);
  expect((await table.at(1))?.indexes.map(isMaintained)).toEqual([true, true]);
});

test.each<[string, string[]]>([
  ['of an inverted index', ['metadata.lance', 'tokens.lance']],
  ['of a bitmap index', ['bitmap_page_lookup.lance']],
  ['of a vector index', ['index.idx']],
  ['that are not there', []],
])('it is no BTREE by files %s', async (_name, names) => {
  expect(await kinds((await tableWith(BARE, names)).table)).toEqual([false, true]);
});

test('it is looked for below the base that it names', async () => {
  const { folder: source } = await tableWith(BARE, FILES);
  const base = message([1, 4], [3, 1], [4, source.root]);
  const clone = await tableFolder({ indexes: [{ ...BARE, more: [[9, 4]] }], more: [[18, base]] });
  expect(await kinds(new LanceTable(localStore(clone.root)))).toEqual([true]);
});

test('what was inferred is not written: the entry stays as it is', async () => {
  const { table } = await tableWith(BARE, FILES);
  const manifest = await table.latest();
  const next = spliceManifest(manifest, {
    version: 2,
    timestampMs: 0,
    writer: { library: 'test', version: '1' },
    transaction: new Uint8Array(),
    transactionFile: '',
    added: [],
    removed: new Set(),
  });
  const entries = Buffer.from(manifestFile({ indexes: [BARE] }));
  expect(manifest.indexes[0]?.raw.length).toBeGreaterThan(0);
  expect(entries.includes(Buffer.from(manifest.indexes[0]?.raw ?? []))).toBe(true);
  expect(Buffer.concat(next).includes(Buffer.from(manifest.indexes[0]?.raw ?? []))).toBe(true);
});
