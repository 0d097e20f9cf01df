/** The facts of a table that `status` prints, from its latest manifest alone. */

import { asSegmentdError } from '../../lib/errors.ts';
import type { IndexParameters } from '../../lib/index-kinds.ts';
import type { FragmentList } from '../codec/fragments.ts';
import type { IndexMetadata } from '../codec/index-metadata.ts';
import type { Manifest, WriterVersion } from '../codec/manifest.ts';
import type { HeldFor } from '../plan/coverage.ts';
import { coverageRatio, heldFor } from '../plan/coverage.ts';
import type { IndexState, LeftIndex } from '../plan/index-plan.ts';
import { DEFAULT_MIN_ROWS, surveyIndexes } from '../plan/index-plan.ts';
import { newerFilesReason, unreadableFragments } from '../plan/newer-files.ts';
import type { StableRowIds } from '../plan/row-ids.ts';
import { rowIdsReason } from '../plan/row-ids.ts';
import type { Unsupported } from '../plan/supported.ts';
import { ENGINE, unsupportedReason } from '../plan/supported.ts';
import type { WantedIndexes } from '../plan/wanted-index.ts';
import { lastLanceOf } from '../table/last-writer.ts';
import type { LanceTable } from '../table/table.ts';

export type SegmentFacts = {
  readonly uuid: string;
  /** Fragments and live rows it answers for. */
  readonly fragments: number;
  readonly rows: number;
  /** Size of its files, or null when the manifest does not say. */
  readonly bytes: number | null;
  readonly built_from_version: number;
  /** 1: it records row addresses on a table with stable row ids, and Lance before 14 does not use it. */
  readonly index_version: number;
  /** ISO 8601, or null when the manifest does not say. */
  readonly created_at: string | null;
};

export type IndexFacts = {
  readonly name: string;
  readonly column: string;
  /** Lance's name of the kind, such as `BTREE` or `IVF_PQ`. */
  readonly type: string;
  /** What its segments are built with, by Lance's names. */
  readonly parameters: IndexParameters;
  readonly segments: readonly SegmentFacts[];
  readonly covered_rows: number;
  readonly missing_rows: number;
  readonly missing_fragments: number;
  /** Of a vector index: what no segment covers and waits for more rows. Queries search it without the index. */
  readonly held_rows: number;
  readonly held_fragments: number;
  /** Whether more rows, or rows with something to index; null without held ones. */
  readonly held_for: HeldFor | null;
  readonly stale_fragments: number;
  /** Share of rows covered, 0 to 1; 1 only when nothing is missing. */
  readonly coverage: number;
};

export type TableFacts = {
  readonly uri: string;
  readonly version: number;
  readonly rows: number;
  readonly fragments: number;
  /** Which Lance last wrote to it, such as `lance 14.0.2`, or `unknown`, and the one in the engine. */
  readonly written_by: string;
  readonly engine: string;
  readonly declined: Unsupported | null;
  /** Share of rows that every index covers, 0 to 1; 1 only when all are in a segment, null without an index. */
  readonly coverage: number | null;
  /** What at least one index misses. */
  readonly missing_rows: number;
  readonly missing_fragments: number;
  /** What no index misses and at least one holds back. */
  readonly held_rows: number;
  readonly indexes: readonly IndexFacts[];
  /** Indexes that are not maintained, and why. */
  readonly left_alone: readonly LeftIndex[];
  /** Indexes that are there, where others are wanted. */
  readonly not_wanted: readonly string[];
};

/** Errors: table_not_found, table_unreadable, table_mixed_version_names, store_*. */
export async function inspectTable(table: LanceTable, known: Omit<Known, 'lance'> = {}): Promise<TableFacts> {
  const manifest = await table.latest();
  return factsOf(table.uri, manifest, { ...known, lance: await lastLanceOf(table, manifest) });
}

type Known = {
  /** The indexes to look at; default: those there are. */
  readonly wanted?: WantedIndexes;
  /** What is configured for the table; default: decline. */
  readonly stableRowIds?: StableRowIds;
  /** Which Lance last wrote to it; by default the writer of the manifest. */
  readonly lance?: WriterVersion | null;
  /** Rows that a vector index has to miss before a segment is built. */
  readonly minRows?: number | undefined;
};

/** The same of a manifest that is read already. */
export function factsOf(
  uri: string,
  manifest: Manifest,
  { wanted = 'existing', stableRowIds = 'decline', lance = manifest.writer, minRows = DEFAULT_MIN_ROWS }: Known = {},
): TableFacts {
  let declined = unsupportedReason(manifest);
  let states: readonly IndexState[] = [];
  let left: readonly LeftIndex[] = [];
  try {
    ({ served: states, left } = surveyIndexes(manifest, wanted, minRows));
    const missing = states.flatMap(({ coverage }) => Array.from(coverage.missing));
    declined ??=
      rowIdsReason(manifest, states, stableRowIds) ?? newerFilesReason(unreadableFragments(manifest, missing));
  } catch (thrown) {
    const { code, message } = asSegmentdError(thrown);
    declined ??= { code, message };
  }
  return {
    uri,
    version: manifest.version,
    rows: manifest.fragments.rows.reduce((sum, rows) => sum + rows, 0),
    fragments: manifest.fragments.length,
    written_by: nameOf(lance),
    engine: nameOf(ENGINE),
    declined,
    ...coverageOfAll(states, manifest.fragments),
    indexes: states.map((state) => indexFacts(state, manifest.fragments)),
    left_alone: left,
    not_wanted: wanted === 'existing' ? [] : othersThan([...states, ...left], manifest),
  };
}

/** Without those that are Lance's own. */
function othersThan(known: readonly { readonly name: string }[], { indexes }: Manifest): string[] {
  const names = new Set(indexes.map(({ name }) => name).filter((name) => !name.startsWith('__lance_')));
  for (const { name } of known) names.delete(name);
  return [...names];
}

const nameOf = (writer: WriterVersion | null) => (writer ? `${writer.library} ${writer.version}` : 'unknown');

function coverageOfAll(
  states: readonly IndexState[],
  { ids, rows, length }: FragmentList,
): Pick<TableFacts, 'coverage' | 'missing_rows' | 'missing_fragments' | 'held_rows'> {
  const missed = new Set(states.flatMap(({ coverage }) => Array.from(coverage.missing)));
  const waiting = new Set(states.flatMap(({ coverage }) => Array.from(coverage.held)).filter((id) => !missed.has(id)));
  let [coveredRows, missingRows, heldRows] = [0, 0, 0];
  for (let at = 0; at < length; at++) {
    const id = ids[at] as number;
    if (missed.has(id)) missingRows += rows[at] as number;
    else if (waiting.has(id)) heldRows += rows[at] as number;
    else coveredRows += rows[at] as number;
  }
  const [missing, held] = [Uint32Array.from(missed), Uint32Array.from(waiting)];
  const ratio = coverageRatio({ missing, held, stale: 0, coveredRows, missingRows, heldRows });
  return {
    coverage: states.length === 0 ? null : ratio,
    missing_rows: missingRows,
    missing_fragments: missed.size,
    held_rows: heldRows,
  };
}

function indexFacts(state: IndexState, fragments: FragmentList): IndexFacts {
  const { name, kind, parameters, column, segments, coverage } = state;
  return {
    name,
    column,
    type: kind.label,
    parameters,
    segments: segments.map((segment) => segmentFacts(segment, fragments)),
    covered_rows: coverage.coveredRows,
    missing_rows: coverage.missingRows,
    missing_fragments: coverage.missing.length,
    held_rows: coverage.heldRows,
    held_fragments: coverage.held.length,
    held_for: heldFor(state),
    stale_fragments: coverage.stale,
    coverage: coverageRatio(coverage),
  };
}

function segmentFacts(segment: IndexMetadata, current: FragmentList): SegmentFacts {
  const live = Array.from(segment.fragments ?? [], (id) => current.indexOf(id)).filter((position) => position >= 0);
  return {
    uuid: segment.uuid,
    fragments: live.length,
    rows: live.reduce((sum, position) => sum + (current.rows[position] as number), 0),
    bytes: segment.files.length > 0 ? segment.files.reduce((sum, file) => sum + file.bytes, 0) : null,
    built_from_version: segment.datasetVersion,
    index_version: segment.indexVersion,
    created_at: timeOf(segment.createdAtMs),
  };
}

/** ISO 8601; null for a time that is missing or that no calendar has. */
function timeOf(ms: number | null): string | null {
  const date = new Date(ms ?? Number.NaN);
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}
