/** An index as telemetry tells of it. */
import type { Coverage } from '../lance/plan/coverage.ts';
import { coverageRatio } from '../lance/plan/coverage.ts';
import type { IndexState } from '../telemetry/table-events.ts';

type Seen = { readonly name: string; readonly coverage: Coverage; readonly segments: number };

/** A gap is at least as old as `versionMs`, the time of the version that shows it. */
export function indexReport({ name, coverage, segments }: Seen, versionMs: number): IndexState {
  return {
    name,
    missingRows: coverage.missingRows,
    missingFragments: coverage.missing.length,
    coverage: coverageRatio(coverage),
    segments,
    lagSeconds: coverage.missing.length > 0 ? Math.max(0, (Date.now() - versionMs) / 1000) : 0,
  };
}
