/**
 * How many partitions a segment of an index over vectors gets. A search reads the same number of partitions of each segment, so that
 * segments with as many as a rebuilt index would make it read as many times more, and few large ones leave large residuals to the codes
 * of a PQ. In between, P × √(n / N) of the P partitions over all N rows, measured in docs/decisions/merge-policy-vectors.md.
 */

/** An index as a whole, as far as its partitions are concerned. */
export type WholeIndex = {
  /** Live rows of the table. */
  readonly rows: number;
  /** Its largest segment: live rows, and partitions as far as known. */
  readonly largest: { readonly rows: number; readonly partitions: number } | null;
  /** Rows of a partition in an index that Lance makes unless told otherwise. */
  readonly usualRows: number;
};

/** Lance makes no more of its own accord. */
const MOST_USUAL = 4096;

/** Fewer rows than this per partition teach a centroid nothing. */
const LEAST_ROWS = 32;

/** An index that has fewer partitions than this share of the usual ones was given few, and keeps to few. */
const FEW = 0.8;

/** As for twice the rows: the table goes on to grow while a segment stands. One run of a PQ with fewer was less exact, by no more than chance may do. */
const GROWTH = Math.SQRT2;

const usual = (rows: number, { usualRows }: WholeIndex) => Math.min(MOST_USUAL, Math.max(1, rows / usualRows));

/**
 * Partitions of an index over all rows, like the one that is there: its own, grown by the square root of its rows, as those of its
 * segments are; and no fewer than are right for a table of these rows, by Lance's own size, unless it was given few in the first place.
 */
export function wholePartitions(whole: WholeIndex): number {
  const { rows, largest } = whole;
  const today = usual(rows * GROWTH, whole);
  if (!largest || largest.rows === 0) return Math.round(today);
  const grown = largest.partitions * Math.sqrt(Math.max(1, rows / largest.rows));
  const isFew = largest.partitions < Math.floor(FEW * usual(largest.rows, whole));
  return Math.round(isFew ? grown : Math.max(grown, today));
}

/** The share of a segment of `rows` of all `allRows`. */
export function partitionsOf(rows: number, allRows: number, partitions: number): number {
  const share = Math.round(partitions * Math.sqrt(rows / Math.max(1, allRows)));
  return Math.max(1, Math.min(share, Math.floor(rows / LEAST_ROWS)));
}

/** What `index.idx` of a segment without graphs has beside its centroids, and per centroid: its length and its place. */
const FILE_BYTES = 325;
const CENTROID_EXTRA_BYTES = 4.6;

/**
 * Partitions of a segment, from the size of its `index.idx`: without graphs there are the centroids and little else in it. Off by one or
 * two where vectors have only a handful of dimensions, which moves a square root by little.
 */
export function partitionsInFile(bytes: number, vectorBytes: number): number {
  return Math.max(1, Math.round((bytes - FILE_BYTES) / (vectorBytes + CENTROID_EXTRA_BYTES)));
}
