/** Which fragments of a table a proof looks at, where all of them would be too much to read. Pure, but for chance. */
import type { IndexMetadata } from '../codec/index-metadata.ts';
import type { Manifest } from '../codec/manifest.ts';

export type Bounds = {
  /** Rows of the chosen fragments together, but for the first, however large it is. */
  readonly rows: number;
  /** Rows of all segments together, if each row of each is to be listed. */
  readonly listedRows: number;
};

/** Numbers in the vectors that are read, and rows: an index has some hundred bytes for each. */
const MOST_NUMBERS = 2 ** 25;
const MOST_ROWS = 100_000;
const MOST_LISTED = 2_000_000;

/** For vectors of so many dimensions. */
export const boundsOf = (dimensions: number): Bounds => ({
  rows: Math.min(MOST_ROWS, Math.ceil(MOST_NUMBERS / dimensions)),
  listedRows: MOST_LISTED,
});

/** Fragments of each segment in turn, at random; and whether the segments are small enough to list all that they hold. */
export function chooseFragments(
  { fragments: list }: Manifest,
  segments: readonly Pick<IndexMetadata, 'fragments'>[],
  { rows: most, listedRows }: Bounds,
  random: () => number,
): { readonly fragments: number[]; readonly isListed: boolean } {
  const rowsOf = (id: number) => list.rows[list.indexOf(id)] ?? 0;
  const queues = segments.map(({ fragments }) =>
    shuffled(
      Array.from(fragments ?? []).filter((id) => rowsOf(id) > 0),
      random,
    ),
  );
  const total = queues.flat().reduce((sum, id) => sum + rowsOf(id), 0);
  const chosen = new Set<number>();
  let rows = 0;
  for (let at = 0; queues.some(({ length }) => at < length); at++) {
    for (const id of queues.flatMap((queue) => queue[at] ?? [])) {
      if (chosen.size > 0 && rows + rowsOf(id) > most) continue;
      if (!chosen.has(id)) rows += rowsOf(id);
      chosen.add(id);
    }
  }
  return { fragments: [...chosen].sort((a, b) => a - b), isListed: total <= listedRows && rows <= most };
}

function shuffled(ids: readonly number[], random: () => number): number[] {
  return ids
    .map((id) => ({ id, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ id }) => id);
}
