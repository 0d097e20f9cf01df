/** The maintained indexes of a table in numbers, as a manifest or a commit shows them. */
import type { FragmentList } from '../lance/codec/fragments.ts';
import type { IndexMetadata } from '../lance/codec/index-metadata.ts';
import type { Manifest } from '../lance/codec/manifest.ts';
import type { Coverage } from '../lance/plan/coverage.ts';
import { coverageRatio } from '../lance/plan/coverage.ts';
import type { IndexState } from '../lance/plan/index-plan.ts';
import type { KindName } from '../lib/index-kinds.ts';
import type { IndexReport, SegmentReport } from '../model.ts';

type Measured = {
  readonly name: string;
  readonly kind: KindName;
  readonly coverage: Coverage;
  readonly segmentList: readonly SegmentReport[];
};

/** An index in numbers. A gap is at least as old as `versionMs`, the time of the version that shows it. */
export function indexReport({ name, kind, coverage, segmentList }: Measured, versionMs: number): IndexReport {
  return {
    name,
    kind,
    missingRows: coverage.missingRows,
    missingFragments: coverage.missing.length,
    heldRows: coverage.heldRows,
    coverage: coverageRatio(coverage),
    segments: segmentList.length,
    segmentList,
    lagSeconds: coverage.missing.length > 0 ? Math.max(0, (Date.now() - versionMs) / 1000) : 0,
  };
}

/** The maintained indexes as the manifest shows them. */
export function indexReports(states: readonly IndexState[], { timestampMs, fragments }: Manifest): IndexReport[] {
  return states.map(({ name, kind, coverage, segments }) => {
    const segmentList = segments.map((segment) => segmentReport(segment, fragments));
    return indexReport({ name, kind: kind.name, coverage, segmentList }, timestampMs);
  });
}

/** A segment of a table that has these fragments. */
export function segmentReport(
  { uuid, datasetVersion, fragments }: Pick<IndexMetadata, 'uuid' | 'datasetVersion' | 'fragments'>,
  current: FragmentList,
): SegmentReport {
  let [from, live, rows] = [0, 0, 0];
  for (const id of fragments ?? []) {
    // Both lists are sorted, so the search goes on where the last one ended.
    from = current.lowerBound(id, from);
    if (current.ids[from] !== id) continue;
    live += 1;
    rows += current.rows[from] ?? 0;
  }
  return { uuid, fragments: live, rows, version: datasetVersion };
}

/** Rows of a table that are not deleted. */
export const rowsOf = ({ fragments }: Pick<Manifest, 'fragments'>): number =>
  fragments.rows.reduce((sum, rows) => sum + rows, 0);
