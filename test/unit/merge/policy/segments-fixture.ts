/** Segments of one index as merge policies see them, laid out by hand and at random. */
import fc from 'fast-check';
import type { MergeCandidate } from '../../../../src/merge/policy/candidates.ts';

export const segment = (uuid: string, rows: number, positions: readonly number[]): MergeCandidate => ({
  uuid,
  rows,
  positions: Uint32Array.from(positions),
});

/** Segments of so many rows, one fragment each, called 0, 1, … in table order. Null is a fragment that no segment covers. */
export const inARow = (...rows: readonly (number | null)[]) =>
  rows.flatMap((count, at) => (count === null ? [] : [segment(String(at), count, [at])]));

/** Segments of 20 rows by a letter for each fragment: the segment's name, or a dot where there is none. */
export const laidOut = (layout: string) =>
  [...new Set(layout.replaceAll('.', ''))].map((name) => {
    const positions = [...layout].flatMap((letter, at) => (letter === name ? [at] : []));
    return segment(name, 20, positions);
  });

export const named = (...uuids: readonly (string | number)[]) => uuids.map(String);

/** Segments laid out at random: rows, and an owner or none for each fragment; now and then one after the other. */
export const layouts = fc
  .tuple(
    fc.array(fc.oneof(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: 1200 })), { maxLength: 25 }),
    fc.array(fc.integer({ min: -1, max: 30 }), { maxLength: 40 }),
    fc.boolean(),
  )
  .map(([rows, owners, interleaved]) => {
    const sorted = interleaved ? owners : [...owners].sort((a, b) => a - b);
    return rows.map((count, at) => {
      const positions = sorted.flatMap((owner, position) => (owner === at ? [position] : []));
      return segment(`s${at}`, positions.length === 0 ? 0 : count, positions);
    });
  });

export const live = (segments: readonly MergeCandidate[]) => segments.filter(({ positions }) => positions.length > 0);

export function isUnbroken(segments: readonly MergeCandidate[]): boolean {
  const positions = segments.flatMap((it) => Array.from(it.positions)).sort((a, b) => a - b);
  return positions.every((position, at) => position === (positions[0] as number) + at);
}

/** Every set of segments that may be merged, by trying each range of fragments. */
export function allRuns(segments: readonly MergeCandidate[], maxFactor: number): MergeCandidate[][] {
  const runs: MergeCandidate[][] = [];
  for (let from = 0; from < 40; from++) {
    for (let to = from; to < 40; to++) {
      const inside = live(segments).filter(({ positions }) => positions.every((it) => from <= it && it <= to));
      const covered = inside.reduce((sum, { positions }) => sum + positions.length, 0);
      if (inside.length > 1 && inside.length <= maxFactor && covered === to - from + 1) runs.push(inside);
    }
  }
  return runs;
}
