/** Which index of a table each wanted one is: its name, its column and its kind. Pure. */
import { SegmentdError } from '../../lib/errors.ts';
import type { IndexParameters, KindName } from '../../lib/index-kinds.ts';
import type { IndexMetadata } from '../codec/index-metadata.ts';
import type { Manifest } from '../codec/manifest.ts';
import type { SchemaField } from '../codec/schema-field.ts';
import { defaultIndexName, fieldByPath } from '../codec/schema-field.ts';
import { kindNamed, kindOf, labelOf } from './index-kind.ts';
import { BTREE } from './kinds/btree.ts';
import type { IndexKind } from './kinds/kind.ts';
import type { Unsupported } from './supported.ts';
import { hasStableRowIds } from './supported.ts';

/** An index to maintain. Without a kind it is what the index of that name is, else the one that the column has, else a BTREE. */
export type WantedIndex = {
  readonly column: string;
  readonly name?: string | undefined;
  readonly kind?: KindName | undefined;
  /** Those that are given have to be those of an index that is there. */
  readonly parameters?: IndexParameters | undefined;
};

/** Indexes to maintain: all of a kind that segmentd maintains, or those named, which are created where missing. */
export type WantedIndexes = 'existing' | readonly WantedIndex[];

/** A wanted index, as it stands or is to stand in the table. */
export type NamedIndex = {
  readonly name: string;
  readonly column: string;
  readonly field: SchemaField;
  readonly kind: IndexKind;
  readonly parameters?: IndexParameters | undefined;
};

type RefusedIndex = Pick<NamedIndex, 'name' | 'column' | 'kind'> & { readonly error: SegmentdError };

export const notOverStableRowIds = (name: string, { label }: IndexKind): Unsupported => ({
  code: 'table_stable_row_ids',
  message: `the table has stable row ids, and index "${name}" is a ${label}, of which segmentd keeps none there`,
});

/**
 * What each is, in their order; a column that is named twice is one. One that cannot be is there with its error: column_not_found,
 * index_name_taken, table_stable_row_ids.
 */
export function wantedIndexes(manifest: Manifest, wanted: readonly WantedIndex[]): (NamedIndex | RefusedIndex)[] {
  const named = new Map<string, NamedIndex>();
  const refused: RefusedIndex[] = [];
  for (const each of wanted) {
    try {
      const index = wantedIndex(manifest, each, named);
      refuseShared(index, named);
      named.set(index.name, index);
    } catch (error) {
      if (!(error instanceof SegmentdError)) throw error;
      const { column, name = column, kind = 'btree' } = each;
      refused.push({ name, column, kind: kindNamed(kind), error });
    }
  }
  return [...named.values(), ...refused];
}

/** Two columns cannot share a name, and two kinds cannot. */
function refuseShared(index: NamedIndex, named: ReadonlyMap<string, NamedIndex>): void {
  const other = named.get(index.name);
  if (!other || (other.field.id === index.field.id && other.kind === index.kind)) return;
  const what = other.field.id === index.field.id ? 'of two kinds' : 'on two columns';
  throw new SegmentdError('index_name_taken', `index "${index.name}" is wanted ${what}`);
}

/** Names that Lance reads a meaning into: with an index of another type under one of them no query works any more. */
const RESERVED_NAME = /^$|^__lance_/;

function wantedIndex(manifest: Manifest, wanted: WantedIndex, others: ReadonlyMap<string, NamedIndex>): NamedIndex {
  const { column, name, parameters } = wanted;
  const { schema, indexes } = manifest;
  if (name !== undefined && RESERVED_NAME.test(name)) {
    throw new SegmentdError('index_name_taken', `"${name}" is no name for an index: Lance keeps __lance_ to itself`);
  }
  const field = fieldByPath(schema, column);
  if (!field) throw new SegmentdError('column_not_found', `the table has no column "${column}"`);
  const onColumn = indexes.filter((index) => index.fields[0] === field.id);
  const kind = kindOfWanted(wanted, onColumn);
  // A column that has an index of the kind already keeps it, whatever it is called: a second one would only cost writes.
  const existing = onColumn.find((index) => kindOf(index) === kind);
  const found = {
    name: name ?? existing?.name ?? freeName(schema, field, kind, onColumn, others),
    column,
    field,
    kind,
    parameters,
  };
  refuseBeside(found, onColumn, others);
  if (kind !== BTREE && hasStableRowIds(manifest)) {
    const { code, message } = notOverStableRowIds(found.name, kind);
    throw new SegmentdError(code, message);
  }
  return found;
}

function kindOfWanted({ name, kind }: WantedIndex, onColumn: readonly IndexMetadata[]): IndexKind {
  if (kind) return kindNamed(kind);
  const sameName = onColumn.find((index) => index.name === name);
  const kinds = new Set(onColumn.map(kindOf).filter((it) => it !== null));
  const only = name === undefined && kinds.size === 1 ? [...kinds][0] : null;
  return (sameName && kindOf(sameName)) ?? only ?? BTREE;
}

/** Of some kinds readers ask only the first index of a column, whatever the others are. */
function refuseBeside(
  { name, column, field, kind }: NamedIndex,
  onColumn: readonly IndexMetadata[],
  others: ReadonlyMap<string, NamedIndex>,
): void {
  const { isAlone } = kind;
  if (!isAlone) return;
  const there = onColumn.find((index) => index.name !== name && isAlone(index));
  const wanted = [...others.values()].find(
    (it) => it.name !== name && it.field.id === field.id && it.kind.isAlone === isAlone,
  );
  const other = there
    ? { name: there.name, label: labelOf(there) }
    : wanted && { name: wanted.name, label: wanted.kind.label };
  if (!other) return;
  throw new SegmentdError(
    'index_name_taken',
    `column ${column} has index "${other.name}", an ${other.label}: readers would not ask an ${kind.label} beside it`,
  );
}

/** LanceDB's name; with the kind in it where the column has, or is to have, an index of another kind by that name. */
function freeName(
  schema: readonly SchemaField[],
  field: SchemaField,
  kind: IndexKind,
  onColumn: readonly IndexMetadata[],
  others: ReadonlyMap<string, NamedIndex>,
): string {
  const name = defaultIndexName(schema, field);
  const other = others.get(name);
  const isTaken = onColumn.some((index) => index.name === name) || (other && other.kind !== kind);
  return isTaken ? name.replace(/idx$/, `${kind.name}_idx`) : name;
}
