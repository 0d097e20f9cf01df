/** The indexes of a table in numbers, for telemetry and table states. */
import type { Manifest } from '../lance/codec/manifest.ts';
import type { Coverage } from '../lance/plan/coverage.ts';
import { coverageRatio } from '../lance/plan/coverage.ts';
import type { IndexState } from '../lance/plan/index-plan.ts';
import type { IndexReport } from '../model.ts';

type Measured = { readonly name: string; readonly coverage: Coverage; readonly segments: number };

/** A gap is at least as old as `versionMs`, the time of the version that shows it. */
export function indexReport({ name, coverage, segments }: Measured, versionMs: number): IndexReport {
  return {
    name,
    missingRows: coverage.missingRows,
    missingFragments: coverage.missing.length,
    coverage: coverageRatio(coverage),
    segments,
    lagSeconds: coverage.missing.length > 0 ? Math.max(0, (Date.now() - versionMs) / 1000) : 0,
  };
}

/** The maintained indexes as the manifest shows them. */
export function indexReports(states: readonly IndexState[], { timestampMs }: Manifest): IndexReport[] {
  return states.map(({ name, coverage, segments }) =>
    indexReport({ name, coverage, segments: segments.length }, timestampMs),
  );
}
