/** Indexes everything that a table misses, round by round, without Kafka. */
import { setTimeout as sleep } from 'node:timers/promises';
import { applyBuild } from '../lance/commit/apply-build.ts';
import type { CommitSettings } from '../lance/commit/commit-change.ts';
import type { RebasedSegment } from '../lance/commit/rebase.ts';
import type { RejectCause } from '../lance/commit/reject-causes.ts';
import { buildUnlessStale } from '../lance/engine/build-unless-stale.ts';
import type { SegmentBuilder } from '../lance/engine/segment-builder.ts';
import type { BatchLimits, WantedIndexes } from '../lance/plan/index-plan.ts';
import type { StableRowIds } from '../lance/plan/supported.ts';
import type { PlanScope } from '../lance/plan/table-plan.ts';
import { planTable } from '../lance/plan/table-plan.ts';
import type { LanceTable } from '../lance/table/table.ts';
import { SegmentdError } from '../lib/errors.ts';
import { stopwatch } from '../lib/stopwatch.ts';

export type CatchUp = {
  /** Version of the last commit, or of the table when there was nothing to do. */
  readonly version: number;
  readonly planMs: number;
  readonly publishMs: number;
  readonly commitMs: number;
  /** Tries of all commits together. */
  readonly attempts: number;
  readonly segments: readonly RebasedSegment['segment'][];
};

export type CatchUpSettings = {
  readonly wanted: WantedIndexes;
  /** Default: decline. */
  readonly stableRowIds?: StableRowIds;
  readonly limits: BatchLimits;
  readonly commit: CommitSettings;
  readonly properties: Readonly<Record<string, string>>;
  /** Default: everything that is missing. */
  readonly scope?: PlanScope;
  /** Called after each commit with the rows of its segments. */
  readonly onRows?: (rows: number) => void;
};

/** Rounds in a row that the table may move under the build before it counts as contended. */
const MAX_FRUITLESS_ROUNDS = 10;
const FRUITLESS_PAUSE_MS = 100;

/** Errors: the code a declined table has, build_failed, commit_contended, commit_unknown, store_*. */
export async function catchUp(
  table: LanceTable,
  builder: SegmentBuilder,
  { wanted, stableRowIds = 'decline', limits, commit, properties, scope, onRows }: CatchUpSettings,
): Promise<CatchUp> {
  const took = { planMs: 0, publishMs: 0, commitMs: 0, attempts: 0 };
  const segments: RebasedSegment['segment'][] = [];
  for (let fruitless = 0; ; ) {
    const lap = stopwatch();
    const manifest = await table.latest();
    const { requests, remove } = planTable(manifest, { wanted, stableRowIds }, limits, scope);
    took.planMs += lap();
    if (requests.length === 0) return { ...took, version: manifest.version, segments };

    const build = await buildUnlessStale(builder, table, manifest, requests);
    if (!build) {
      fruitless = await afterFruitless(fruitless, 'files_gone');
      continue;
    }
    await using _ = build;
    const { outcome, publishMs, commitMs } = await applyBuild(table, build, { remove, properties }, commit);
    took.publishMs += publishMs;
    took.commitMs += commitMs;
    took.attempts += outcome.attempts;
    if (outcome.kind === 'unknown') throw new SegmentdError('commit_unknown', outcome.error.message);
    if (outcome.kind === 'landed') {
      fruitless = 0;
      const landed = outcome.rebased.keep.map(({ segment }) => segment);
      segments.push(...landed);
      onRows?.(landed.reduce((sum, { rows }) => sum + rows, 0));
      continue;
    }
    if (outcome.error) throw outcome.error;
    fruitless = await afterFruitless(fruitless, outcome.cause);
  }
}

/** Counts a round without progress and waits a little longer after each. Errors: commit_contended after too many. */
async function afterFruitless(before: number, cause: RejectCause): Promise<number> {
  const rounds = before + 1;
  if (rounds >= MAX_FRUITLESS_ROUNDS) {
    throw new SegmentdError('commit_contended', `the table moved under ${rounds} builds, last: ${cause}`);
  }
  await sleep(FRUITLESS_PAUSE_MS * rounds);
  return rounds;
}
