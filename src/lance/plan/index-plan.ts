/** What each maintained index of a table misses. Pure. */
import { SegmentdError } from '../../lib/errors.ts';
import type { IndexParameters } from '../../lib/index-kinds.ts';
import type { IndexMetadata } from '../codec/index-metadata.ts';
import type { Manifest } from '../codec/manifest.ts';
import { barrenFragments } from '../codec/manifest.ts';
import { pathOfField } from '../codec/schema-field.ts';
import { checkColumn, checkSegments } from './check-index.ts';
import type { Coverage } from './coverage.ts';
import { coverageOf, heldBelow } from './coverage.ts';
import { kindOf, labelOf } from './index-kind.ts';
import { BTREE } from './kinds/btree.ts';
import type { IndexKind, IndexSegments } from './kinds/kind.ts';
import { isVectorIndex, vectorLabelOf } from './kinds/vector.ts';
import type { Unsupported } from './supported.ts';
import { hasStableRowIds } from './supported.ts';
import type { NamedIndex, WantedIndexes } from './wanted-index.ts';
import { notOverStableRowIds, wantedIndexes } from './wanted-index.ts';

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
 * held back of an index whose kind waits for rows. Errors: of a named index that cannot be maintained, its own, whichever others can:
 * column_not_found, column_type_unsupported, index_name_taken, index_parameters_*, table_index_unreadable.
 */
export function maintainedIndexes(
  manifest: Manifest,
  wanted: WantedIndexes,
  minRows: number = DEFAULT_MIN_ROWS,
): readonly IndexState[] {
  const { served, refused } = survey(manifest, wanted, minRows);
  if (wanted !== 'existing' && refused[0]) throw refused[0].error;
  return served;
}

/**
 * The same, where one index that cannot be maintained is left alone, as long as others of the table can. Errors: those of the first index
 * that is named, or that is a BTREE, when no index can be maintained; and table_index_unreadable.
 */
export function surveyIndexes(
  manifest: Manifest,
  wanted: WantedIndexes,
  minRows: number = DEFAULT_MIN_ROWS,
): IndexSurvey {
  const { served, refused, left } = survey(manifest, wanted, minRows);
  return { served, left: [...left, ...refused.map(({ index }) => index)] };
}

type Refused = { readonly index: LeftIndex; readonly error: SegmentdError };
type Survey = IndexSurvey & { readonly refused: readonly Refused[] };

function survey(manifest: Manifest, wanted: WantedIndexes, minRows: number): Survey {
  const served: IndexState[] = [];
  const left: LeftIndex[] = [];
  const refused: Refused[] = [];
  const serve = (index: NamedIndex) => served.push(stateOf(manifest, index, minRows));
  if (wanted !== 'existing') {
    for (const it of wantedIndexes(manifest, wanted)) {
      const error = 'error' in it ? it.error : errorOf(() => serve(it));
      if (error) refused.push({ index: refusedIndex(it, error), error });
    }
  } else {
    for (const [name, first] of firstEntries(manifest)) {
      const found = existingIndex(manifest, name, first);
      const error = 'reason' in found ? null : errorOf(() => serve(found));
      if ('reason' in found) left.push(found);
      else if (error && found.kind === BTREE) refused.push({ index: leftIndex(manifest, name, first, error), error });
      else if (error) left.push(leftIndex(manifest, name, first, error));
    }
  }
  const fatal = refused.find(({ error }) => served.length === 0 || OF_THE_TABLE.has(error.code));
  if (fatal) throw fatal.error;
  return { served, left, refused };
}

/** With such an index readers fail on others of the table as well. */
const OF_THE_TABLE: ReadonlySet<string> = new Set(['table_index_unreadable', 'index_name_taken']);

function errorOf(task: () => unknown): SegmentdError | null {
  try {
    task();
    return null;
  } catch (error) {
    if (error instanceof SegmentdError) return error;
    throw error;
  }
}

function refusedIndex(
  { name, column, kind }: { name: string; column: string; kind: IndexKind },
  error: SegmentdError,
): LeftIndex {
  const { code, message } = error;
  return { name, column, type: kind.label, reason: { code, message } };
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

function existingIndex(manifest: Manifest, name: string, first: IndexMetadata): NamedIndex | LeftIndex {
  const kind = kindOf(first);
  const field = manifest.schema.find(({ id }) => id === first.fields[0]);
  const left = (reason: Unsupported) => leftIndex(manifest, name, first, reason);
  if (!kind && isVectorIndex(first) && !vectorLabelOf(first)) {
    return left({ code: 'index_parameters_unknown', message: `the details of index "${name}" cannot be read` });
  }
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
  return { name, column: pathOfField(manifest.schema, field.id) ?? '', field, kind };
}

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
  const barren = barrenFragments(manifest, name);
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
