/** Indexes everything that a table misses, round by round, without Kafka. */
import type { ApplySettings } from '../../lance/commit/apply-build.ts';
import { applyBuild } from '../../lance/commit/apply-build.ts';
import type { CommitSettings } from '../../lance/commit/commit-request.ts';
import type { RebasedSegment } from '../../lance/commit/rebase.ts';
import { buildUnlessStale } from '../../lance/engine/build-unless-stale.ts';
import type { BatchLimits } from '../../lance/plan/next-segments.ts';
import type { StableRowIds } from '../../lance/plan/row-ids.ts';
import type { PlanScope } from '../../lance/plan/table-plan.ts';
import { planTable } from '../../lance/plan/table-plan.ts';
import type { WantedIndexes } from '../../lance/plan/wanted-index.ts';
import type { SegmentBuilder } from '../../lance/segment.ts';
import type { LanceTable } from '../../lance/table/table.ts';
import { stopwatch } from '../../lib/stopwatch.ts';
import { FruitlessRounds } from './fruitless-rounds.ts';

export type CatchUp = {
  /** Version of the last commit, or of the table when there was nothing to do. */
  readonly version: number;
  readonly planMs: number;
  readonly uploadMs: number;
  readonly commitMs: number;
  /** Tries of all commits together. */
  readonly attempts: number;
  readonly segments: readonly RebasedSegment['segment'][];
};

export type CatchUpSettings = {
  readonly wanted: WantedIndexes;
  /** Default: decline. */
  readonly stableRowIds?: StableRowIds;
  /** Rows that a vector index has to miss before a segment is built. */
  readonly minRows?: number | undefined;
  readonly limits: BatchLimits;
  readonly commit: CommitSettings;
  readonly properties: Readonly<Record<string, string>>;
  /** Default: everything that is missing. */
  readonly scope?: PlanScope;
  /** Called after each commit with the rows of its segments. */
  readonly onRows?: (rows: number) => void;
};

/** Errors: the code a declined table has, build_failed, build_stale, commit_contended, commit_unknown, store_*. */
export async function catchUp(
  table: LanceTable,
  builder: SegmentBuilder,
  { wanted, stableRowIds = 'decline', minRows, limits, commit, properties, scope, onRows }: CatchUpSettings,
): Promise<CatchUp> {
  const took = { planMs: 0, uploadMs: 0, commitMs: 0, attempts: 0 };
  const segments: RebasedSegment['segment'][] = [];
  const rounds = new FruitlessRounds();
  const onOutcome: ApplySettings['onOutcome'] = ({ attempts }, commitMs) => {
    took.attempts += attempts;
    took.commitMs += commitMs;
  };
  for (let recent = false; ; recent = true) {
    const lap = stopwatch();
    const manifest = await table.latest({ recent });
    const { requests, remove } = planTable(manifest, { wanted, stableRowIds, minRows }, limits, scope);
    took.planMs += lap();
    if (requests.length === 0) return { ...took, version: manifest.version, segments };

    const done = await rounds.run(async () => {
      const build = await buildUnlessStale(
        builder,
        table,
        manifest,
        requests,
        remove.length > 0 ? 'replacement' : 'fresh',
      );
      if (!build) return { kind: 'moved' as const, cause: 'files_gone' as const };
      await using _ = build;
      // What is in the way is noted, so the next plan is another one.
      if (build.segments.length === 0) return { kind: 'landed' as const, uploadMs: 0, segments: [] };
      // Awaited here: the build is disposed at the end of this block.
      return await applyBuild(table, build, { replaces: remove, properties }, { ...commit, onOutcome });
    });
    if (!done) continue;
    took.uploadMs += done.uploadMs;
    const committed = done.segments.map(({ segment }) => segment);
    segments.push(...committed);
    onRows?.(committed.reduce((sum, { rows }) => sum + rows, 0));
  }
}
