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

/** Most fragments of a layout. */
const MOST_FRAGMENTS = 40;

/**
 * Segments laid out at random, small ones above all: each over up to two fragments, now and then after a gap, and some fragments
 * exchanged with others near by, so that segments lie interleaved or are parted.
 */
export const layouts = fc
  .record({
    segments: fc.array(
      fc.record({
        rows: fc.oneof(
          { weight: 6, arbitrary: fc.nat(30) },
          { weight: 1, arbitrary: fc.nat(400) },
          { weight: 1, arbitrary: fc.nat(1200) },
        ),
        fragments: fc.oneof({ weight: 6, arbitrary: fc.constant(1) }, fc.integer({ min: 0, max: 2 })),
        afterGap: fc.nat(20).map((it) => it === 20),
      }),
      { maxLength: 25, size: 'max' },
    ),
    exchanged: fc.array(fc.tuple(fc.nat(MOST_FRAGMENTS), fc.nat(4)), { maxLength: 6, size: 'max' }),
  })
  .map(({ segments, exchanged }) => {
    const owners = segments
      .flatMap(({ fragments, afterGap }, at) => [...(afterGap ? [-1] : []), ...Array<number>(fragments).fill(at)])
      .slice(0, MOST_FRAGMENTS);
    for (const [at, distance] of exchanged) {
      const [one, other] = [owners[at], owners[at + distance]];
      if (one !== undefined && other !== undefined) [owners[at], owners[at + distance]] = [other, one];
    }
    return segments.map(({ rows }, at) => {
      const positions = owners.flatMap((owner, position) => (owner === at ? [position] : []));
      return segment(`s${at}`, positions.length === 0 ? 0 : rows, positions);
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
  for (let from = 0; from < MOST_FRAGMENTS; from++) {
    for (let to = from; to < MOST_FRAGMENTS; to++) {
      const inside = live(segments).filter(({ positions }) => positions.every((it) => from <= it && it <= to));
      const covered = inside.reduce((sum, { positions }) => sum + positions.length, 0);
      if (inside.length > 1 && inside.length <= maxFactor && covered === to - from + 1) runs.push(inside);
    }
  }
  return runs;
}
