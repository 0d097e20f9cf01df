/**
 * One DataFragment in full, for the few fragments that a build or a conflict check looks at.
 *
 *   DataFile = 1 path · 2 { field id } · 3 { column index } · 4 major · 5 minor · 6 size · 7 base_id
 */
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { Cursor, copyFields } from './wire.ts';

type DataFile = {
  readonly path: string;
  readonly fields: readonly number[];
  readonly columns: readonly number[];
  readonly major: number;
  readonly minor: number;
  /** Its size, or 0 where the writer did not say. */
  readonly bytes: number;
  readonly baseId: number | undefined;
};

export type DataFragment = {
  readonly id: number;
  readonly files: readonly DataFile[];
  /** The DeletionFile message, or null when no row is deleted. */
  readonly deletions: Uint8Array | null;
  /** Row ids kept in a file of the table: a fragment view could not find it. */
  readonly hasExternalRowIds: boolean;
};

export function decodeDataFragment(message: Uint8Array): DataFragment {
  const files: DataFile[] = [];
  let id = 0;
  let deletions: Uint8Array | null = null;
  let hasExternalRowIds = false;
  const cursor = new Cursor(message);
  while (cursor.next()) {
    if (cursor.field === 1) id = cursor.varint();
    else if (cursor.field === FILES) files.push(decodeDataFile(cursor.message()));
    else if (cursor.field === DELETION_FILE) deletions = cursor.slice();
    else {
      if (cursor.field === EXTERNAL_ROW_IDS) hasExternalRowIds = true;
      cursor.skip();
    }
  }
  return { id, files, deletions, hasExternalRowIds };
}

function decodeDataFile(cursor: Cursor): DataFile {
  const fields: number[] = [];
  const columns: number[] = [];
  const file = { path: '', major: 0, minor: 0, bytes: 0, baseId: undefined as number | undefined };
  while (cursor.next()) {
    if (cursor.field === 1) file.path = cursor.string();
    else if (cursor.field === 2) cursor.int32s(fields);
    else if (cursor.field === 3) cursor.int32s(columns);
    else if (cursor.field === 4) file.major = cursor.varint();
    else if (cursor.field === 5) file.minor = cursor.varint();
    else if (cursor.field === 6) file.bytes = cursor.varint();
    else if (cursor.field === 7) file.baseId = cursor.varint();
    else cursor.skip();
  }
  return { ...file, fields, columns };
}

/**
 * The name of a fragment's deletion file in its folder, and its base.
 *
 *   DeletionFile = 1 file_type (0 Arrow, 1 bitmap) · 2 read_version · 3 id · 4 num_deleted_rows · 7 base_id
 */
export function decodeDeletionFile(message: Uint8Array, fragment: number): Pick<DataFile, 'baseId'> & { file: string } {
  let [extension, version, id] = ['arrow', 0n, 0n];
  let baseId: number | undefined;
  const cursor = new Cursor(message);
  while (cursor.next()) {
    if (cursor.field === 1) extension = cursor.varint() === 1 ? 'bin' : 'arrow';
    else if (cursor.field === 2) version = cursor.varint64();
    else if (cursor.field === 3) id = cursor.varint64();
    else if (cursor.field === 7) baseId = cursor.varint();
    else cursor.skip();
  }
  return { file: `${fragment}-${version}-${id}.${extension}`, baseId };
}

/**
 * Identifies where a fragment keeps one field: equal strings mean that the same bytes back it (lance-format 4.3). `lineage` is the
 * field and what holds it, from the nearest on: of a packed struct a data file lists the struct alone. Null when no file lists any
 * of them, which says nothing about the bytes, not even beside another null.
 */
export function fieldSource({ files }: DataFragment, lineage: readonly number[]): string | null {
  for (const fieldId of lineage) {
    const file = files.find(({ fields }) => fields.includes(fieldId));
    if (!file) continue;
    const column = file.columns[file.fields.indexOf(fieldId)] ?? null;
    return JSON.stringify([file.path, file.baseId ?? null, column, file.major, file.minor]);
  }
  return null;
}

/** Stands in a file's field list where a column was rewritten into another file. */
const TOMBSTONE = -2;

/**
 * Whether the fragment shows that a field, given with what holds it as above, may have been rewritten in place: a column was
 * tombstoned, or the field does not lie in the first file, the only one that no rewrite adds. In a fragment of one file nothing was
 * added; a field that it lacks was left out when the rows were appended.
 */
export function showsRewrite({ files }: DataFragment, lineages: readonly (readonly number[])[]): boolean {
  if (files.some((file) => file.fields.includes(TOMBSTONE))) return true;
  const later = files.slice(1);
  if (later.length === 0) return false;
  return lineages.some((lineage) => {
    const nearest = lineage.find((field) => isListed(files, field));
    return nearest === undefined || isListed(later, nearest);
  });
}

const isListed = (files: readonly DataFile[], field: number) => files.some((file) => file.fields.includes(field));

const FILES = 2;
const DELETION_FILE = 3;
const BASE_ID = 7;
const INLINE_ROW_IDS = 5;
const EXTERNAL_ROW_IDS = 6;

const isRowIds = (field: number) => field === INLINE_ROW_IDS || field === EXTERNAL_ROW_IDS;

/** Version sequences (7 to 10): a view has one version, so they would say nothing, and Lance cannot read them by base path. */
const isVersionSequence = (field: number) => field >= 7 && field <= 10;

/**
 * The fragment as a fragment view lists it: every file that lies in the table itself points there through `baseId`; files
 * that already have a base keep it. All else stays byte for byte; stable row ids only when `keepsRowIds`.
 */
export function rebaseFragment(message: Uint8Array, baseId: number, keepsRowIds: boolean): Uint8Array {
  const writer = new BinaryWriter();
  const cursor = new Cursor(message);
  while (cursor.next()) {
    if (cursor.field === FILES || cursor.field === DELETION_FILE) {
      writer.tag(cursor.field, WireType.LengthDelimited).bytes(withBaseId(cursor.slice(), baseId));
    } else {
      cursor.skip();
      if (!isVersionSequence(cursor.field) && (keepsRowIds || !isRowIds(cursor.field))) writer.raw(cursor.rawField());
    }
  }
  return writer.finish();
}

function withBaseId(file: Uint8Array, baseId: number): Uint8Array {
  if (copyFields(file, (field) => field === BASE_ID).length > 0) return file;
  return new BinaryWriter().raw(file).tag(BASE_ID, WireType.Varint).uint32(baseId).finish();
}
