/** The next segment of each index, within the limits of one. Pure. */
import type { Manifest } from '../codec/manifest.ts';
import type { SegmentRequest } from '../segment.ts';
import type { IndexState } from './index-plan.ts';

/** Upper bounds of one segment. */
export type BatchLimits = { readonly maxRows: number; readonly maxFragments: number };

/**
 * The next segment of each index that misses something: its first missing fragments in table order, within the limits. None of an index
 * for which the wanted fragments have too few rows.
 */
export function nextSegments(
  manifest: Manifest,
  states: readonly IndexState[],
  limits: BatchLimits,
  isWanted: (fragment: number) => boolean = () => true,
): SegmentRequest[] {
  return states.flatMap((state) => {
    const fragments: number[] = [];
    let rows = 0;
    for (const id of barrenLast(state)) {
      if (!isWanted(id)) continue;
      const more = manifest.fragments.rows[manifest.fragments.indexOf(id)] as number;
      // One fragment is the least a segment can cover, however large it is.
      if (fragments.length > 0 && (fragments.length >= limits.maxFragments || rows + more > limits.maxRows)) break;
      fragments.push(id);
      rows += more;
    }
    const isEnough = fragments.length > 0 && rows >= state.floor;
    return isEnough ? [requestFor(state, Uint32Array.from(fragments).sort(), rows)] : [];
  });
}

/** What had too little to index by itself comes along with others, and must not hold them up. */
function* barrenLast({ coverage: { missing }, barren }: IndexState): Iterable<number> {
  for (const id of missing) if (!barren.has(id)) yield id;
  for (const id of missing) if (barren.has(id)) yield id;
}

/** A segment of the index over these fragments. */
export function requestFor(
  { name, kind, parameters, fieldId, column, whole, coverage }: IndexState,
  fragments: Uint32Array,
  rows: number,
): SegmentRequest {
  const allRows = coverage.coveredRows + coverage.missingRows + coverage.heldRows;
  const own = kind.perSegment?.share(whole, rows, allRows);
  return { index: name, kind: kind.name, parameters, fieldId, column, rows, fragments, ...(own && { own }) };
}

/** Whether the requests cover all that the indexes want of what they miss; one that has too few rows wants nothing. */
export function areComplete(
  requests: readonly SegmentRequest[],
  states: readonly IndexState[],
  isWanted: (fragment: number) => boolean,
): boolean {
  return requests.every(({ index, fragments }) => {
    const missing = states.find(({ name }) => name === index)?.coverage.missing ?? [];
    return missing.filter(isWanted).length === fragments.length;
  });
}
