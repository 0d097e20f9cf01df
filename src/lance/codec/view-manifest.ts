/**
 * The manifest of a fragment view, made from that of the table: some of its fragments, the columns that are looked at, and, where the
 * view is there to be asked, some of its index entries.
 *
 * Row addresses are what an index records once the view has no stable row ids: then flag 2 is in neither flag word, next_row_id is
 * left out, and no fragment has row ids of its own.
 */
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import type { BasePath, Manifest } from './manifest.ts';
import { F, REPLACED, withoutFields, writeTimestamp } from './manifest.ts';
import { manifestFileWriter } from './manifest-file.ts';
import { decodeSchemaField } from './schema-field.ts';
import { Cursor } from './wire.ts';

/** What a view keeps of the real manifest and what it says instead. */
export type ViewManifest = {
  /** DataFragment messages. */
  readonly fragments: readonly Uint8Array[];
  /** Ids of the schema's fields. A type that the engine cannot parse does no harm in a column that is left out. */
  readonly fields: ReadonlySet<number>;
  readonly keepsRowIds: boolean;
  /** IndexMetadata messages; none by default. */
  readonly entries?: readonly Uint8Array[];
  readonly base: Pick<BasePath, 'id' | 'path'>;
  readonly timestampMs: number;
};

/** Writer-only flags about things that a view leaves out: table config (8) and disabled transaction files (32). */
const NOT_IN_A_VIEW = 8n | 32n;
const STABLE_ROW_IDS_FLAG = 2n;
const BASE_PATHS_FLAG = 16n;
const TABLE_METADATA = 19;
const BRANCH = 20;
const NEVER_COPIED: ReadonlySet<number> = new Set([
  ...REPLACED,
  ...[F.schema, F.fragments, F.readerFlags, F.writerFlags, F.config, TABLE_METADATA, BRANCH],
]);
const NOT_COPIED_WITHOUT_ROW_IDS: ReadonlySet<number> = new Set([...NEVER_COPIED, F.nextRowId]);

/** Version 1 of a dataset that holds `fragments` of the table and nothing else. */
export function encodeViewManifest(table: Manifest, view: ViewManifest): Uint8Array[] {
  const file = manifestFileWriter();
  const writer = new BinaryWriter();
  for (const field of schemaFields(table, view.fields)) writer.tag(F.schema, WireType.LengthDelimited).bytes(field);
  for (const fragment of view.fragments) writer.tag(F.fragments, WireType.LengthDelimited).bytes(fragment);
  writer.tag(F.version, WireType.Varint).uint64(1);
  if (view.entries) writer.tag(F.indexSection, WireType.Varint).uint64(file.section(indexSection(view.entries)));
  writeTimestamp(writer.tag(F.timestamp, WireType.LengthDelimited), view.timestampMs);
  const left = view.keepsRowIds ? NOT_IN_A_VIEW : NOT_IN_A_VIEW | STABLE_ROW_IDS_FLAG;
  const flags = [
    [F.readerFlags, table.readerFlags & ~(left & STABLE_ROW_IDS_FLAG)],
    [F.writerFlags, table.writerFlags & ~left],
  ] as const;
  for (const [field, value] of flags) writer.tag(field, WireType.Varint).uint64(value | BASE_PATHS_FLAG);
  writer.tag(F.writerVersion, WireType.LengthDelimited).fork();
  writer.tag(1, WireType.LengthDelimited).string(table.writer?.library ?? '');
  writer
    .tag(2, WireType.LengthDelimited)
    .string(table.writer?.version ?? '')
    .join();
  writer.tag(F.basePaths, WireType.LengthDelimited).fork();
  writer.tag(1, WireType.Varint).uint32(view.base.id);
  writer.tag(3, WireType.Varint).bool(true);
  writer.tag(4, WireType.LengthDelimited).string(view.base.path).join();
  const cut = view.keepsRowIds ? NEVER_COPIED : NOT_COPIED_WITHOUT_ROW_IDS;
  return file.finish([...withoutFields(table.message, cut), writer.finish()]);
}

/** The wanted fields of the schema, as they stand in the manifest and in their order. */
function schemaFields({ message }: Manifest, wanted: ReadonlySet<number>): Uint8Array[] {
  const fields: Uint8Array[] = [];
  const cursor = new Cursor(message);
  while (cursor.next()) {
    if (cursor.field !== F.schema) {
      cursor.skip();
      continue;
    }
    const field = cursor.slice();
    if (wanted.has(decodeSchemaField(new Cursor(field)).id)) fields.push(field);
  }
  return fields;
}

function indexSection(entries: readonly Uint8Array[]): Uint8Array[] {
  const writer = new BinaryWriter();
  for (const entry of entries) writer.tag(1, WireType.LengthDelimited).bytes(entry);
  return [writer.finish()];
}
