/**
 * Which segments of one index to merge next: size-tiered, after Lucene and Quickwit, among neighbours in the table. Pure.
 * The reasons and the figures behind them are in docs/decisions/merge-policy.md.
 */

export type MergeSettings = {
  /** Segments with fewer rows count as this large: the cost of their merge is that of a commit. At least 1. */
  readonly floorRows: number;
  /** How much larger each tier is than the one below, and how many segments of a tier make a merge due. At least 2. */
  readonly factor: number;
  /** Most inputs of one merge. At least `factor`. */
  readonly maxFactor: number;
  /** Most rows that a merge gives a segment, unless the bound forces it. */
  readonly maxSegmentRows: number;
  /** Most segments of one index. More force a merge whatever the other rules say, but for the one of neighbours. */
  readonly maxSegments: number;
};

export const DEFAULT_MERGE: MergeSettings = {
  floorRows: 5_000,
  factor: 7,
  maxFactor: 64,
  maxSegmentRows: 200_000_000,
  maxSegments: 20,
};

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

export type MergePlan = {
  /** Segments that answer for nothing any more. One stays when there is no other: with the last segment an index is gone. */
  readonly drop: readonly string[];
  /** The next merge, or null when nothing is due. */
  readonly run: MergeRun | null;
};

/** Everything a table's index has to look forward to while nothing is appended. */
export type MergesAhead = {
  readonly drop: readonly string[];
  /** In the order of their turn. A merge of results names what these were made of. */
  readonly runs: readonly MergeRun[];
  /** Live segments that remain after them. */
  readonly segments: number;
};

/** 0: below the floor. Each tier is `factor` times the one below. Mature: no merge may make it 1.5 times as large. */
export type Tier = number | 'mature';

/** Least growth that is worth rewriting the largest input for. It keeps the rewrites of a row logarithmic in the table's rows. */
const MIN_GROWTH = 1.5;

export function tierOf(rows: number, settings: MergeSettings): Tier {
  return rows * MIN_GROWTH > settings.maxSegmentRows ? 'mature' : levelOf(rows, settings);
}

/** All values of tierOf for these settings, in order: a closed set. */
export function tiersOf(settings: MergeSettings): Tier[] {
  const top = levelOf(settings.maxSegmentRows / MIN_GROWTH, settings);
  return [...Array.from({ length: top + 1 }, (_, tier) => tier), 'mature'];
}

function levelOf(rows: number, { floorRows, factor }: MergeSettings): number {
  let tier = 0;
  for (let above = floorRows; rows >= above; above *= factor) tier += 1;
  return tier;
}

/** The next merge of an index. The same segments give the same plan, in whatever order they come. */
export function planMerge(segments: readonly MergeCandidate[], settings: MergeSettings): MergePlan {
  const { drop, pieces } = sorted(segments, settings);
  const due = nextRange(pieces, settings);
  return { drop, run: due && runOf(pieces, due.window, due.reason) };
}

/**
 * Runs that the daemon looks ahead after each batch: each costs a walk over all segments, on the thread that all tables share. All
 * of them took 17 ms for 1,000 segments and 724 ms for 5,000.
 */
export const LOOKAHEAD = 4;

/** What planMerge would have done one after the other until nothing is left to do, or for so many runs. */
export function planAhead(
  segments: readonly MergeCandidate[],
  settings: MergeSettings,
  maxRuns = Number.POSITIVE_INFINITY,
): MergesAhead {
  const { drop, pieces } = sorted(segments, settings);
  const runs: MergeRun[] = [];
  while (runs.length < maxRuns) {
    const due = nextRange(pieces, settings);
    if (!due) break;
    runs.push(runOf(pieces, due.window, due.reason));
    merge(pieces, due.window, settings);
  }
  return { drop, runs, segments: pieces.length };
}

/** A segment that answers for something; in an outlook also what a merge will have made. */
type Segment = {
  readonly uuids: readonly string[];
  readonly rows: number;
  /** Rows that count: at least the floor. */
  readonly size: number;
  readonly level: number;
  /** First and last position, and how many. */
  readonly first: number;
  readonly last: number;
  readonly fragments: number;
};

function segmentOf(
  uuids: readonly string[],
  rows: number,
  first: number,
  fragments: number,
  settings: MergeSettings,
): Segment {
  return {
    uuids,
    rows,
    size: Math.max(rows, settings.floorRows),
    level: levelOf(rows, settings),
    first,
    last: first + fragments - 1,
    fragments,
  };
}

/** The live segments by their first fragment, and the wholly stale ones. */
function sorted(segments: readonly MergeCandidate[], settings: MergeSettings) {
  const pieces: Segment[] = [];
  const drop: string[] = [];
  for (const { uuid, rows, positions } of segments) {
    const first = positions[0];
    if (first === undefined) drop.push(uuid);
    else
      pieces.push({ ...segmentOf([uuid], rows, first, positions.length, settings), last: positions.at(-1) as number });
  }
  pieces.sort((a, b) => a.first - b.first);
  // Lance, too, keeps one of an index whose segments are all stale.
  return { pieces, drop: pieces.length === 0 ? drop.slice(1) : drop };
}

const uuidsOf = (pieces: readonly Segment[], { from, inputs }: Range) =>
  pieces.slice(from, from + inputs).flatMap(({ uuids }) => uuids);

const runOf = (pieces: readonly Segment[], window: Range, reason: MergeReason): MergeRun => ({
  uuids: uuidsOf(pieces, window),
  rows: window.rows,
  reason,
});

/** Puts the result of a merge in the place of its inputs. */
function merge(pieces: Segment[], window: Range, settings: MergeSettings): void {
  const { from, inputs, rows, fragments } = window;
  const { first } = pieces[from] as Segment;
  pieces.splice(from, inputs, segmentOf(uuidsOf(pieces, window), rows, first, fragments, settings));
}

/** Segments that may be merged: those that begin in an unbroken range of fragments, and lie in it whole. */
type Range = {
  readonly from: number;
  readonly inputs: number;
  readonly rows: number;
  readonly fragments: number;
  /** Rows that count, of all and of the largest. */
  readonly size: number;
  readonly largest: number;
  /** The highest tier, how many inputs are of it, and their rows. */
  readonly level: number;
  readonly peers: number;
  readonly peerRows: number;
};

/** Whether longer windows are of interest. */
type Visited = 'more' | 'enough';

/**
 * Visits the windows that begin at one piece, shortest first. Sorted by their first fragment, segments of an unbroken range
 * are neighbours, whatever lies interleaved: so each set of segments that may be merged is visited, once.
 */
function eachRange(
  pieces: readonly Segment[],
  from: number,
  maxInputs: number,
  visit: (window: Range) => Visited,
): void {
  const head = pieces[from] as Segment;
  let [last, rows, fragments, size, largest] = [head.last, 0, 0, 0, 0];
  let [level, peers, peerRows] = [-1, 0, 0];
  for (let at = from; at < pieces.length && at - from < maxInputs; at++) {
    const piece = pieces[at] as Segment;
    // Nothing that begins later closes this gap.
    if (piece.first > last + 1) return;
    last = Math.max(last, piece.last);
    rows += piece.rows;
    fragments += piece.fragments;
    size += piece.size;
    largest = Math.max(largest, piece.size);
    if (piece.level > level) [level, peers, peerRows] = [piece.level, 0, 0];
    if (piece.level === level) [peers, peerRows] = [peers + 1, peerRows + piece.rows];
    const inputs = at - from + 1;
    if (inputs < 2 || fragments !== last - head.first + 1) continue;
    if (visit({ from, inputs, rows, fragments, size, largest, level, peers, peerRows }) === 'enough') return;
  }
}

/** The best window; of equal ones the first in table order. */
function best(
  pieces: readonly Segment[],
  { maxFactor }: MergeSettings,
  allowed: (window: Range) => boolean,
  better: (window: Range, than: Range) => boolean,
): Range | null {
  let found: Range | null = null;
  for (let from = 0; from < pieces.length; from++) {
    eachRange(pieces, from, maxFactor, (window) => {
      if (allowed(window) && (!found || better(window, found))) found = window;
      return 'more';
    });
  }
  return found;
}

function nextRange(pieces: readonly Segment[], given: MergeSettings): { window: Range; reason: MergeReason } | null {
  const settings = { ...given, maxSegmentRows: rowsAllowed(pieces, given) };
  const full = best(pieces, settings, (window) => isFull(window, settings), prefersLowerTier);
  if (full) return { window: widenToHigherTier(pieces, full, settings), reason: 'tier' };
  if (pieces.length <= settings.maxSegments) return null;
  const forced =
    best(pieces, settings, (window) => fits(window, settings), isCheaper) ??
    best(pieces, settings, () => true, isShorter);
  return forced && { window: forced, reason: 'bound' };
}

/**
 * Mature segments may take half of the bound. The other half is for those that grow: with a few places only, each batch would be
 * merged with all that came before. When there are more, they may grow to twice the size, and twice again.
 */
function rowsAllowed(pieces: readonly Segment[], settings: MergeSettings): number {
  let allowed = settings.maxSegmentRows;
  const isMature = ({ rows }: Segment) => rows * MIN_GROWTH > allowed;
  while (pieces.filter(isMature).length * 2 > settings.maxSegments) allowed *= 2;
  return allowed;
}

/** Worth it for its largest input, and not too large. With a mature input it is never both. */
function fits({ size, largest }: Range, { maxSegmentRows }: MergeSettings): boolean {
  return size <= maxSegmentRows && size >= MIN_GROWTH * largest;
}

/** Enough inputs of one tier; what is smaller comes along. Two will do for a result that is mature: its rows are never written again. */
function isFull(window: Range, settings: MergeSettings): boolean {
  const final = window.rows * MIN_GROWTH > settings.maxSegmentRows;
  return fits(window, settings) && (final || window.peers >= settings.factor);
}

/** Small segments first: most segments gone for the rows. Then as many at once as may be. */
const prefersLowerTier = (window: Range, than: Range) =>
  window.level < than.level || (window.level === than.level && window.inputs > than.inputs);

/**
 * Rows by the square of the segments gone. Rows alone would be cheapest now and ruinous in the long run: always the last two,
 * each row written again with each batch.
 */
const isCheaper = (window: Range, than: Range) => price(window) < price(than);
const price = ({ size, inputs }: Range) => size / (inputs - 1) ** 2;

/** The least that can be done against the other rules. */
const isShorter = (window: Range, than: Range) => window.rows < than.rows;

/** The window, or a wider one which the results of smaller merges would fill in the end: that saves writing them twice. */
function widenToHigherTier(pieces: readonly Segment[], window: Range, settings: MergeSettings): Range {
  const end = window.from + window.inputs;
  let wider: Range | null = null;
  for (let from = Math.max(0, end - settings.maxFactor); from <= window.from; from++) {
    eachRange(pieces, from, settings.maxFactor, (it) => {
      const holds = it.level > window.level && from + it.inputs >= end;
      if (holds && fits(it, settings) && wouldCompleteTier(it, settings) && (!wider || prefersLowerTier(it, wider)))
        wider = it;
      return 'more';
    });
  }
  return wider ? widenToHigherTier(pieces, wider, settings) : window;
}

/** One more of its tier would make it full, and the smaller inputs come to just that. */
function wouldCompleteTier({ rows, level, peers, peerRows }: Range, settings: MergeSettings): boolean {
  return peers + 1 >= settings.factor && levelOf(rows - peerRows, settings) >= level;
}

/**
 * Merges until at most `to` live segments remain, or as few as the gaps between them allow. No two runs share a segment, so their
 * order is free. Always the join that adds the fewest rows to write comes next; tiers play no part, for an operator asked.
 */
export function planMergeTo(segments: readonly MergeCandidate[], to: number): MergesAhead {
  const { drop, pieces } = sorted(segments, DEFAULT_MERGE);
  while (pieces.length > to) {
    let joined: Range | null = null;
    let least = Infinity;
    for (let from = 0; from < pieces.length; from++) {
      eachRange(pieces, from, pieces.length, (window) => {
        const cost = rowsToAdd(pieces, window) / (window.inputs - 1);
        if (cost < least) [joined, least] = [window, cost];
        return 'enough';
      });
    }
    if (!joined) break;
    merge(pieces, joined, DEFAULT_MERGE);
  }
  const runs = pieces.filter(({ uuids }) => uuids.length > 1);
  return { drop, runs: runs.map(({ uuids, rows }) => ({ uuids, rows, reason: 'asked' })), segments: pieces.length };
}

/** Rows of a window that no merge writes yet. */
function rowsToAdd(pieces: readonly Segment[], { from, inputs }: Range): number {
  const untouched = pieces.slice(from, from + inputs).filter(({ uuids }) => uuids.length === 1);
  return untouched.reduce((sum, { rows }) => sum + rows, 0);
}
