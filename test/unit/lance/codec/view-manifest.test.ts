import { expect, test } from 'vitest';
import { entryInView } from '../../../../src/lance/codec/index-metadata.ts';
import { parseManifest } from '../../../../src/lance/codec/manifest.ts';
import { manifestMessageOf } from '../../../../src/lance/codec/manifest-file.ts';
import type { ViewManifest } from '../../../../src/lance/codec/view-manifest.ts';
import { encodeViewManifest } from '../../../../src/lance/codec/view-manifest.ts';
import { copyFields } from '../../../../src/lance/codec/wire.ts';
import type { ManifestSpec } from '../manifest-fixture.ts';
import { fragment, manifestFile, message, uuidText } from '../manifest-fixture.ts';

const ONLY = fragment({ id: 2, files: [{ path: 'x', baseId: 1 }] });

const tableOf = (more: ManifestSpec = {}) =>
  parseManifest(manifestFile({ version: 12, fragments: [{ id: 1 }, { id: 2 }], indexes: [{ uuid: 1 }], ...more }));

const viewOf = (table: ReturnType<typeof tableOf>, more: Partial<ViewManifest> = {}) => {
  const parts = encodeViewManifest(table, {
    fragments: [ONLY],
    fields: new Set(table.schema.map(({ id }) => id)),
    keepsRowIds: true,
    base: { id: 1, path: '/db/t.lance' },
    timestampMs: 5000,
    ...more,
  });
  return new Uint8Array(Buffer.concat(parts));
};

const fieldsIn = (file: Uint8Array, ...fields: number[]) =>
  fields.map((field) => copyFields(manifestMessageOf(file), (it) => it === field).length > 0);

test('a view holds the given fragments and one base, and says nothing about what it leaves out', () => {
  const table = tableOf({
    readerFlags: 1n,
    writerFlags: 1n | 8n | 32n,
    transaction: message([2, 'theirs']),
    transactionFile: 'x.txn',
    more: [
      [8, 'tag'],
      [11, 41],
      [14, 900],
      [16, message([1, 'lance.auto_cleanup.interval'], [2, '1'])],
      [19, message([1, 'k'], [2, 'v'])],
      [20, 'branch'],
      [70, 'new'],
    ],
  });
  const file = viewOf(table);
  const view = parseManifest(file);
  expect(view).toMatchObject({
    version: 1,
    timestampMs: 5000,
    schema: table.schema,
    dataFormat: '2.2',
    writer: table.writer,
    basePaths: [{ id: 1, path: '/db/t.lance', isTableRoot: true }],
    readerFlags: 17n,
    writerFlags: 17n,
    indexes: [],
    transaction: null,
    transactionFile: '',
  });
  expect(Buffer.from(view.fragments.bytesOf(0))).toEqual(Buffer.from(ONLY));
  expect(view.fragments.length).toBe(1);
  expect(fieldsIn(file, 4, 6, 8, 16, 19, 20, 21, 23)).toEqual(Array(8).fill(false));
  expect(fieldsIn(file, 11, 14, 70)).toEqual([true, true, true]);
});

test('a view has the columns that are looked at, in their order, and no others', () => {
  const schema = [
    { id: 4, name: 'a', type: 'struct' },
    { id: 5, name: 'b', parent: 4 },
    { id: 9, name: 'tz', type: 'timestamp:us:+05:30' },
    { id: 0, name: 'id' },
  ];
  const view = parseManifest(viewOf(tableOf({ schema }), { fields: new Set([0, 4, 5]) }));
  expect(view.schema.map(({ name, id, parentId }) => [name, id, parentId])).toEqual([
    ['a', 4, -1],
    ['b', 5, 4],
    ['id', 0, -1],
  ]);
});

test('a view of row addresses does not say that rows have ids, in either flag word, nor which is next', () => {
  const flags = { readerFlags: 3n, writerFlags: 3n | 8n, more: [[14, 900] as const] };
  const [kept, cut] = [true, false].map((keepsRowIds) => viewOf(tableOf(flags), { keepsRowIds }));
  const flagsOf = (file: Uint8Array | undefined) => {
    const { readerFlags, writerFlags } = parseManifest(file as Uint8Array);
    return [readerFlags, writerFlags];
  };
  expect([flagsOf(kept), fieldsIn(kept as Uint8Array, 14)]).toEqual([[19n, 19n], [true]]);
  expect([flagsOf(cut), fieldsIn(cut as Uint8Array, 14)]).toEqual([[17n, 17n], [false]]);
});

test('a view that is to be asked has entries, which lie in the table and record what the view calls a row id', () => {
  const table = tableOf({
    indexes: [
      { uuid: 1, indexVersion: 1 },
      { uuid: 2, more: [[9, 7]] },
    ],
  });
  const { indexes } = parseManifest(
    viewOf(table, { keepsRowIds: false, entries: table.indexes.map((index) => entryInView(index, 1, 0)) }),
  );
  expect(indexes.map(({ uuid, indexVersion, baseId }) => [uuid, indexVersion, baseId])).toEqual([
    [uuidText(1), 0, 1],
    [uuidText(2), 0, 7],
  ]);
});
