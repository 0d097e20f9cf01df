/** Coverage of one index at one version: set algebra over fragment ids. Pure. */
import type { FragmentList } from '../codec/fragments.ts';
import type { IndexMetadata } from '../codec/index-metadata.ts';

export type Coverage = {
  /** Live fragments that no segment covers and one is to be built over, sorted. */
  readonly missing: Uint32Array;
  /** Live fragments that no segment covers and that wait for more rows, sorted: queries search them without an index meanwhile. */
  readonly held: Uint32Array;
  /** Fragments that segments still name but the table no longer has. */
  readonly stale: number;
  readonly coveredRows: number;
  readonly missingRows: number;
  readonly heldRows: number;
};

const NONE = new Uint32Array(0);

/** `covered = declared ∩ current`, `missing = current − covered`, `stale = declared − current`. */
export function coverageOf(current: FragmentList, segments: readonly Pick<IndexMetadata, 'fragments'>[]): Coverage {
  const covered = new Uint8Array(current.length);
  const staleIds = new Set<number>();
  for (const { fragments } of segments) {
    let from = 0;
    for (const id of fragments ?? []) {
      // Both lists are sorted, so the search goes on where the last one ended.
      from = current.lowerBound(id, from);
      if (current.ids[from] === id) covered[from] = 1;
      else staleIds.add(id);
    }
  }
  const missing: number[] = [];
  let coveredRows = 0;
  let missingRows = 0;
  for (let at = 0; at < current.length; at++) {
    if (covered[at]) coveredRows += current.rows[at] as number;
    else {
      missing.push(current.ids[at] as number);
      missingRows += current.rows[at] as number;
    }
  }
  return {
    missing: Uint32Array.from(missing),
    held: NONE,
    stale: staleIds.size,
    coveredRows,
    missingRows,
    heldRows: 0,
  };
}

/** The same, where fewer missing rows than `rows` wait for more. */
export function heldBelow(coverage: Coverage, rows: number): Coverage {
  const { missing, missingRows } = coverage;
  if (missingRows >= rows) return coverage;
  return { ...coverage, missing: NONE, missingRows: 0, held: missing, heldRows: missingRows };
}

/** `rows`: held rows wait for more of them. `values`: they have nothing to index, however many they are. */
export type HeldFor = 'rows' | 'values';

type Held = { readonly coverage: Coverage; readonly floor: number; readonly barren: ReadonlySet<number> };

/** What the held rows of an index wait for; null when it has none. */
export function heldFor({ coverage: { held, heldRows }, floor, barren }: Held): HeldFor | null {
  if (held.length === 0) return null;
  return heldRows >= floor || held.every((id) => barren.has(id)) ? 'values' : 'rows';
}

/** Share of rows covered, 0 to 1. Never 1 while a fragment is in no segment, even one whose rows are all deleted. */
export function coverageRatio({ missing, held, coveredRows, missingRows, heldRows }: Coverage): number {
  if (missing.length === 0 && held.length === 0) return 1;
  const ratio = coveredRows / Math.max(1, coveredRows + missingRows + heldRows);
  return Math.min(ratio, 1 - Number.EPSILON);
}
