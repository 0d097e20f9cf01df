/** An index as telemetry tells of it. */
import type { Coverage } from '../lance/plan/coverage.ts';
import { coverageRatio } from '../lance/plan/coverage.ts';
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
