/**
 * One entry of the index section.
 *
 *   IndexMetadata = 1 uuid { 1 bytes } · 2 { field id } · 3 name · 4 dataset_version · 5 fragment_bitmap · 6 details (Any)
 *                   7 index_version · 8 created_at, milliseconds · 9 base_id · 10 { file { 1 path, 2 size } } · 11 { covering field }
 *
 * An existing entry is only ever copied as bytes. A new one is what LanceDB's builder wrote, with the few fields replaced
 * that differ between the fragment view and the table.
 */
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { SegmentdError } from '../../lib/errors.ts';
import type { IndexParameters } from '../../lib/index-kinds.ts';
import { sameBytes } from '../../lib/same-bytes.ts';
import { decodeFragmentBitmap, encodeFragmentBitmap } from './fragment-bitmap.ts';
import { Cursor, copyFields } from './wire.ts';

export type IndexFile = { readonly path: string; readonly bytes: number };

export type IndexMetadata = {
  /** The message as it stands in the manifest. */
  readonly raw: Uint8Array;
  readonly uuid: string;
  readonly fields: readonly number[];
  readonly name: string;
  readonly datasetVersion: number;
  /** Sorted ids, or null when the entry has no bitmap, which means "unknown". */
  readonly fragments: Uint32Array | null;
  /** Of the details, or what an entry without any was inferred to be; else empty. */
  readonly typeUrl: string;
  /** The details as they stand in the entry, tag included; empty when it has none. */
  readonly details: Uint8Array;
  /** Of the format of its files and of what they record about a row; 0 where the entry does not say. */
  readonly indexVersion: number;
  readonly createdAtMs: number | null;
  /** Which base of the manifest holds its files, or null when the table itself does. */
  readonly baseId: number | null;
  readonly files: readonly IndexFile[];
  readonly hasCoveringFields: boolean;
  /** Of a kind whose details do not say all; absent while its file has not been read. */
  readonly fileParameters?: FileParameters;
};

/** What a file of a segment says that it was built with, or why that cannot be told, as a sentence. */
export type FileParameters = { readonly values: IndexParameters } | { readonly unknown: string };

/** Entries of old or handmade builds have none. Lance reads them, but lists no such index, and takes no second segment beside one. */
export function hasDetails({ details }: Pick<IndexMetadata, 'details'>): boolean {
  return details.length > 0;
}

const utf8 = new TextDecoder();

export function formatUuid(bytes: Uint8Array): string {
  if (bytes.length !== 16) {
    throw new SegmentdError('table_index_unreadable', `an index uuid has ${bytes.length} bytes instead of 16`);
  }
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
  const text = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  // In one piece: the string as it was put together would keep all its parts, which are ten times its size.
  return Buffer.from(text, 'latin1').toString('latin1');
}

export function decodeIndexMetadata(raw: Uint8Array): IndexMetadata {
  const fields: number[] = [];
  const files: IndexFile[] = [];
  const index = {
    uuid: '',
    name: '',
    datasetVersion: 0,
    typeUrl: '',
    details: new Uint8Array(0) as Uint8Array,
    fragments: null as Uint32Array | null,
    indexVersion: 0,
    createdAtMs: null as number | null,
    baseId: null as number | null,
    hasCoveringFields: false,
  };
  const cursor = new Cursor(raw);
  while (cursor.next()) {
    switch (cursor.field) {
      case 1:
        index.uuid = formatUuid(bytesField(cursor.message(), 1));
        break;
      case 2:
        cursor.int32s(fields);
        break;
      case 3:
        index.name = cursor.string();
        break;
      case 4:
        index.datasetVersion = cursor.varint();
        break;
      case 5:
        index.fragments = idsOf(cursor.slice());
        break;
      case 6:
        index.typeUrl = utf8.decode(bytesField(cursor.message(), 1));
        index.details = cursor.rawField();
        break;
      case 7:
        index.indexVersion = cursor.varint();
        break;
      case 8:
        index.createdAtMs = cursor.varint();
        break;
      case 9:
        index.baseId = cursor.varint();
        break;
      case 10:
        files.push(decodeIndexFile(cursor.message()));
        break;
      case 11:
        index.hasCoveringFields = true;
        cursor.skip();
        break;
      default:
        cursor.skip();
    }
  }
  if (index.uuid === '') throw new SegmentdError('table_index_unreadable', `index "${index.name}" has no uuid`);
  return { ...index, raw, fields, files };
}

/** `known`, which has the same bytes in another manifest, over those of this one: nothing of the other file is held on to. */
function over(raw: Uint8Array, { fileParameters: _, ...known }: IndexMetadata): IndexMetadata {
  const at = known.details.byteOffset - known.raw.byteOffset;
  return { ...known, raw, details: raw.subarray(at, at + known.details.length) };
}

/** How far entries may have moved from one manifest to the next: a merge takes some away. */
const LOOK_AHEAD = 64;

/**
 * Decodes entries in the order of a manifest. Most are the same, byte for byte, as in `previous`, those of an older manifest of the table, and
 * are not decoded again: with hundreds of segments that would take longer than the rest of a commit.
 */
export function indexDecoder(previous: readonly IndexMetadata[] = []): (raw: Uint8Array) => IndexMetadata {
  let next = 0;
  return (raw) => {
    for (let at = next; at < Math.min(previous.length, next + LOOK_AHEAD); at++) {
      const known = previous[at] as IndexMetadata;
      // What stands for details that are lacking was not in the bytes.
      if (!sameBytes(known.raw, raw) || !hasDetails(known)) continue;
      next = at + 1;
      return over(raw, known);
    }
    return decodeIndexMetadata(raw);
  };
}

const idsOf = (bitmap: Uint8Array) => (bitmap.length === 0 ? null : decodeFragmentBitmap(bitmap));

function bytesField(cursor: Cursor, field: number): Uint8Array {
  let value: Uint8Array = new Uint8Array(0);
  while (cursor.next()) {
    if (cursor.field === field) value = cursor.slice();
    else cursor.skip();
  }
  return value;
}

function decodeIndexFile(cursor: Cursor): IndexFile {
  const file = { path: '', bytes: 0 };
  while (cursor.next()) {
    if (cursor.field === 1) file.path = cursor.string();
    else if (cursor.field === 2) file.bytes = cursor.varint();
    else cursor.skip();
  }
  return file;
}

/** What the table decides about a segment; everything else is kept as the builder wrote it. */
export type SegmentIdentity = {
  readonly name: string;
  /** Version whose manifest the build read. */
  readonly datasetVersion: number;
  /** Ids the segment may answer for; not empty. */
  readonly fragments: ArrayLike<number> & Iterable<number>;
  readonly createdAtMs: number;
  /** Instead of the builder's. */
  readonly indexVersion?: number | undefined;
  /** Details of the segments the index already has: all of one name must agree, or listing indexes fails for the table. */
  readonly details: Uint8Array | null;
  /** Both files with their exact sizes: a wrong size makes queries fail. */
  readonly files: readonly IndexFile[];
};

const NAME = 3;
const DATASET_VERSION = 4;
const FRAGMENT_BITMAP = 5;
const DETAILS = 6;
const INDEX_VERSION = 7;
const CREATED_AT = 8;
const BASE_ID = 9;
const FILES = 10;
const COVERING_FIELDS = 11;
const REPLACED = new Set([NAME, DATASET_VERSION, FRAGMENT_BITMAP, CREATED_AT, BASE_ID, FILES, COVERING_FIELDS]);

/** The entry to commit: `built` (as the builder wrote it) under the identity it has in the table. */
export function encodeSegment(built: Uint8Array, identity: SegmentIdentity): Uint8Array {
  if (identity.fragments.length === 0) {
    throw new SegmentdError('internal', `refusing to write a segment of "${identity.name}" that covers nothing`);
  }
  const writer = new BinaryWriter();
  const { indexVersion } = identity;
  const keeps = (field: number) =>
    !REPLACED.has(field) &&
    !(field === DETAILS && identity.details) &&
    !(field === INDEX_VERSION && indexVersion !== undefined);
  for (const kept of copyFields(built, keeps)) writer.raw(kept);
  if (identity.details) writer.raw(identity.details);
  if (indexVersion !== undefined) writer.tag(INDEX_VERSION, WireType.Varint).int32(indexVersion);
  writer.tag(NAME, WireType.LengthDelimited).string(identity.name);
  writer.tag(DATASET_VERSION, WireType.Varint).uint64(identity.datasetVersion);
  writer.tag(FRAGMENT_BITMAP, WireType.LengthDelimited).bytes(encodeFragmentBitmap(identity.fragments));
  writer.tag(CREATED_AT, WireType.Varint).uint64(identity.createdAtMs);
  for (const file of identity.files) {
    writer.tag(FILES, WireType.LengthDelimited).fork();
    writer.tag(1, WireType.LengthDelimited).string(file.path);
    writer.tag(2, WireType.Varint).uint64(file.bytes).join();
  }
  return writer.finish();
}

/** An entry of the table as a view lists it: its files lie in the base, and it may be of another version there. */
export function entryInView(
  { raw, baseId }: Pick<IndexMetadata, 'raw' | 'baseId'>,
  viewBaseId: number,
  indexVersion: number,
): Uint8Array {
  const writer = new BinaryWriter();
  for (const kept of copyFields(raw, (field) => field !== INDEX_VERSION && field !== BASE_ID)) writer.raw(kept);
  writer.tag(INDEX_VERSION, WireType.Varint).int32(indexVersion);
  return writer
    .tag(BASE_ID, WireType.Varint)
    .uint32(baseId ?? viewBaseId)
    .finish();
}

/** An entry that claims other fragments. */
export function overFragments(raw: Uint8Array, fragments: readonly number[]): Uint8Array {
  const writer = new BinaryWriter();
  for (const kept of copyFields(raw, (field) => field !== FRAGMENT_BITMAP)) writer.raw(kept);
  return writer.tag(FRAGMENT_BITMAP, WireType.LengthDelimited).bytes(encodeFragmentBitmap(fragments)).finish();
}
