/**
 * Which segments of one index to merge next: size-tiered, after Lucene and Quickwit, among neighbours in the table. Pure.
 * The reasons and the figures behind them are in docs/decisions/merge-policy.md.
 */
import type { KindName } from '../../lib/index-kinds.ts';
import type { MergeCandidate, MergeReason, MergeRun, MergesAhead, Range, Segment } from './candidates.ts';
import { eachRange, joinRange, sortCandidates } from './candidates.ts';

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

/** On a disk, where segments cost a lookup time. */
export const DEFAULT_MERGE: MergeSettings = {
  floorRows: 5_000,
  factor: 7,
  maxFactor: 64,
  maxSegmentRows: 200_000_000,
  maxSegments: 20,
};

/** In an object store, where each segment costs a lookup three requests: docs/decisions/merge-policy-object-stores.md. */
export const DEFAULT_MERGE_REMOTE: MergeSettings = { ...DEFAULT_MERGE, factor: 3, maxSegments: 10 };

/** Each segment costs a search as much time as its share of the rows or more: docs/decisions/merge-policy-vectors.md. */
const OF_VECTORS: Partial<MergeSettings> = { factor: 3, maxSegments: 4 };

/** What differs from a BTREE. */
const BY_KIND: Readonly<Partial<Record<KindName, Partial<MergeSettings>>>> = {
  // A lookup takes twice as long over five segments already, on a disk too.
  fts: { factor: DEFAULT_MERGE_REMOTE.factor, maxSegments: DEFAULT_MERGE_REMOTE.maxSegments },
  ivf_flat: OF_VECTORS,
  ivf_pq: OF_VECTORS,
  ivf_rq: OF_VECTORS,
  ivf_hnsw_sq: OF_VECTORS,
  ivf_hnsw_pq: OF_VECTORS,
};

/** `remote`: whether the table lies in an object store. */
export function defaultMerge(remote: boolean, kind: KindName = 'btree'): MergeSettings {
  return { ...(remote ? DEFAULT_MERGE_REMOTE : DEFAULT_MERGE), ...BY_KIND[kind] };
}

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

/** How many of the segments, given by their live rows, are in each tier; all tiers in order. */
export function countTiers(segmentRows: readonly number[], settings: MergeSettings): Map<string, number> {
  const counts = new Map(tiersOf(settings).map((tier) => [String(tier), 0]));
  for (const rows of segmentRows) {
    const tier = String(tierOf(rows, settings));
    counts.set(tier, (counts.get(tier) ?? 0) + 1);
  }
  return counts;
}

/** The tier by rows alone. */
function levelOf(rows: number, { floorRows, factor }: MergeSettings): number {
  let level = 0;
  for (let above = floorRows; rows >= above; above *= factor) level += 1;
  return level;
}

/**
 * Runs that the daemon plans ahead after each batch: each costs a walk over all segments, on the thread that all tables share. All
 * of them took 17 ms for 1,000 segments and 724 ms for 5,000.
 */
export const LOOKAHEAD = 4;

/**
 * The merges of an index, one after the other, until nothing is due or for so many runs. The same segments give the same plan, in
 * whatever order they come.
 */
export function planAhead(
  candidates: readonly MergeCandidate[],
  settings: MergeSettings,
  maxRuns = Number.POSITIVE_INFINITY,
): MergesAhead {
  const { drop, segments: live } = sortCandidates(candidates);
  const segments = live.map((segment) => withTier(segment, settings));
  const runs: MergeRun[] = [];
  while (runs.length < maxRuns) {
    const due = nextRange(segments, settings);
    if (!due) break;
    const { from, inputs } = due.range;
    const merged = joinRange(segments, due.range);
    runs.push({ uuids: merged.uuids, rows: merged.rows, reason: due.reason });
    segments.splice(from, inputs, withTier(merged, settings));
  }
  return { drop, runs, segments: segments.length };
}

type TieredSegment = Segment & {
  /** Rows that count: at least the floor. */
  readonly size: number;
  readonly level: number;
};

type TieredRange = Range & {
  /** Rows that count, of all and of the largest. */
  readonly size: number;
  readonly largest: number;
  /** The highest tier, how many inputs are of it, and their rows. */
  readonly level: number;
  readonly peers: number;
  readonly peerRows: number;
};

const withTier = (segment: Segment, settings: MergeSettings): TieredSegment => ({
  ...segment,
  size: Math.max(segment.rows, settings.floorRows),
  level: levelOf(segment.rows, settings),
});

/** Visits the ranges that begin at one segment, shortest first. */
function eachTieredRange(
  segments: readonly TieredSegment[],
  from: number,
  maxInputs: number,
  visit: (range: TieredRange) => void,
): void {
  let at = from;
  let [size, largest, level, peers, peerRows] = [0, 0, -1, 0, 0];
  eachRange(segments, from, maxInputs, ({ inputs, rows, fragments }) => {
    for (; at < from + inputs; at++) {
      const segment = segments[at] as TieredSegment;
      size += segment.size;
      largest = Math.max(largest, segment.size);
      if (segment.level > level) [level, peers, peerRows] = [segment.level, 0, 0];
      if (segment.level === level) [peers, peerRows] = [peers + 1, peerRows + segment.rows];
    }
    visit({ from, inputs, rows, fragments, size, largest, level, peers, peerRows });
    return 'more';
  });
}

/** The best range; of equal ones the first in table order. */
function bestRange(
  segments: readonly TieredSegment[],
  { maxFactor }: MergeSettings,
  isAllowed: (range: TieredRange) => boolean,
  isBetter: (range: TieredRange, than: TieredRange) => boolean,
): TieredRange | null {
  let best: TieredRange | null = null;
  for (let from = 0; from < segments.length; from++) {
    eachTieredRange(segments, from, maxFactor, (range) => {
      if (isAllowed(range) && (!best || isBetter(range, best))) best = range;
    });
  }
  return best;
}

function nextRange(
  segments: readonly TieredSegment[],
  given: MergeSettings,
): { range: Range; reason: MergeReason } | null {
  const settings = { ...given, maxSegmentRows: rowsAllowed(segments, given) };
  const full = bestRange(segments, settings, (range) => isFull(range, settings), prefersLowerTier);
  if (full) return { range: widenToHigherTier(segments, full, settings), reason: 'tier' };
  if (segments.length <= settings.maxSegments) return null;
  const forced =
    bestRange(segments, settings, (range) => fits(range, settings), isCheaper) ??
    bestRange(segments, settings, () => true, hasFewerRows);
  return forced && { range: forced, reason: 'bound' };
}

/**
 * Mature segments may take half of the bound. The other half is for those that grow: with a few slots only, each batch would be
 * merged with all that came before. When there are more, they may grow to twice the size, and twice again.
 */
function rowsAllowed(segments: readonly Segment[], settings: MergeSettings): number {
  let allowed = settings.maxSegmentRows;
  const isMature = ({ rows }: Segment) => rows * MIN_GROWTH > allowed;
  while (segments.filter(isMature).length * 2 > settings.maxSegments) allowed *= 2;
  return allowed;
}

/** Worth it for its largest input, and not too large. With a mature input it is never both. */
function fits({ size, largest }: TieredRange, { maxSegmentRows }: MergeSettings): boolean {
  return size <= maxSegmentRows && size >= MIN_GROWTH * largest;
}

/** Enough inputs of one tier; what is smaller comes along. Two will do for a result that is mature: its rows are never written again. */
function isFull(range: TieredRange, settings: MergeSettings): boolean {
  const isFinal = range.rows * MIN_GROWTH > settings.maxSegmentRows;
  return fits(range, settings) && (isFinal || range.peers >= settings.factor);
}

/** Small segments first: most segments gone for the rows. Then as many at once as may be. */
const prefersLowerTier = (range: TieredRange, than: TieredRange) =>
  range.level < than.level || (range.level === than.level && range.inputs > than.inputs);

/**
 * Rows by the square of the segments gone. Rows alone would be cheapest now and costly in the long run: always the last two,
 * each row written again with each batch.
 */
const isCheaper = (range: TieredRange, than: TieredRange) => price(range) < price(than);
const price = ({ size, inputs }: TieredRange) => size / (inputs - 1) ** 2;

/** The least that can be done against the other rules. */
const hasFewerRows = (range: Range, than: Range) => range.rows < than.rows;

/** The range, or a wider one which the results of smaller merges would fill in the end: that saves writing them twice. */
function widenToHigherTier(
  segments: readonly TieredSegment[],
  range: TieredRange,
  settings: MergeSettings,
): TieredRange {
  const end = range.from + range.inputs;
  let wider: TieredRange | null = null;
  for (let from = Math.max(0, end - settings.maxFactor); from <= range.from; from++) {
    eachTieredRange(segments, from, settings.maxFactor, (it) => {
      const isHigher = it.level > range.level && from + it.inputs >= end;
      if (isHigher && fits(it, settings) && wouldCompleteTier(it, settings) && (!wider || prefersLowerTier(it, wider)))
        wider = it;
    });
  }
  return wider ? widenToHigherTier(segments, wider, settings) : range;
}

/** One more of its tier would make it full, and the smaller inputs come to just that. */
function wouldCompleteTier({ rows, level, peers, peerRows }: TieredRange, settings: MergeSettings): boolean {
  return peers + 1 >= settings.factor && levelOf(rows - peerRows, settings) >= level;
}
