/**
 * What a kind of index is: which entries of the index section are of it, and which columns it can be built over. BTREE is the only
 * kind so far. How LanceDB is asked for it is in `engine/segment-builder.ts`, the one room that may import LanceDB.
 */
import type { IndexMetadata } from '../codec/index-metadata.ts';
import type { SchemaField } from '../codec/schema-field.ts';

type IndexKind = {
  /** Lance's name of it. */
  readonly name: 'BTREE';
  /** Whether an entry of the index section is of this kind. */
  matches(entry: Pick<IndexMetadata, 'typeUrl' | 'fields'>): boolean;
  /** Whether these are the files of a segment of this kind, as far as names tell: Lance's rule for entries without details. */
  matchesFiles(names: readonly string[]): boolean;
  /** The type url of its details, for an entry whose details are inferred. */
  readonly typeUrl: string;
  /** Types of columns that LanceDB builds it over, by the first word of Lance's logical type. */
  readonly types: ReadonlySet<string>;
};

/** Of inverted and bitmap indexes: Lance looks for these first. */
const FILES_OF_OTHERS = new Set(['metadata.lance', 'invert.lance', 'bitmap_page_lookup.lance']);

export const BTREE: IndexKind = {
  name: 'BTREE',
  // Writers prefix the Any's type url in their own ways, and the package has moved; the message name is what counts.
  matches: ({ typeUrl, fields }) => /(^|[./])BTreeIndexDetails$/.test(typeUrl) && fields.length === 1,
  matchesFiles: (names) =>
    ['page_lookup.lance', 'page_data.lance'].every((name) => names.includes(name)) &&
    !names.some((name) => FILES_OF_OTHERS.has(name)),
  typeUrl: '/lance.table.BTreeIndexDetails',
  types: new Set([
    ...['int8', 'int16', 'int32', 'int64', 'uint8', 'uint16', 'uint32', 'uint64'],
    ...['halffloat', 'float', 'double', 'bool', 'string'],
    ...['date32', 'date64', 'time32', 'time64', 'time', 'timestamp', 'fixed_size_binary'],
  ]),
};

/** Whether segmentd maintains indexes of the entry's kind. */
export const isMaintained = BTREE.matches;

/** Whether LanceDB builds an index of this kind over the field, by its type. */
export function supportsField({ types }: IndexKind, { logicalType }: SchemaField): boolean {
  return types.has(logicalType.split(':', 1)[0] as string) && isParsed(logicalType);
}

/**
 * Whether the engine can parse the type. Lance 12 splits it at its colons, and panics on a time zone that has one, such as `+05:30`
 * or `GMT-10:00`.
 */
export function isParsed(logicalType: string): boolean {
  return !logicalType.startsWith('timestamp') || logicalType.split(':').length <= 3;
}
