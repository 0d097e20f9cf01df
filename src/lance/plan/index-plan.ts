/** What each maintained index of a table misses. Pure. */
import { SegmentdError } from '../../lib/errors.ts';
import type { IndexMetadata } from '../codec/index-metadata.ts';
import type { Manifest } from '../codec/manifest.ts';
import type { SchemaField } from '../codec/schema-field.ts';
import { ancestorsOf, defaultIndexName, fieldByPath, fieldsToRead, pathOfField } from '../codec/schema-field.ts';
import type { SegmentRequest } from '../segment.ts';
import type { Coverage } from './coverage.ts';
import { coverageOf } from './coverage.ts';
import { BTREE, isMaintained, isParsed, supportsField } from './index-kind.ts';

/** Indexes to maintain: all BTREEs the table has, or those named, which are created where missing. */
export type WantedIndexes = 'existing' | readonly { readonly column: string; readonly name?: string | undefined }[];

/** One maintained index at one version. */
export type IndexState = {
  readonly name: string;
  readonly fieldId: number;
  /** Path of the column as LanceDB writes it. */
  readonly column: string;
  readonly segments: readonly IndexMetadata[];
  readonly coverage: Coverage;
};

/**
 * The maintained indexes of a table with their coverage, in the order of the index section, new ones last.
 * Errors: column_not_found, column_type_unsupported, index_name_taken, table_index_unreadable.
 */
export function maintainedIndexes(manifest: Manifest, wanted: WantedIndexes): IndexState[] {
  const named = wanted === 'existing' ? existingIndexes(manifest) : wantedIndexes(manifest, wanted);
  return named.map(({ name, field }) => {
    const segments = manifest.indexes.filter((index) => index.name === name);
    checkSegments(name, field.id, segments);
    const column = pathOfField(manifest.schema, field.id) as string;
    checkColumn(manifest.schema, field, column);
    return { name, fieldId: field.id, column, segments, coverage: coverageOf(manifest.fragments, segments) };
  });
}

type NamedField = { readonly name: string; readonly field: SchemaField };

function existingIndexes({ indexes, schema }: Manifest): NamedField[] {
  const named = new Map<string, NamedField>();
  for (const index of indexes) {
    const field = schema.find((candidate) => candidate.id === index.fields[0]);
    // segmentd leaves an index on a column that is gone, or of another type, alone.
    if (isMaintained(index) && field && pathOfField(schema, field.id))
      named.set(index.name, { name: index.name, field });
  }
  return [...named.values()];
}

/** A column that is named twice is one; two columns cannot share a name. */
function wantedIndexes(manifest: Manifest, wanted: Exclude<WantedIndexes, 'existing'>): NamedField[] {
  const named = new Map<string, NamedField>();
  for (const each of wanted) {
    const index = wantedIndex(manifest, each);
    const other = named.get(index.name);
    if (other && other.field.id !== index.field.id) {
      throw new SegmentdError('index_name_taken', `index "${index.name}" is wanted on two columns`);
    }
    named.set(index.name, index);
  }
  return [...named.values()];
}

/** Names that Lance reads a meaning into: with an index of another type under one of them no query works any more. */
const RESERVED_NAME = /^$|^__lance_/;

function wantedIndex(manifest: Manifest, { column, name }: { column: string; name?: string | undefined }): NamedField {
  const { schema } = manifest;
  if (name !== undefined && RESERVED_NAME.test(name)) {
    throw new SegmentdError('index_name_taken', `"${name}" is no name for an index: Lance keeps __lance_ to itself`);
  }
  const field = fieldByPath(schema, column);
  if (!field) throw new SegmentdError('column_not_found', `the table has no column "${column}"`);
  // A column that has a BTREE already keeps it, whatever it is called: a second one would only cost writes.
  const existing = manifest.indexes.find((index) => isMaintained(index) && index.fields[0] === field.id);
  return { name: name ?? existing?.name ?? defaultIndexName(schema, field), field };
}

/** Also of an index that is there: other engines build some that LanceDB does not, and segmentd cannot extend those. */
function checkColumn(schema: readonly SchemaField[], field: SchemaField, column: string): void {
  if (!isParsed(field.logicalType)) {
    throw new SegmentdError(
      'column_type_unsupported',
      `column ${column} has type ${field.logicalType}, whose time zone the engine cannot parse`,
    );
  }
  const holder = ancestorsOf(schema, field).find(({ logicalType }) => logicalType !== 'struct');
  if (!supportsField(BTREE, field) || holder) {
    const types = [...BTREE.types].join(', ');
    throw new SegmentdError(
      'column_type_unsupported',
      holder
        ? `column ${column} lies in a ${holder.logicalType}; LanceDB builds a BTREE at the top or inside structs, over ${types}`
        : `column ${column} has type ${field.logicalType}; LanceDB builds a BTREE over ${types}`,
    );
  }
  const needed = new Set(fieldsToRead(schema, field.id));
  const beside = schema.find(({ id, logicalType }) => needed.has(id) && !isParsed(logicalType));
  if (beside) {
    throw new SegmentdError(
      'column_type_unsupported',
      `column ${column} is packed with ${beside.name} of type ${beside.logicalType}, which the engine cannot parse`,
    );
  }
  // Measured with LanceDB 0.39: such a column makes its BTREE builder fail on a duplicate field.
  if (field.name.includes('`')) {
    throw new SegmentdError('column_type_unsupported', `LanceDB cannot index ${column}: its name has a backquote`);
  }
}

/** Readers fail on the whole table when segments of one name differ in column or type, and on a missing bitmap. */
function checkSegments(name: string, fieldId: number, segments: readonly IndexMetadata[]): void {
  for (const segment of segments) {
    if (!isMaintained(segment) || segment.fields[0] !== fieldId) {
      throw new SegmentdError('index_name_taken', `index "${name}" exists with another type or column`);
    }
    if (!segment.fragments) {
      throw new SegmentdError('table_index_unreadable', `segment ${segment.uuid} of "${name}" has no fragment bitmap`);
    }
    if (segment.typeUrl !== segments[0]?.typeUrl) {
      throw new SegmentdError('table_index_unreadable', `segments of "${name}" differ in their type url`);
    }
  }
}

/** Upper bounds of one segment. */
export type BatchLimits = { readonly maxRows: number; readonly maxFragments: number };

/** The next segment of each index that misses something: its first missing fragments in table order, within the limits. */
export function nextSegments(
  manifest: Manifest,
  states: readonly IndexState[],
  limits: BatchLimits,
  isWanted: (fragment: number) => boolean = () => true,
): SegmentRequest[] {
  const requests: SegmentRequest[] = [];
  for (const { name, fieldId, column, coverage } of states) {
    const fragments: number[] = [];
    let rows = 0;
    for (const id of coverage.missing) {
      if (!isWanted(id)) continue;
      const more = manifest.fragments.rows[manifest.fragments.indexOf(id)] as number;
      // One fragment is the least a segment can cover, however large it is.
      if (fragments.length > 0 && (fragments.length >= limits.maxFragments || rows + more > limits.maxRows)) break;
      fragments.push(id);
      rows += more;
    }
    if (fragments.length > 0) {
      requests.push({ index: name, fieldId, column, rows, fragments: Uint32Array.from(fragments) });
    }
  }
  return requests;
}
