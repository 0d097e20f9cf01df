/** Which segments of one index to merge when an operator asks for at most so many: `segmentd merge --to`. Pure. */
import type { MergeCandidate, MergesAhead, Range, Segment } from './candidates.ts';
import { eachRange, joinRange, sortCandidates } from './candidates.ts';

/**
 * Merges until at most `to` live segments remain, or as few as the gaps between them allow. No two runs share a segment, so their
 * order is free. Always the join that adds the fewest rows to write comes next; tiers play no part, for an operator asked.
 */
export function planMergeTo(candidates: readonly MergeCandidate[], to: number): MergesAhead {
  const { drop, segments } = sortCandidates(candidates);
  while (segments.length > to) {
    const range = cheapestRange(segments);
    if (!range) break;
    segments.splice(range.from, range.inputs, joinRange(segments, range));
  }
  const runs = segments.filter(({ uuids }) => uuids.length > 1);
  return { drop, runs: runs.map(({ uuids, rows }) => ({ uuids, rows, reason: 'asked' })), segments: segments.length };
}

/** The range that adds the fewest rows to write for each segment that is gone; of equal ones the first in table order. */
function cheapestRange(segments: readonly Segment[]): Range | null {
  let cheapest: Range | null = null;
  let least = Infinity;
  for (let from = 0; from < segments.length; from++) {
    eachRange(segments, from, segments.length, (range) => {
      const cost = rowsToAdd(segments, range) / (range.inputs - 1);
      if (cost < least) [cheapest, least] = [range, cost];
      return 'enough';
    });
  }
  return cheapest;
}

/** Rows of a range that no merge writes yet. */
function rowsToAdd(segments: readonly Segment[], { from, inputs }: Range): number {
  const untouched = segments.slice(from, from + inputs).filter(({ uuids }) => uuids.length === 1);
  return untouched.reduce((sum, { rows }) => sum + rows, 0);
}
