/** Cuts what an index misses into parts that different members build. Pure. */
import type { Manifest } from '../codec/manifest.ts';
import type { IndexState } from './index-plan.ts';

/** Fragments for one segment. */
export type BackfillPart = { readonly fragments: readonly number[]; readonly rows: number };

/** What at least one of the indexes misses, in table order, without the fragments that are left to others. */
export function missingOfAny(
  states: readonly IndexState[],
  isDelegated: (fragment: number) => boolean = () => false,
): Uint32Array {
  const missing = new Set(states.flatMap(({ coverage }) => Array.from(coverage.missing)));
  return Uint32Array.from([...missing].filter((id) => !isDelegated(id))).sort();
}

export function rowsOf({ fragments }: Manifest, ids: Iterable<number>): number {
  let rows = 0;
  for (const id of ids) rows += fragments.rows[fragments.indexOf(id)] ?? 0;
  return rows;
}

/**
 * Neighbouring fragments go together, and the parts have about the same number of rows, `rowsPerPart` at most unless a single
 * fragment has more. `maxFragments` bounds a part of many empty ones.
 */
export function cutBackfill(
  manifest: Manifest,
  fragments: Uint32Array,
  { rowsPerPart, maxFragments }: { rowsPerPart: number; maxFragments: number },
): BackfillPart[] {
  const parts: BackfillPart[] = [];
  let left = rowsOf(manifest, fragments);
  let ids: number[] = [];
  let rows = 0;
  for (const id of fragments) {
    const more = rowsOf(manifest, [id]);
    const isFull = rows + more > rowsPerPart || ids.length === maxFragments;
    // Equal parts of what is left, rather than full ones and a small rest, so that members finish together. Cut where it is nearer.
    const target = left / Math.max(1, Math.ceil(left / rowsPerPart));
    if (ids.length > 0 && (isFull || rows + more / 2 > target)) {
      parts.push({ fragments: ids, rows });
      left -= rows;
      [ids, rows] = [[], 0];
    }
    ids.push(id);
    rows += more;
  }
  return ids.length > 0 ? [...parts, { fragments: ids, rows }] : parts;
}
