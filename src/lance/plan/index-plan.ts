/** What each maintained index of a table misses. Pure. */
import { asSegmentdError, SegmentdError } from '../../lib/errors.ts';
import type { IndexParameters, KindName } from '../../lib/index-kinds.ts';
import type { IndexMetadata } from '../codec/index-metadata.ts';
import type { Manifest } from '../codec/manifest.ts';
import type { SchemaField } from '../codec/schema-field.ts';
import { defaultIndexName, fieldByPath, pathOfField } from '../codec/schema-field.ts';
import { checkColumn, checkSegments } from './check-index.ts';
import type { Coverage } from './coverage.ts';
import { coverageOf, heldBelow } from './coverage.ts';
import { kindNamed, kindOf, labelOf } from './index-kind.ts';
import { BTREE } from './kinds/btree.ts';
import type { IndexKind, IndexSegments } from './kinds/kind.ts';
import type { Unsupported } from './supported.ts';
import { hasStableRowIds } from './supported.ts';

/** An index to maintain. Without a kind it is what the index of that name is, else a BTREE. */
export type WantedIndex = {
  readonly column: string;
  readonly name?: string | undefined;
  readonly kind?: KindName | undefined;
  /** Those that are given have to be those of an index that is there. */
  readonly parameters?: IndexParameters | undefined;
};

/** Indexes to maintain: all of a kind that segmentd maintains, or those named, which are created where missing. */
export type WantedIndexes = 'existing' | readonly WantedIndex[];

/** One maintained index at one version. */
export type IndexState = {
  readonly name: string;
  readonly kind: IndexKind;
  /** What its segments are built with. */
  readonly parameters: IndexParameters;
  /** Of an index over all rows, what each segment has its own share of. */
  readonly whole: IndexParameters;
  readonly fieldId: number;
  /** Path of the column as LanceDB writes it. */
  readonly column: string;
  readonly segments: readonly IndexMetadata[];
  /** Rows that it has to miss before a segment is built; 0: any. */
  readonly floor: number;
  readonly coverage: Coverage;
  /** Fragments that have too little to index by themselves. */
  readonly barren: ReadonlySet<number>;
};

/** An index that is left as it is, while others of the table are maintained. */
export type LeftIndex = {
  readonly name: string;
  /** Path of the column, or null when it is not in the schema. */
  readonly column: string | null;
  /** Lance's name of its kind, as far as known. */
  readonly type: string;
  readonly reason: Unsupported;
};

export type IndexSurvey = { readonly served: readonly IndexState[]; readonly left: readonly LeftIndex[] };

/** Rows of a vector index below which fresh rows are left to the search of unindexed rows. */
export const DEFAULT_MIN_ROWS = 10_000;

/**
 * The maintained indexes of a table with their coverage, in the order of the index section, new ones last. Fewer rows than `minRows` are
 * held back of an index whose kind waits for rows. Errors: column_not_found, column_type_unsupported, index_name_taken,
 * index_parameters_*, table_index_unreadable.
 */
export function maintainedIndexes(
  manifest: Manifest,
  wanted: WantedIndexes,
  minRows: number = DEFAULT_MIN_ROWS,
): readonly IndexState[] {
  return surveyIndexes(manifest, wanted, minRows).served;
}

/** The same, with the indexes that are there and left alone. */
export function surveyIndexes(
  manifest: Manifest,
  wanted: WantedIndexes,
  minRows: number = DEFAULT_MIN_ROWS,
): IndexSurvey {
  if (wanted !== 'existing') {
    const named = wantedIndexes(manifest, wanted);
    return { served: named.map((index) => stateOf(manifest, index, minRows)), left: [] };
  }
  const served: IndexState[] = [];
  const left: LeftIndex[] = [];
  for (const [name, first] of firstEntries(manifest)) {
    const found = existingIndex(manifest, name, first);
    if ('reason' in found) {
      left.push(found);
      continue;
    }
    try {
      served.push(stateOf(manifest, found, minRows));
    } catch (error) {
      // A BTREE that cannot be extended has always declined its table; what else is there is no reason to leave the BTREEs alone.
      if (!(error instanceof SegmentdError) || found.kind === BTREE) throw error;
      left.push(leftIndex(manifest, name, first, asSegmentdError(error)));
    }
  }
  return { served, left };
}

/** The first entry of each name, in the order of the index section. */
function firstEntries({ indexes }: Manifest): Map<string, IndexMetadata> {
  const first = new Map<string, IndexMetadata>();
  // segmentd looks at each name by the first of its entries that it maintains: the others of the name are checked against that one.
  for (const index of indexes) {
    const known = first.get(index.name);
    if (!known || (!kindOf(known) && kindOf(index))) first.set(index.name, index);
  }
  return first;
}

type NamedIndex = {
  readonly name: string;
  readonly field: SchemaField;
  readonly kind: IndexKind;
  readonly parameters?: IndexParameters | undefined;
};

function existingIndex(manifest: Manifest, name: string, first: IndexMetadata): NamedIndex | LeftIndex {
  const kind = kindOf(first);
  const field = manifest.schema.find(({ id }) => id === first.fields[0]);
  const left = (reason: Unsupported) => leftIndex(manifest, name, first, reason);
  if (!kind) {
    return left({
      code: 'index_kind_unsupported',
      message: `index "${name}" is of kind ${labelOf(first)}, which segmentd does not maintain`,
    });
  }
  if (!field || !pathOfField(manifest.schema, field.id)) {
    return left({ code: 'column_not_found', message: `the column of index "${name}" is not in the schema` });
  }
  if (kind !== BTREE && hasStableRowIds(manifest)) return left(notOverStableRowIds(name, kind));
  if (!kind.byDefault) {
    return left({
      code: 'index_kind_by_name',
      message: `index "${name}" is a ${kind.label}, of which segmentd keeps only those that the configuration names`,
    });
  }
  return { name, field, kind };
}

const notOverStableRowIds = (name: string, { label }: IndexKind): Unsupported => ({
  code: 'table_stable_row_ids',
  message: `the table has stable row ids, and index "${name}" is a ${label}, of which segmentd keeps none there`,
});

function leftIndex(
  { schema }: Manifest,
  name: string,
  first: IndexMetadata,
  { code, message }: Unsupported,
): LeftIndex {
  const column = pathOfField(schema, first.fields[0] ?? -1);
  return { name, column, type: labelOf(first), reason: { code, message } };
}

function stateOf(manifest: Manifest, { name, field, kind, parameters }: NamedIndex, minRows: number): IndexState {
  const segments = manifest.indexes.filter((index) => index.name === name);
  const present = checkSegments(kind, name, field.id, segments);
  const column = pathOfField(manifest.schema, field.id) as string;
  const isOwn = (key: string) => kind.perSegment?.names.includes(key) ?? false;
  const { asked, own } = split(parameters ?? {}, isOwn);
  if (present) checkAsked(name, present, asked);
  checkColumn(kind, manifest.schema, field, column, present ?? asked);
  const floor = kind.waitsForRows ? Math.max(minRows, kind.leastRows) : 0;
  const barren = manifest.barren?.get(name) ?? NOT_BARREN;
  return {
    name,
    kind,
    parameters: present ?? asked,
    whole: kind.perSegment?.whole(own, segmentsOf(manifest, segments), field) ?? {},
    fieldId: field.id,
    column,
    segments,
    floor,
    coverage: heldBarren(heldBelow(coverageOf(manifest.fragments, segments), floor), barren),
    barren,
  };
}

const NOT_BARREN: ReadonlySet<number> = new Set();

/** Nothing is built over barren fragments alone. */
function heldBarren(coverage: Coverage, barren: ReadonlySet<number>): Coverage {
  if (barren.size === 0 || coverage.missing.some((id) => !barren.has(id))) return coverage;
  return heldBelow(coverage, Number.POSITIVE_INFINITY);
}

/** The parameters of the index, and those that each segment has for itself. */
function split(parameters: IndexParameters, isOwn: (name: string) => boolean) {
  const all = Object.entries(parameters);
  return {
    asked: Object.fromEntries(all.filter(([name]) => !isOwn(name))),
    own: Object.fromEntries(all.filter(([name]) => isOwn(name))),
  };
}

function segmentsOf({ fragments: list }: Manifest, entries: readonly IndexMetadata[]): IndexSegments {
  const rowsAt = (id: number) => list.rows[list.indexOf(id)] ?? 0;
  return {
    entries,
    rowsOf: ({ fragments }) => Array.from(fragments ?? []).reduce((sum, id) => sum + rowsAt(id), 0),
    allRows: list.rows.reduce((sum, rows) => sum + rows, 0),
  };
}

/** A parameter that is asked for is that of the index, or the index is another one. */
function checkAsked(name: string, present: IndexParameters, asked: IndexParameters = {}): void {
  for (const [key, value] of Object.entries(asked)) {
    const there = present[key];
    if (JSON.stringify(there) === JSON.stringify(value)) continue;
    const are = there === undefined ? 'does not say' : `is ${JSON.stringify(there)}`;
    throw new SegmentdError(
      'index_parameters_differ',
      `${key} of index "${name}" ${are}, and ${JSON.stringify(value)} is wanted`,
    );
  }
}

/** A column that is named twice is one; two columns cannot share a name. */
function wantedIndexes(manifest: Manifest, wanted: readonly WantedIndex[]): NamedIndex[] {
  const named = new Map<string, NamedIndex>();
  for (const each of wanted) {
    const index = wantedIndex(manifest, each, named);
    const other = named.get(index.name);
    if (other && (other.field.id !== index.field.id || other.kind !== index.kind)) {
      const what = other.field.id === index.field.id ? 'of two kinds' : 'on two columns';
      throw new SegmentdError('index_name_taken', `index "${index.name}" is wanted ${what}`);
    }
    named.set(index.name, index);
  }
  return [...named.values()];
}

/** Names that Lance reads a meaning into: with an index of another type under one of them no query works any more. */
const RESERVED_NAME = /^$|^__lance_/;

function wantedIndex(
  manifest: Manifest,
  { column, name, kind: asked, parameters }: WantedIndex,
  others: ReadonlyMap<string, NamedIndex>,
): NamedIndex {
  const { schema, indexes } = manifest;
  if (name !== undefined && RESERVED_NAME.test(name)) {
    throw new SegmentdError('index_name_taken', `"${name}" is no name for an index: Lance keeps __lance_ to itself`);
  }
  const field = fieldByPath(schema, column);
  if (!field) throw new SegmentdError('column_not_found', `the table has no column "${column}"`);
  const sameName = indexes.find((index) => index.name === name && index.fields[0] === field.id);
  const kind = asked ? kindNamed(asked) : ((sameName && kindOf(sameName)) ?? BTREE);
  // A column that has an index of the kind already keeps it, whatever it is called: a second one would only cost writes.
  const existing = indexes.find((index) => kindOf(index) === kind && index.fields[0] === field.id);
  const found = { name: name ?? existing?.name ?? freeName(manifest, field, kind, others), field, kind, parameters };
  const other = indexes.find(
    (index) => kindOf(index) !== kind && index.fields[0] === field.id && kind.isAlone?.(index),
  );
  if (other) {
    throw new SegmentdError(
      'index_name_taken',
      `column ${column} has index "${other.name}", an ${labelOf(other)}: readers would not ask an ${kind.label} beside it`,
    );
  }
  if (kind !== BTREE && hasStableRowIds(manifest)) {
    const { code, message } = notOverStableRowIds(found.name, kind);
    throw new SegmentdError(code, message);
  }
  return found;
}

/** LanceDB's name; with the kind in it where the column has, or is to have, an index of another kind by that name. */
function freeName(
  { schema, indexes }: Manifest,
  field: SchemaField,
  kind: IndexKind,
  others: ReadonlyMap<string, NamedIndex>,
): string {
  const name = defaultIndexName(schema, field);
  const other = others.get(name);
  const isTaken =
    indexes.some((index) => index.name === name && index.fields[0] === field.id) || (other && other.kind !== kind);
  return isTaken ? name.replace(/idx$/, `${kind.name}_idx`) : name;
}
