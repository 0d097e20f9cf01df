/** What segments of each kind cost, as `npm run bench -- kinds` measured it in November 2026: docs/decisions/merge-policy-kinds.md. */

export type KindCost = {
  /** Processor time of a lookup by the number of segments, as a multiple of that on one rebuilt segment. The mean of the kind's lookups. */
  readonly lookups: Readonly<Record<number, number>>;
  /** Milliseconds of processor time for a segment and its commit, whatever the rows. */
  readonly fixedMs: number;
  /** Microseconds of processor time for each row. */
  readonly usPerRow: number;
};

export const KIND_COSTS = {
  btree: { lookups: { 1: 1, 3: 1.0, 5: 1.09, 10: 1.19, 20: 1.43, 40: 1.99 }, fixedMs: 11.4, usPerRow: 0.12 },
  bitmap: { lookups: { 1: 1, 3: 1.03, 5: 1.15, 10: 1.31, 20: 1.5, 40: 1.97 }, fixedMs: 12.3, usPerRow: 0.3 },
  label_list: { lookups: { 1: 1, 3: 1.01, 5: 1.17, 10: 1.24, 20: 1.58, 40: 2.54 }, fixedMs: 12.9, usPerRow: 0.61 },
  fm: { lookups: { 1: 1, 3: 0.98, 5: 0.97, 10: 0.97, 20: 0.94, 40: 1.02 }, fixedMs: 14.7, usPerRow: 4.28 },
  fts: { lookups: { 1: 1, 3: 1.44, 5: 2.09, 10: 3.11, 20: 5.19, 40: 9.38 }, fixedMs: 36.4, usPerRow: 10.99 },
} as const satisfies Readonly<Record<string, KindCost>>;

/** Between measured numbers of segments a straight line. */
export function lookupRatio({ lookups }: KindCost, segments: number): number {
  const points = Object.entries(lookups).map(([at, ratio]) => ({ at: Number(at), ratio }));
  const above = points.find(({ at }) => at >= segments) ?? points.at(-1);
  const below = points.findLast(({ at }) => at <= segments) ?? points[0];
  if (!above || !below) throw new RangeError('no lookups were measured');
  if (above.at === below.at) return above.ratio;
  return below.ratio + ((segments - below.at) / (above.at - below.at)) * (above.ratio - below.ratio);
}
