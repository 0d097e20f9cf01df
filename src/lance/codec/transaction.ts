/**
 * The transaction that a manifest carries.
 *
 *   Transaction = 1 read_version · 2 uuid · 3 tag · 4 { property } · 100.. operation
 *   CreateIndex (103) = 1 { new IndexMetadata } · 2 { removed IndexMetadata }
 *   ReserveFragments (107) = 1 num_fragments
 */
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { Cursor } from './wire.ts';

/** Operations by their field number, as far as lance 12 knows them. */
const OPERATIONS: Record<number, string> = {
  100: 'Append',
  101: 'Delete',
  102: 'Overwrite',
  103: 'CreateIndex',
  104: 'Rewrite',
  105: 'Merge',
  106: 'Restore',
  107: 'ReserveFragments',
  108: 'Update',
  109: 'Project',
  110: 'UpdateConfig',
  111: 'DataReplacement',
  112: 'UpdateMemWalState',
  113: 'Clone',
  114: 'UpdateBases',
  115: 'DataOverlay',
};

export type TransactionHead = {
  readonly uuid: string;
  readonly readVersion: number;
  /** Lance's name of the operation, or its field number when unknown. */
  readonly operation: string;
  readonly properties: ReadonlyMap<string, string>;
  /** Of a ReserveFragments: how many fragment ids. */
  readonly reserved?: number;
  /** Of a CreateIndex: there when new segments replace others. */
  readonly replaces?: true;
};

const CREATE_INDEX = 103;
const RESERVE_FRAGMENTS = 107;

export function decodeTransactionHead(message: Uint8Array): TransactionHead {
  const properties = new Map<string, string>();
  const head = { uuid: '', readVersion: 0, operation: 'none' };
  let more: Pick<TransactionHead, 'reserved' | 'replaces'> = {};
  const cursor = new Cursor(message);
  while (cursor.next()) {
    const { field } = cursor;
    if (field >= 100) head.operation = OPERATIONS[field] ?? `${field}`;
    if (field === 1) head.readVersion = cursor.varint();
    else if (field === 2) head.uuid = cursor.string();
    else if (field === 4) addProperty(cursor.message(), properties);
    else if (field === CREATE_INDEX) more = replacesIn(cursor.message());
    else if (field === RESERVE_FRAGMENTS) more = { reserved: reservedIn(cursor.message()) };
    else cursor.skip();
  }
  return { ...head, ...more, properties };
}

function reservedIn(cursor: Cursor): number {
  let count = 0;
  while (cursor.next()) {
    if (cursor.field === 1) count = cursor.varint();
    else cursor.skip();
  }
  return count;
}

function replacesIn(cursor: Cursor): Pick<TransactionHead, 'replaces'> {
  const fields = new Set<number>();
  while (cursor.next()) {
    fields.add(cursor.field);
    cursor.skip();
  }
  return fields.has(1) && fields.has(2) ? { replaces: true } : {};
}

function addProperty(cursor: Cursor, into: Map<string, string>): void {
  let key = '';
  let value = '';
  while (cursor.next()) {
    if (cursor.field === 1) key = cursor.string();
    else if (cursor.field === 2) value = cursor.string();
    else cursor.skip();
  }
  into.set(key, value);
}

type CreateIndex = {
  readonly uuid: string;
  /** Version whose manifest the change was planned and built on. */
  readonly readVersion: number;
  readonly added: readonly Uint8Array[];
  readonly removed: readonly Uint8Array[];
  /** Who committed what and why, for operators; Lance keeps it and never reads it. */
  readonly properties: Readonly<Record<string, string>>;
};

export function encodeCreateIndex(change: CreateIndex): Uint8Array {
  const writer = new BinaryWriter();
  writer.tag(1, WireType.Varint).uint64(change.readVersion);
  writer.tag(2, WireType.LengthDelimited).string(change.uuid);
  for (const [key, value] of Object.entries(change.properties)) {
    writer.tag(4, WireType.LengthDelimited).fork();
    writer.tag(1, WireType.LengthDelimited).string(key);
    writer.tag(2, WireType.LengthDelimited).string(value).join();
  }
  writer.tag(CREATE_INDEX, WireType.LengthDelimited).fork();
  for (const index of change.added) writer.tag(1, WireType.LengthDelimited).bytes(index);
  for (const index of change.removed) writer.tag(2, WireType.LengthDelimited).bytes(index);
  return writer.join().finish();
}
