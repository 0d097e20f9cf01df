/** The next change to make to a table: which segments to build and which they replace. Pure. */
import { SegmentdError } from '../lib/errors.ts';
import { decodeDataFragment, showsRewrite } from './codec/data-fragment.ts';
import type { Manifest } from './codec/manifest.ts';
import { withDescendants } from './codec/schema-field.ts';
import type { StableRowIds } from './guards.ts';
import { declineTable, FLAG } from './guards.ts';
import type { BatchLimits, IndexState, WantedIndexes } from './index-plan.ts';
import { maintainedIndexes, nextSegments } from './index-plan.ts';
import type { SegmentRequest } from './segment-builder.ts';

/** What the configuration says about a table. */
export type TablePolicy = { readonly wanted: WantedIndexes; readonly stableRowIds: StableRowIds };

export const DEFAULT_POLICY: TablePolicy = { wanted: 'existing', stableRowIds: 'decline' };

export type TablePlan = {
  readonly states: readonly IndexState[];
  /** Segments to build; none when nothing is missing. */
  readonly requests: readonly SegmentRequest[];
  /** Uuids of the segments they replace. */
  readonly remove: readonly string[];
  /** Whether the requests cover everything that is missing. */
  readonly whole: boolean;
};

/** Errors: the code of a declined table, and those of maintainedIndexes. */
export function planTable(manifest: Manifest, policy: TablePolicy, limits: BatchLimits): TablePlan {
  const declined = declineTable(manifest, policy.stableRowIds);
  if (declined) throw new SegmentdError(declined.code, declined.message);
  const states = maintainedIndexes(manifest, policy.wanted);
  if (hasStableRowIds(manifest)) return rebuild(manifest, states);
  const rewritten = states.filter((state) => missesRewritten(manifest, state));
  // Seldom and costly, so on its own: the plan after it finds the other indexes.
  if (rewritten.length > 0)
    return { ...rebuild(manifest, rewritten), states, whole: rewritten.length === states.length };
  const requests = nextSegments(manifest, states, limits);
  const asked = (name: string) => requests.find(({ index }) => index === name)?.fragments.length ?? 0;
  const whole = states.every(({ name, coverage }) => coverage.missing.length === asked(name));
  return { states, requests, remove: [], whole };
}

export function hasStableRowIds({ readerFlags, writerFlags }: Manifest): boolean {
  return ((readerFlags | writerFlags) & FLAG.stableRowIds) !== 0n;
}

/**
 * Whether a fragment that an index misses may have been covered before its column was rewritten in place. Lance then took it out
 * of the bitmaps, but the old segments still record the old values, and would answer with them once any segment covers the
 * fragment again: Lance masks all segments of an index by the union of their bitmaps. Only replacing all of them is right.
 */
export function missesRewritten(manifest: Manifest, { segments, coverage, fieldId }: IndexState): boolean {
  if (segments.length === 0) return false;
  const fields = withDescendants(manifest.schema, fieldId);
  return Array.from(coverage.missing).some((id) => {
    const message = manifest.fragments.bytesOf(manifest.fragments.indexOf(id));
    return showsRewrite(decodeDataFragment(message), fields);
  });
}

/**
 * With stable row ids a row keeps its id when it is updated, so a segment that stays beside a new one answers for values its
 * rows no longer have. The only right change is one segment over everything that replaces all others (lance-format 4.6).
 */
function rebuild(manifest: Manifest, states: readonly IndexState[]): TablePlan {
  const { ids, rows } = manifest.fragments;
  const total = rows.reduce((sum, count) => sum + count, 0);
  const behind = states.filter(({ coverage }) => coverage.missing.length > 0);
  const requests = behind.map(({ name, fieldId, column }) => ({
    index: name,
    fieldId,
    column,
    fragments: ids,
    rows: total,
  }));
  const remove = behind.flatMap(({ segments }) => segments.map(({ uuid }) => uuid));
  return { states, requests, remove, whole: true };
}
