/**
 * A manifest, read as a view over its file, and the next one, spliced from it.
 *
 *   Manifest = 1 { Field } · 2 { DataFragment } · 3 version · 4 aux offset · 6 index section offset · 7 timestamp · 8 tag
 *              9 reader flags · 10 writer flags · 11 max_fragment_id · 12 transaction_file · 13 writer_version
 *              14 next_row_id · 15 data_format · 16 { config } · 18 { BasePath } · 19 table_metadata · 20 branch · 21, 23 transaction section offset
 *
 * 4, 6, 21 and 23 are offsets into the file they stand in: copied into another file they would point at foreign bytes, so
 * they are always cut and only 6 and 21 are written anew. Whatever is not named here travels byte for byte.
 */
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { SegmentdError } from '../../lib/errors.ts';
import type { FragmentList, FragmentSpans } from './fragments.ts';
import { scanFragments } from './fragments.ts';
import type { IndexMetadata } from './index-metadata.ts';
import { indexDecoder } from './index-metadata.ts';
import { manifestFileWriter, manifestMessageOf, sectionAt } from './manifest-file.ts';
import type { SchemaField } from './schema-field.ts';
import { decodeSchemaField } from './schema-field.ts';
import type { TransactionHead } from './transaction.ts';
import { decodeTransactionHead } from './transaction.ts';
import { Cursor } from './wire.ts';

/** Another place for files of the table: the root of a table, or a folder that holds the files themselves. */
export type BasePath = { readonly id: number; readonly path: string; readonly isTableRoot: boolean };
export type WriterVersion = { readonly library: string; readonly version: string };

export type Manifest = {
  readonly file: Uint8Array;
  readonly message: Uint8Array;
  /** The message without the fields that every commit replaces, as the fewest possible views. */
  readonly kept: readonly Uint8Array[];
  /** What readers trust, whatever the file is called. */
  readonly version: number;
  readonly timestampMs: number;
  readonly schema: readonly SchemaField[];
  readonly fragments: FragmentList;
  /** High-water mark of fragment ids, or null in a table that never had one. */
  readonly maxFragmentId: number | null;
  readonly readerFlags: bigint;
  readonly writerFlags: bigint;
  readonly writer: WriterVersion | null;
  /** Version of the data file format, such as `2.2`, or null in tables too old to say. */
  readonly dataFormat: string | null;
  readonly basePaths: readonly BasePath[];
  /** Settings that Lance keeps with the table, such as `lance.auto_cleanup.interval`. */
  readonly config: ReadonlyMap<string, string>;
  readonly indexes: readonly IndexMetadata[];
  /** The index section message, for copying. */
  readonly indexSection: Uint8Array;
  readonly transactionFile: string;
  /** The inlined transaction, if there is one. */
  readonly transaction: TransactionHead | null;
  /** What builds have found out about its fragments, of which no manifest tells. */
  readonly barren?: BarrenFragments;
};

/**
 * By the name of an index, fragments in which the engine found too little to build a segment over, such as vectors that are all null, each as
 * it stood in the manifest: an id may come to mean other rows, as when a table is overwritten or a column is written anew.
 */
export type BarrenFragments = ReadonlyMap<string, ReadonlyMap<number, Uint8Array>>;

/** The fragments of this manifest that were found barren for the index, and are what they were then. */
export function barrenFragments({ barren, fragments }: Manifest, index: string): ReadonlySet<number> {
  const noted = [...(barren?.get(index) ?? [])];
  return new Set(
    noted.flatMap(([id, bytes]) => {
      const at = fragments.indexOf(id);
      return at >= 0 && Buffer.compare(fragments.bytesOf(at), bytes) === 0 ? id : [];
    }),
  );
}

/** Numbers of the fields. */
export const F = {
  schema: 1,
  fragments: 2,
  version: 3,
  versionAuxData: 4,
  indexSection: 6,
  timestamp: 7,
  tag: 8,
  readerFlags: 9,
  writerFlags: 10,
  maxFragmentId: 11,
  transactionFile: 12,
  writerVersion: 13,
  nextRowId: 14,
  dataFormat: 15,
  config: 16,
  basePaths: 18,
  transactionSection: 21,
  transactionSectionNew: 23,
} as const;

/** Fields of the manifest that every commit writes anew or leaves out. */
export const REPLACED: ReadonlySet<number> = new Set([
  ...[F.version, F.versionAuxData, F.indexSection, F.timestamp, F.tag, F.transactionFile, F.writerVersion],
  ...[F.transactionSection, F.transactionSectionNew],
]);

/**
 * Parses a manifest file. What it has in common with `previous`, an older manifest of the table, is not scanned again.
 * Errors: table_unreadable, table_index_unreadable.
 */
export function parseManifest(file: Uint8Array, previous?: Manifest): Manifest {
  const message = manifestMessageOf(file);
  const draft = emptyDraft();
  const kept: Uint8Array[] = [];
  let keptFrom = 0;
  const cursor = new Cursor(message);
  while (cursor.next()) {
    if (cursor.field === F.fragments) addFragment(cursor, draft, previous);
    else readField(cursor, draft);
    if (!REPLACED.has(cursor.field)) continue;
    if (cursor.fieldStart > keptFrom) kept.push(message.subarray(keptFrom, cursor.fieldStart));
    keptFrom = cursor.pos;
  }
  if (cursor.pos > keptFrom) kept.push(message.subarray(keptFrom, cursor.pos));
  const { spans, known, indexOffset, transactionOffset, ...seen } = draft;
  const indexSection = indexOffset === null ? new Uint8Array(0) : sectionAt(file, indexOffset, 'index');
  const transaction = transactionOffset === null ? null : sectionAt(file, transactionOffset, 'transaction');
  return {
    ...seen,
    file,
    message,
    kept,
    fragments: scanFragments(message, spans, known),
    indexSection,
    indexes: decodeIndexSection(indexSection, previous),
    transaction: transaction && decodeTransactionHead(transaction),
  };
}

type Draft = ReturnType<typeof emptyDraft>;

function emptyDraft() {
  return {
    schema: [] as SchemaField[],
    basePaths: [] as BasePath[],
    config: new Map<string, string>(),
    spans: { starts: [], ends: [], listStart: 0, listEnd: null, contiguous: true } as FragmentSpans,
    /** Fragments of an older manifest that this one begins with. */
    known: undefined as FragmentList | undefined,
    indexOffset: null as number | null,
    transactionOffset: null as number | null,
    version: 0,
    timestampMs: 0,
    readerFlags: 0n,
    writerFlags: 0n,
    maxFragmentId: null as number | null,
    writer: null as WriterVersion | null,
    dataFormat: null as string | null,
    transactionFile: '',
  };
}

function addFragment(cursor: Cursor, draft: Draft, previous?: Manifest): void {
  const { spans } = draft;
  if (spans.listEnd === null) {
    spans.listStart = cursor.fieldStart;
    if (previous?.fragments.isPrefixOf(cursor.bytes, cursor.fieldStart)) {
      draft.known = previous.fragments;
      cursor.pos = spans.listEnd = previous.fragments.end as number;
      return;
    }
  } else if (cursor.fieldStart !== spans.listEnd) spans.contiguous = false;
  const end = cursor.enter();
  spans.starts.push(cursor.pos);
  spans.ends.push(end);
  cursor.pos = spans.listEnd = end;
}

function readField(cursor: Cursor, draft: Draft): void {
  switch (cursor.field) {
    case F.schema:
      draft.schema.push(decodeSchemaField(cursor.message()));
      break;
    case F.version:
      draft.version = cursor.varint();
      break;
    case F.indexSection:
      draft.indexOffset = cursor.varint();
      break;
    case F.timestamp:
      draft.timestampMs = decodeTimestamp(cursor.message());
      break;
    case F.readerFlags:
      draft.readerFlags = cursor.varint64();
      break;
    case F.writerFlags:
      draft.writerFlags = cursor.varint64();
      break;
    case F.maxFragmentId:
      draft.maxFragmentId = cursor.varint();
      break;
    case F.transactionFile:
      draft.transactionFile = cursor.string();
      break;
    case F.writerVersion: {
      const [library, version] = decodeStrings(cursor.message());
      draft.writer = { library, version };
      break;
    }
    case F.dataFormat:
      draft.dataFormat = decodeStrings(cursor.message())[1];
      break;
    case F.config:
      draft.config.set(...decodeStrings(cursor.message()));
      break;
    case F.basePaths:
      draft.basePaths.push(decodeBasePath(cursor.message()));
      break;
    case F.transactionSection:
    case F.transactionSectionNew:
      draft.transactionOffset = cursor.varint();
      break;
    default:
      cursor.skip();
  }
}

function decodeTimestamp(cursor: Cursor): number {
  let ms = 0;
  while (cursor.next()) {
    if (cursor.field === 1) ms += cursor.varint() * 1000;
    else if (cursor.field === 2) ms += Math.floor(cursor.varint() / 1e6);
    else cursor.skip();
  }
  return ms;
}

/** The strings of fields 1 and 2: the shape of WriterVersion, of DataStorageFormat and of an entry of a map. */
function decodeStrings(cursor: Cursor): [string, string] {
  const strings: [string, string] = ['', ''];
  while (cursor.next()) {
    if (cursor.field === 1 || cursor.field === 2) strings[cursor.field - 1] = cursor.string();
    else cursor.skip();
  }
  return strings;
}

function decodeBasePath(cursor: Cursor): BasePath {
  const base = { id: 0, path: '', isTableRoot: false };
  while (cursor.next()) {
    if (cursor.field === 1) base.id = cursor.varint();
    else if (cursor.field === 3) base.isTableRoot = cursor.varint() !== 0;
    else if (cursor.field === 4) base.path = cursor.string();
    else cursor.skip();
  }
  return base;
}

const INDICES = 1;

function decodeIndexSection(section: Uint8Array, previous?: Manifest): IndexMetadata[] {
  const indexes: IndexMetadata[] = [];
  const decode = indexDecoder(previous?.indexes);
  const cursor = new Cursor(section);
  while (cursor.next()) {
    if (cursor.field === INDICES) indexes.push(decode(cursor.slice()));
    else cursor.skip();
  }
  return indexes;
}

/** What a commit of segmentd changes in a manifest; everything else is the previous manifest's. */
export type ManifestChange = {
  readonly version: number;
  readonly timestampMs: number;
  readonly writer: WriterVersion;
  /** The encoded Transaction, inlined. */
  readonly transaction: Uint8Array;
  /** Name under `_transactions/`, or empty when the table disables transaction files. */
  readonly transactionFile: string;
  readonly added: readonly AddedIndex[];
  /** Uuids of the entries to remove. */
  readonly removed: ReadonlySet<string>;
};

type AddedIndex = {
  /** Encoded IndexMetadata. */
  readonly entry: Uint8Array;
  /**
   * Uuid of a removed entry, whose position it takes; without one it goes to the end. Lance's optimize rewrites the last
   * entry of a name (lance-format 5.4), which should be a small one.
   */
  readonly replacesEntry?: string | undefined;
};

/** The file of the next manifest as parts to write one after the other; unchanged bytes are views of the previous file. */
export function spliceManifest(previous: Manifest, change: ManifestChange): Uint8Array[] {
  if (change.version !== previous.version + 1) {
    throw new SegmentdError('internal', `version ${change.version} cannot follow ${previous.version}`);
  }
  const file = manifestFileWriter();
  const indexOffset = file.section(nextIndexSection(previous, change));
  const transactionOffset = file.section([change.transaction]);
  const tail = new BinaryWriter();
  tail.tag(F.version, WireType.Varint).uint64(change.version);
  tail.tag(F.indexSection, WireType.Varint).uint64(indexOffset);
  writeTimestamp(tail.tag(F.timestamp, WireType.LengthDelimited), change.timestampMs);
  if (change.transactionFile) tail.tag(F.transactionFile, WireType.LengthDelimited).string(change.transactionFile);
  tail.tag(F.writerVersion, WireType.LengthDelimited).fork();
  tail.tag(1, WireType.LengthDelimited).string(change.writer.library);
  tail.tag(2, WireType.LengthDelimited).string(change.writer.version).join();
  tail.tag(F.transactionSection, WireType.Varint).uint64(transactionOffset);
  return file.finish([...previous.kept, tail.finish()]);
}

/** What stays is a few views, however many entries it is: nearly all of them stay. */
function nextIndexSection({ indexSection, indexes }: Manifest, { added, removed }: ManifestChange): Uint8Array[] {
  const parts: Uint8Array[] = [];
  const placed = new Set<AddedIndex>();
  const cursor = new Cursor(indexSection);
  let keptFrom = 0;
  const keepTo = (end: number) => {
    if (end > keptFrom) parts.push(indexSection.subarray(keptFrom, end));
  };
  let entries = 0;
  while (cursor.next()) {
    cursor.skip();
    if (cursor.field !== INDICES) continue;
    const uuid = indexes[entries]?.uuid;
    entries += 1;
    const instead = uuid === undefined ? [] : added.filter(({ replacesEntry }) => replacesEntry === uuid);
    const isKept = uuid === undefined || !removed.has(uuid);
    if (isKept && instead.length === 0) continue;
    keepTo(cursor.fieldStart);
    for (const it of instead) {
      placed.add(it);
      parts.push(indexField(it));
    }
    keptFrom = isKept ? cursor.fieldStart : cursor.pos;
  }
  keepTo(cursor.pos);
  if (entries !== indexes.length)
    throw new SegmentdError('internal', `${entries} entries were read as ${indexes.length}`);
  return [...parts, ...added.filter((it) => !placed.has(it)).map(indexField)];
}

const indexField = ({ entry }: AddedIndex) =>
  new BinaryWriter().tag(INDICES, WireType.LengthDelimited).bytes(entry).finish();

/** `message` without the given top-level fields, as the fewest possible views. */
export function withoutFields(message: Uint8Array, fields: ReadonlySet<number>): Uint8Array[] {
  const parts: Uint8Array[] = [];
  const cursor = new Cursor(message);
  let keptFrom = 0;
  while (cursor.next()) {
    cursor.skip();
    if (!fields.has(cursor.field)) continue;
    if (cursor.fieldStart > keptFrom) parts.push(message.subarray(keptFrom, cursor.fieldStart));
    keptFrom = cursor.pos;
  }
  if (cursor.pos > keptFrom) parts.push(message.subarray(keptFrom, cursor.pos));
  return parts;
}

export function writeTimestamp(writer: BinaryWriter, ms: number): void {
  writer.fork();
  writer.tag(1, WireType.Varint).int64(Math.floor(ms / 1000));
  writer.tag(2, WireType.Varint).int32((ms % 1000) * 1e6);
  writer.join();
}
