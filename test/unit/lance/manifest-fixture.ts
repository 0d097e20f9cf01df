/** Manifests and their parts made from scratch, with nothing of the code under test: bytes as Lance's grammar has them. */
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { RoaringBitmap32 } from 'roaring-wasm';
import type { BuiltSegment } from '../../../src/lance/segment.ts';

/** A field and its value: numbers are varints (negative ones of ten bytes), all else is length-delimited. */
export type WireField = readonly [field: number, value: number | bigint | string | Uint8Array];

/** A protobuf message of the given fields, in the given order. */
export function message(...fields: readonly WireField[]): Uint8Array {
  const writer = new BinaryWriter();
  for (const [field, value] of fields) {
    if (typeof value === 'string') writer.tag(field, WireType.LengthDelimited).string(value);
    else if (value instanceof Uint8Array) writer.tag(field, WireType.LengthDelimited).bytes(value);
    else if (value < 0) writer.tag(field, WireType.Varint).int64(value);
    else writer.tag(field, WireType.Varint).uint64(value);
  }
  return writer.finish();
}

export function bitmap(...ids: readonly number[]): Uint8Array {
  const roaring = new RoaringBitmap32(ids);
  try {
    return roaring.serialize('portable').slice();
  } finally {
    roaring.dispose();
  }
}

/** The bytes of a uuid that ends in `number`, or is given whole, and how it is written. */
export function uuidBytes(number: number | string): Uint8Array {
  if (typeof number === 'string') return Buffer.from(number.replaceAll('-', ''), 'hex');
  const bytes = new Uint8Array(16);
  new DataView(bytes.buffer).setUint32(12, number);
  return bytes;
}
export const uuidText = (number: number | string) =>
  typeof number === 'string' ? number : `00000000-0000-0000-0000-0000${number.toString(16).padStart(8, '0')}`;

export const DATA_FILE_BYTES = 1000;

export type FileSpec = { path: string; fields?: number[]; columns?: number[]; baseId?: number; minor?: number };

export function dataFile({ path, fields = [0], columns = fields.map((_, at) => at), baseId, minor = 2 }: FileSpec) {
  const packed = (values: readonly number[]) => {
    const writer = new BinaryWriter();
    for (const value of values) writer.int32(value);
    return writer.finish();
  };
  const base: WireField[] = baseId === undefined ? [] : [[7, baseId]];
  return message(
    [1, path],
    [2, packed(fields)],
    [3, packed(columns)],
    [4, 2],
    [5, minor],
    [6, DATA_FILE_BYTES],
    ...base,
  );
}

export type FragmentSpec = { id: number; rows?: number; files?: FileSpec[]; deleted?: number; more?: WireField[] };

/** A DataFragment; `deleted` of 0 is a deletion file without a count. */
export function fragment({ id, rows = 100, files, deleted, more = [] }: FragmentSpec): Uint8Array {
  const list = files ?? [{ path: `f${id}.lance`, fields: [0, 1] }];
  return message(
    ...(id === 0 ? [] : [[1, id] as const]),
    ...list.map((file) => [2, dataFile(file)] as const),
    ...(deleted === undefined ? [] : [[3, message([1, 1], [2, 1], [3, 77], [4, deleted])] as const]),
    ...(rows === 0 ? [] : [[4, rows] as const]),
    ...more,
  );
}

export type FieldSpec = { id: number; name: string; parent?: number; type?: string };

export const schemaField = ({ id, name, parent = -1, type = 'int64' }: FieldSpec) =>
  message([1, 2], [2, name], [3, id], [4, parent], [5, type], [6, 1]);

export const BTREE_DETAILS = message([1, '/lance.table.BTreeIndexDetails'], [2, '']);

export type IndexSpec = {
  uuid: number | string;
  name?: string;
  fields?: number[];
  version?: number;
  fragments?: readonly number[] | null;
  details?: Uint8Array | null;
  indexVersion?: number;
  more?: WireField[];
};

export function indexEntry(spec: IndexSpec): Uint8Array {
  const {
    uuid,
    name = 'id_idx',
    fields = [0],
    version = 1,
    fragments = [0],
    details = BTREE_DETAILS,
    indexVersion = 0,
    more = [],
  } = spec;
  return message(
    [1, message([1, uuidBytes(uuid)])],
    ...fields.map((field) => [2, field] as const),
    [3, name],
    [4, version],
    ...(fragments ? [[5, bitmap(...fragments)] as const] : []),
    ...(details ? [[6, details] as const] : []),
    [7, indexVersion],
    [8, 1_700_000_000_000],
    ...more,
  );
}

export type ManifestSpec = {
  version?: number;
  schema?: readonly FieldSpec[];
  fragments?: readonly (FragmentSpec | Uint8Array)[];
  indexes?: readonly (IndexSpec | Uint8Array)[];
  readerFlags?: bigint;
  writerFlags?: bigint;
  writer?: readonly [library: string, version: string] | null;
  dataFormat?: string | null;
  transaction?: Uint8Array;
  transactionFile?: string;
  /** Further fields of the manifest message, at its end. */
  more?: readonly WireField[];
  /** Further fields of the index section, at its end. */
  moreIndexes?: readonly WireField[];
};

const SCHEMA: readonly FieldSpec[] = [
  { id: 0, name: 'id' },
  { id: 1, name: 'name', type: 'string' },
];

/** A whole manifest file. Everything left out is what a plain table of two columns has. */
export function manifestFile(spec: ManifestSpec = {}): Uint8Array {
  const {
    version = 1,
    schema = SCHEMA,
    fragments = [{ id: 0 }],
    writer = ['lance', '12.0.0'],
    dataFormat = '2.2',
  } = spec;
  const entries = (spec.indexes ?? []).map((it) => [1, it instanceof Uint8Array ? it : indexEntry(it)] as const);
  const sections = [message(...entries, ...(spec.moreIndexes ?? [])), ...(spec.transaction ? [spec.transaction] : [])];
  const manifest = message(
    ...schema.map((field) => [1, schemaField(field)] as const),
    ...fragments.map((it) => [2, it instanceof Uint8Array ? it : fragment(it)] as const),
    [3, version],
    [6, 0],
    [7, message([1, 1_700_000_000], [2, 250_000_000])],
    [9, spec.readerFlags ?? 0n],
    [10, spec.writerFlags ?? 0n],
    ...(spec.transactionFile === undefined ? [] : [[12, spec.transactionFile] as const]),
    ...(writer ? [[13, message([1, writer[0]], [2, writer[1]])] as const] : []),
    ...(dataFormat === null ? [] : [[15, message([1, 'lance'], [2, dataFormat])] as const]),
    ...(spec.transaction ? [[21, 4 + (sections[0]?.length ?? 0)] as const] : []),
    ...(spec.more ?? []),
  );
  return container([...sections, manifest]);
}

/** Sections one after the other, each with its length, and the footer that points at the last one. */
export function container(sections: readonly Uint8Array[]): Uint8Array {
  const parts: Buffer[] = [];
  let [size, last] = [0, 0];
  for (const section of sections) {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(section.length);
    parts.push(length, Buffer.from(section));
    last = size;
    size += 4 + section.length;
  }
  const footer = Buffer.alloc(16);
  footer.writeBigUInt64LE(BigInt(last));
  footer.writeUInt16LE(2, 10);
  footer.write('LANC', 12, 'latin1');
  return new Uint8Array(Buffer.concat([...parts, footer]));
}

/** A segment as the builder hands it over; nothing on disk. */
export function builtSegment(fragments: readonly number[], more: Partial<BuiltSegment> = {}): BuiltSegment {
  return {
    index: 'id_idx',
    kind: 'btree',
    parameters: {},
    fieldId: 0,
    column: 'id',
    fragments: Uint32Array.from(fragments),
    rows: 100 * fragments.length,
    uuid: uuidText(0xbeef),
    metadata: indexEntry({ uuid: 0xbeef, name: 'id_idx', fragments }),
    files: [{ path: 'page_data.lance', bytes: 3 }],
    folder: '/nowhere',
    buildMs: 1,
    ...more,
  };
}
