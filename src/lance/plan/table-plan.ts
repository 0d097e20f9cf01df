/** The next change to make to a table: which segments to build and which they replace. Pure. */
import { decodeDataFragment, showsRewrite } from '../codec/data-fragment.ts';
import { hasDetails } from '../codec/index-metadata.ts';
import type { Manifest } from '../codec/manifest.ts';
import { lineagesOf } from '../codec/schema-field.ts';
import type { SegmentRequest } from '../segment.ts';
import type { IndexState, LeftIndex } from './index-plan.ts';
import { newerFilesReason, unreadableFragments } from './newer-files.ts';
import type { BatchLimits } from './next-segments.ts';
import { areComplete, nextSegments, requestFor } from './next-segments.ts';
import type { StableRowIds, TablePolicy } from './row-ids.ts';
import { nextIndexVersion, recordsRowIds, refuse, surveyServed } from './row-ids.ts';

export type TablePlan = {
  readonly states: readonly IndexState[];
  /** Indexes that stay as they are. */
  readonly left: readonly LeftIndex[];
  /** Segments to build; none when nothing is missing. */
  readonly requests: readonly SegmentRequest[];
  /** Uuids of the segments they replace. */
  readonly remove: readonly string[];
  /** Whether the requests cover everything that is missing within the scope. */
  readonly complete: boolean;
  /** How many parts of the scope, from the first on, the requests cover. */
  readonly parts: number;
  /** Fragments that stay uncovered, since the engine cannot read them: the table is declined once nothing else is missing. */
  readonly unreadable: ReadonlyMap<number, string>;
};

/** The fragments to plan for; by default everything that is missing. */
export type PlanScope = {
  /** Fragments for one segment each. */
  readonly parts?: readonly (readonly number[])[];
  /** Fragments that are left to others. */
  readonly isDelegated?: (fragment: number) => boolean;
};

/**
 * Fragments that the engine cannot read stay uncovered. Errors: the code of a declined table, table_newer_data_files among them when
 * nothing but such fragments is missing, and those of maintainedIndexes.
 */
export function planTable(
  manifest: Manifest,
  policy: TablePolicy,
  limits: BatchLimits,
  { parts, isDelegated = () => false }: PlanScope = {},
): TablePlan {
  const { served: states, left } = surveyServed(manifest, policy);
  const unreadable = unreadableFragments(manifest, missingOf(states));
  const plan = planServed({ manifest, policy, limits, states, unreadable }, parts, isDelegated);
  if (plan.requests.length === 0) refuse(newerFilesReason(unreadable));
  const requests = plan.requests.map((request) => withVersion(request, manifest, states, policy));
  return { ...plan, states, left, requests, complete: plan.complete && unreadable.size === 0, unreadable };
}

type Planning = {
  readonly manifest: Manifest;
  readonly policy: TablePolicy;
  readonly limits: BatchLimits;
  readonly states: readonly IndexState[];
  readonly unreadable: ReadonlyMap<number, string>;
};

const missingOf = (states: readonly IndexState[]) =>
  new Set(states.flatMap(({ coverage }) => Array.from(coverage.missing)));

function planServed(
  { manifest, policy, limits, states, unreadable }: Planning,
  parts: PlanScope['parts'],
  isDelegated: (fragment: number) => boolean,
): Omit<TablePlan, 'states' | 'left' | 'unreadable'> {
  const behind = states.filter(({ coverage }) => coverage.missing.some((id) => !unreadable.has(id)));
  const replaced = behind.filter(
    (state) => recordsRowIds(manifest, state, policy.stableRowIds) || isReplacedWhole(manifest, state),
  );
  // Rare and costly, so on its own: the next plan finds the other indexes.
  if (replaced.length > 0) {
    // What is replaced must be replaced whole.
    refuse(newerFilesReason(unreadableFragments(manifest, manifest.fragments.ids)));
    return { ...rebuild(manifest, replaced), complete: replaced.length === behind.length };
  }
  const isServed = (id: number) => !isDelegated(id) && !unreadable.has(id);
  if (parts) {
    const readable = parts.map((part) => part.filter((id) => !unreadable.has(id)));
    const planned = planParts(manifest, states, limits, readable);
    // What waits for more rows than a part has is taken whole, or events that name few fragments each would leave it behind.
    const without = states.filter(
      ({ name, floor }) => floor > 0 && !planned.requests.some(({ index }) => index === name),
    );
    const whole = nextSegments(manifest, without, limits, isServed);
    return { ...planned, remove: [], requests: [...planned.requests, ...whole] };
  }
  const requests = nextSegments(manifest, states, limits, isServed);
  return { requests, remove: [], complete: areComplete(requests, states, isServed), parts: 0 };
}

/** The request with the version that the segments of its index have. */
export function withVersion(
  request: SegmentRequest,
  manifest: Manifest,
  states: readonly IndexState[],
  { stableRowIds }: { readonly stableRowIds: StableRowIds },
): SegmentRequest {
  const state = states.find(({ name }) => name === request.index);
  return state && nextIndexVersion(manifest, state, stableRowIds) === 1 ? { ...request, indexVersion: 1 } : request;
}

/** A segment per part and index, for as many parts as the limits allow in one commit. */
function planParts(
  manifest: Manifest,
  states: readonly IndexState[],
  limits: BatchLimits,
  parts: readonly (readonly number[])[],
): Pick<TablePlan, 'requests' | 'complete' | 'parts'> {
  const requests: SegmentRequest[] = [];
  const taken = new Set<number>();
  let rows = 0;
  for (const [at, part] of parts.entries()) {
    const wanted = new Set(part.filter((id) => !taken.has(id)));
    const next = nextSegments(manifest, states, limits, (id) => wanted.has(id));
    const more = Math.max(0, ...next.map((request) => request.rows));
    if (requests.length > 0 && rows + more > limits.maxRows) return { requests, complete: false, parts: at };
    requests.push(...next);
    rows += more;
    // More than fits one segment: the rest of the part is planned again when this much of it is covered.
    if (!areComplete(next, states, (id) => wanted.has(id))) return { requests, complete: false, parts: at };
    for (const id of part) taken.add(id);
  }
  return { requests, complete: true, parts: parts.length };
}

/**
 * Whether the next segment of an index has to replace all that it has. Also those without details: with a second segment
 * beside one, Lance fails to merge rows by the column (measured with LanceDB 0.39), and with details it lists the index.
 */
export function isReplacedWhole(manifest: Manifest, state: IndexState): boolean {
  return !state.segments.every(hasDetails) || missesRewritten(manifest, state);
}

/**
 * Whether a fragment that an index misses may have been covered before its column was rewritten in place. Lance then took it out
 * of the bitmaps, but the old segments still record the old values, and would answer with them once any segment covers the
 * fragment again: Lance masks all segments of an index by the union of their bitmaps. Only replacing all of them is right.
 */
function missesRewritten(manifest: Manifest, { segments, coverage, fieldId }: IndexState): boolean {
  if (segments.length === 0) return false;
  const lineages = lineagesOf(manifest.schema, fieldId);
  return Array.from(coverage.missing).some((id) => {
    const message = manifest.fragments.bytesOf(manifest.fragments.indexOf(id));
    return showsRewrite(decodeDataFragment(message), lineages);
  });
}

/** One segment over everything for each of the indexes, which replaces all others. */
function rebuild(manifest: Manifest, behind: readonly IndexState[]): Pick<TablePlan, 'requests' | 'remove' | 'parts'> {
  const { ids, rows } = manifest.fragments;
  const total = rows.reduce((sum, count) => sum + count, 0);
  const requests = behind.map((state) => requestFor(state, ids, total));
  const remove = behind.flatMap(({ segments }) => segments.map(({ uuid }) => uuid));
  return { requests, remove, parts: 0 };
}
