/**
 * What a merge policy chooses from: the segments of one index in table order, and the ranges of them that may be merged into one.
 * Lance compacts only neighbours that the same segments cover, so coverage stays in unbroken ranges of fragments. Pure.
 */

/** One segment of an index at one version. No two segments of an index answer for the same fragment. */
export type MergeCandidate = {
  readonly uuid: string;
  /** Live rows it covers. */
  readonly rows: number;
  /** Positions in table order of the live fragments it answers for, sorted; none when it is wholly stale. */
  readonly positions: Uint32Array;
  /** Whether much of a fragment is deleted, so that compactions of others rewrite it by itself. */
  readonly hasMuchDeleted?: boolean;
};

/** `tier`: enough segments of one size; `bound`: too many in all; `asked`: an operator wants fewer. */
export type MergeReason = 'tier' | 'bound' | 'asked';

export type MergeRun = {
  /** The segments to replace by one, in table order. Together they cover one unbroken range of fragments. */
  readonly uuids: readonly string[];
  /** Rows of the result. */
  readonly rows: number;
  readonly reason: MergeReason;
};

/** The merges of one index while nothing is appended. */
export type MergesAhead = {
  /** Segments that answer for nothing any more. One stays when there is no other: with the last segment an index is gone. */
  readonly drop: readonly string[];
  /** In the order in which they run. A merge of results names what these were made of. */
  readonly runs: readonly MergeRun[];
  /** Live segments that remain after them. */
  readonly segments: number;
};

/** A segment that answers for something, or what a planned merge will have made. */
export type Segment = {
  /** More than one for the result of a planned merge: what that is made of. */
  readonly uuids: readonly string[];
  readonly rows: number;
  /** First and last position, and how many. */
  readonly first: number;
  readonly last: number;
  readonly fragments: number;
};

/** Segments that may be merged: those that begin in an unbroken range of fragments, and lie in it whole. */
export type Range = {
  /** Index of the first one in the sorted segments, and how many follow one another from there. */
  readonly from: number;
  readonly inputs: number;
  readonly rows: number;
  readonly fragments: number;
};

/** The live segments by their first fragment, and the wholly stale ones that may be dropped. */
export function sortCandidates(candidates: readonly MergeCandidate[]): {
  segments: Segment[];
  drop: readonly string[];
} {
  const segments: Segment[] = [];
  const stale: string[] = [];
  for (const { uuid, rows, positions } of candidates) {
    const [first, last] = [positions.at(0), positions.at(-1)];
    if (first === undefined || last === undefined) stale.push(uuid);
    else segments.push({ uuids: [uuid], rows, first, last, fragments: positions.length });
  }
  segments.sort((a, b) => a.first - b.first);
  // Lance, too, keeps one of an index whose segments are all stale.
  return { segments, drop: segments.length === 0 ? stale.slice(1) : stale };
}

/**
 * Visits the ranges of at most `maxInputs` segments that begin at one segment, shortest first, until `visit` returns 'enough'. Sorted
 * by their first fragment, segments of an unbroken range are neighbours, whatever lies interleaved: so each set of segments that may
 * be merged is visited, once.
 */
export function eachRange(
  segments: readonly Segment[],
  from: number,
  maxInputs: number,
  visit: (range: Range) => 'more' | 'enough',
): void {
  const head = segments[from] as Segment;
  let [last, rows, fragments] = [head.last, 0, 0];
  for (let at = from; at < segments.length && at - from < maxInputs; at++) {
    const segment = segments[at] as Segment;
    // Nothing that begins later closes this gap.
    if (segment.first > last + 1) return;
    last = Math.max(last, segment.last);
    rows += segment.rows;
    fragments += segment.fragments;
    const inputs = at - from + 1;
    if (inputs < 2 || fragments !== last - head.first + 1) continue;
    if (visit({ from, inputs, rows, fragments }) === 'enough') return;
  }
}

/** The result of merging the range, at the positions of its inputs. */
export function joinRange(segments: readonly Segment[], { from, inputs, rows, fragments }: Range): Segment {
  const { first } = segments[from] as Segment;
  const uuids = segments.slice(from, from + inputs).flatMap((segment) => segment.uuids);
  return { uuids, rows, first, last: first + fragments - 1, fragments };
}
