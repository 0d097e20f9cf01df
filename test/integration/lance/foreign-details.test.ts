/** Entries that a table may have and segmentd has not made: details of other writers, and bytes that are no details at all. */
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { expect, test } from 'vitest';
import type { IndexMetadata } from '../../../src/lance/codec/index-metadata.ts';
import { decodeIndexMetadata } from '../../../src/lance/codec/index-metadata.ts';
import { withoutFields } from '../../../src/lance/codec/manifest.ts';
import { verifyTable } from '../../../src/lance/inspect/verify-table.ts';
import { kindOf } from '../../../src/lance/plan/index-kind.ts';
import { surveyIndexes } from '../../../src/lance/plan/index-plan.ts';
import { LanceTable } from '../../../src/lance/table/table.ts';
import { localStore } from '../../../src/store/local-store.ts';
import { KIND_COLUMNS, kindRows, MIN_ROWS } from '../../../testing/kind-rows.ts';
import { index, latest, realTable } from '../../../testing/lance-table.ts';
import { seeded } from '../../../testing/seeded.ts';
import { forgeEntries } from '../../interop/forge.ts';

const SEED = 14;

function withDetails({ raw, typeUrl }: IndexMetadata, value: Uint8Array): Uint8Array {
  const details = new BinaryWriter().tag(6, WireType.LengthDelimited).fork();
  details.tag(1, WireType.LengthDelimited).string(typeUrl);
  details.tag(2, WireType.LengthDelimited).bytes(value).join();
  return Buffer.concat([...withoutFields(raw, new Set([6])), details.finish()]);
}

const OTHERS = KIND_COLUMNS.filter(({ kind }) => kind !== 'btree');

/** What a newer writer may say. Of details that are no message at all, LanceDB answers no query where they are those of a full-text index. */
const UNKNOWN = new BinaryWriter().tag(99, WireType.Varint).uint64(1).finish();

/** What is no message, and messages that no kind knows. */
function strangeValues(): Uint8Array[] {
  const random = seeded(SEED);
  const bytes = (count: number) => Uint8Array.from({ length: count }, () => Math.floor(random() * 256));
  const given = [
    [0x0a],
    [0x0a, 0x05, 1],
    [0x08],
    [0x0b],
    [0x0f],
    [0x00],
    [0x08, ...Array(11).fill(0xff)],
    [0x09, 1],
    [0x0d, 1],
  ];
  return [
    UNKNOWN,
    ...given.map((it) => Uint8Array.from(it)),
    ...Array.from({ length: 200 }, (_, at) => bytes(1 + (at % 40))),
  ];
}

const strange = (column: string, value: Uint8Array) => (entry: IndexMetadata) =>
  entry.name === `${column}_idx` ? decodeIndexMetadata(withDetails(entry, value)) : entry;

// Which kind of vector index one is, its details say too.
const code = expect.stringMatching(/^index_parameters_unknown$|^index_kind_unsupported$/);

test('details that are not known leave their index alone, and no other', async () => {
  const { uri } = await realTable(kindRows(0, 40));
  await index(uri, { wanted: KIND_COLUMNS, minRows: MIN_ROWS });
  const manifest = await latest(uri);
  for (const value of strangeValues()) {
    for (const { column } of KIND_COLUMNS) {
      const indexes = manifest.indexes.map(strange(column, value));
      const of = `${column}: ${value}`;
      const { served, left } = surveyIndexes({ ...manifest, indexes }, 'existing');
      expect(served.length, of).toBe(KIND_COLUMNS.length - 1);
      expect(left, of).toMatchObject([{ name: `${column}_idx`, reason: { code } }]);
    }
  }
});

test('the others of such a table are kept fresh, and verified', async () => {
  const { uri, table } = await realTable(kindRows(0, 40));
  await index(uri, { wanted: KIND_COLUMNS, minRows: MIN_ROWS });
  for (const { column } of OTHERS) {
    await forgeEntries(uri, `${column}_idx`, (entry) => [withDetails(entry, UNKNOWN)]);
  }
  await table.add(kindRows(40, 40));
  const { segments } = await index(uri);
  expect(segments.map((it) => it.index)).toEqual(['id_idx', 'name_idx']);
  const { left } = surveyIndexes(await latest(uri), 'existing');
  expect(left.map(({ name }) => name)).toEqual(OTHERS.map(({ column }) => `${column}_idx`));
  const { findings } = await verifyTable(new LanceTable(localStore(uri)), 5);
  expect(findings).toEqual([]);
});

test('details that are no message at all make the index section unreadable for Lance too', async () => {
  const { uri, table } = await realTable(kindRows(0, 40));
  await index(uri, { wanted: KIND_COLUMNS, minRows: MIN_ROWS });
  const varint = new BinaryWriter().tag(6, WireType.Varint).uint64(1).finish();
  await forgeEntries(uri, 'color_idx', ({ raw }) => [Buffer.concat([...withoutFields(raw, new Set([6])), varint])]);
  await expect(index(uri)).rejects.toMatchObject({ code: 'table_unreadable' });
  await expect(table.listIndices()).rejects.toThrow(/decode/);
});

test('a kind that the column cannot have is an error of its table', async () => {
  const { uri } = await realTable(kindRows(0, 40));
  for (const [column, kind] of [
    ['id', 'label_list'],
    ['tags', 'bitmap'],
    ['tags', 'btree'],
    ['id', 'fm'],
    ['tags', 'fm'],
  ] as const) {
    await expect(index(uri, { wanted: [{ column, kind }] })).rejects.toMatchObject({ code: 'column_type_unsupported' });
  }
});

test('a name belongs to one kind, a column may have several', async () => {
  const { uri, table } = await realTable(kindRows(0, 40));
  await index(uri, { wanted: [{ column: 'color', name: 'mine', kind: 'bitmap' }] });
  const other = { column: 'color', name: 'mine', kind: 'btree' } as const;
  await expect(index(uri, { wanted: [other] })).rejects.toMatchObject({ code: 'index_name_taken' });
  const both = [
    { column: 'color', kind: 'bitmap' },
    { column: 'color', kind: 'fm' },
  ] as const;
  await index(uri, { wanted: both });
  await table.add(kindRows(40, 40));
  await index(uri, { wanted: both });
  const { indexes } = await latest(uri);
  expect(indexes.map((it) => [it.name, kindOf(it)?.name])).toEqual([
    ['mine', 'bitmap'],
    ['color_idx', 'fm'],
    ['mine', 'bitmap'],
    ['color_idx', 'fm'],
  ]);
});
