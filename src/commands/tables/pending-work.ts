/** What a table needs next, and how its segments are spread over the tiers, as the daemon sees it. Pure. */
import type { Manifest } from '../../lance/codec/manifest.ts';
import type { TableFacts } from '../../lance/inspect/inspect.ts';
import type { BatchLimits } from '../../lance/plan/next-segments.ts';
import type { TablePolicy } from '../../lance/plan/row-ids.ts';
import { planTable } from '../../lance/plan/table-plan.ts';
import { SegmentdError } from '../../lib/errors.ts';
import type { KindName } from '../../lib/index-kinds.ts';
import { planMerges } from '../../merge/merge-plan.ts';
import type { MergeReason } from '../../merge/policy/candidates.ts';
import type { MergeSettings } from '../../merge/policy/tiered.ts';
import { countTiers, planAhead } from '../../merge/policy/tiered.ts';

/** Segments of each tier that is not empty, the small ones first: `0`, `1`, … `mature`. */
export type SegmentsByTier = Readonly<Record<string, number>>;

export type PendingWork = {
  /** The next segments, one per index that misses something, in one commit. */
  readonly segments: readonly {
    readonly index: string;
    readonly column: string;
    readonly fragments: number;
    readonly rows: number;
  }[];
  /** Whether the new segments replace all that their indexes have. */
  readonly rebuilds: boolean;
  /** The next merges, one per index at most, in one commit. */
  readonly merges: readonly {
    readonly index: string;
    readonly column: string;
    readonly reason: MergeReason;
    readonly segments: number;
    readonly rows: number;
  }[];
  /** Merges due in all, those included that only these make possible. */
  readonly merges_due: number;
};

/** Nothing for a table that is declined. */
export function pendingWork(
  manifest: Manifest,
  policy: TablePolicy,
  limits: BatchLimits,
  settings: (kind: KindName) => MergeSettings,
): PendingWork {
  try {
    const { requests, remove } = planTable(manifest, policy, limits);
    const { merges, pending } = planMerges(manifest, policy, (segments, kind) => planAhead(segments, settings(kind)));
    return {
      segments: requests.map(({ index, column, fragments, rows }) => ({
        index,
        column,
        fragments: fragments.length,
        rows,
      })),
      rebuilds: remove.length > 0,
      merges: merges.map(({ index, column, reason, inputs, rows }) => ({
        index,
        column,
        reason,
        segments: inputs.length,
        rows,
      })),
      merges_due: pending,
    };
  } catch (error) {
    if (error instanceof SegmentdError && error.retry === 'never') {
      return { segments: [], rebuilds: false, merges: [], merges_due: 0 };
    }
    throw error;
  }
}

export function segmentsByTier(
  indexes: readonly Pick<TableFacts['indexes'][number], 'segments'>[],
  settings: MergeSettings,
): SegmentsByTier {
  const rows = indexes.flatMap(({ segments }) => segments.map((segment) => segment.rows));
  return Object.fromEntries([...countTiers(rows, settings)].filter(([, count]) => count > 0));
}
