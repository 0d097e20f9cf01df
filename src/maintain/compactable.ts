/** What a compaction would do to a table, and the merges that make room for it. Pure. */
import type { Manifest } from '../lance/codec/manifest.ts';
import { TARGET_ROWS_PER_FRAGMENT } from '../lance/plan/compaction-target.ts';
import { isMuchDeleted } from '../merge/compaction-backoff.ts';
import type { MergeRule } from '../merge/merge-plan.ts';
import type { MergeRun, Range, Segment } from '../merge/policy/candidates.ts';
import { eachRange, joinRange, sortCandidates } from '../merge/policy/candidates.ts';

type Fragments = Pick<Manifest['fragments'], 'length' | 'rows' | 'deleted'>;

const isShort = ({ rows, deleted }: Fragments, at: number) =>
  (rows[at] as number) + (deleted[at] as number) < TARGET_ROWS_PER_FRAGMENT;

/**
 * How many fragments a compaction would take, and about how many it would leave of them: neighbours that are short, and those with many
 * deleted rows. Segments count as merged by then.
 */
export function compactable(fragments: Fragments): { readonly taken: number; readonly left: number } {
  let [taken, left] = [0, 0];
  let run = { fragments: 0, rows: 0 };
  const endRun = () => {
    if (run.fragments > 1) {
      taken += run.fragments;
      left += Math.max(1, Math.ceil(run.rows / TARGET_ROWS_PER_FRAGMENT));
    }
    run = { fragments: 0, rows: 0 };
  };
  for (let at = 0; at < fragments.length; at++) {
    const rows = fragments.rows[at] as number;
    const hasMuchDeleted = isMuchDeleted(rows, fragments.deleted[at] as number);
    if (isShort(fragments, at)) run = { fragments: run.fragments + 1, rows: run.rows + rows };
    else endRun();
    if (hasMuchDeleted && !(isShort(fragments, at) && hasShortNeighbour(fragments, at)))
      [taken, left] = [taken + 1, left + 1];
  }
  endRun();
  return { taken, left };
}

const hasShortNeighbour = (fragments: Fragments, at: number) =>
  (at > 0 && isShort(fragments, at - 1)) || (at + 1 < fragments.length && isShort(fragments, at + 1));

/**
 * Lance compacts only neighbours that the same segments cover: segments that lie side by side over nothing but short fragments become one, up
 * to `maxRows`.
 */
export function mergesForCompaction({ fragments }: Pick<Manifest, 'fragments'>, maxRows: number): MergeRule {
  return (candidates) => {
    const { drop, segments } = sortCandidates(candidates);
    const runs: MergeRun[] = [];
    let left = segments.length;
    for (let from = 0; from < segments.length; from++) {
      const range = widestShort(segments, from, fragments, maxRows);
      if (!range) continue;
      const { uuids, rows } = joinRange(segments, range);
      runs.push({ uuids, rows, reason: 'asked' });
      left -= range.inputs - 1;
      from += range.inputs - 1;
    }
    return { drop, runs, segments: left };
  };
}

function widestShort(segments: readonly Segment[], from: number, fragments: Fragments, maxRows: number): Range | null {
  let widest: Range | null = null;
  const { first } = segments[from] as Segment;
  eachRange(segments, from, segments.length, (range) => {
    const end = first + range.fragments;
    for (let at = first; at < end; at++) if (!isShort(fragments, at)) return 'enough';
    if (range.rows > maxRows) return 'enough';
    widest = range;
    return 'more';
  });
  return widest;
}
