/** One merge of a table: segments built over the fragments of those they replace, committed in one version. */
import type { Manifest } from '../lance/codec/manifest.ts';
import { applyBuild } from '../lance/commit/apply-build.ts';
import type { CommitSettings } from '../lance/commit/commit-request.ts';
import type { RebasedSegment } from '../lance/commit/rebase.ts';
import type { RejectCause } from '../lance/commit/reject-causes.ts';
import { buildUnlessStale } from '../lance/engine/build-unless-stale.ts';
import type { SegmentBuilder } from '../lance/segment.ts';
import type { LanceTable } from '../lance/table/table.ts';
import { stopwatch } from '../lib/stopwatch.ts';
import type { MergePlan } from './merge-plan.ts';

export type MergeParts = {
  readonly builder: SegmentBuilder;
  readonly commit: CommitSettings;
  readonly properties: Readonly<Record<string, string>>;
  /** Runs the commit of the uploaded segments in a slot of its own; rejects without running it when there is none. */
  readonly withSlot: <T>(land: () => Promise<T>) => Promise<T>;
};

export type Merged = {
  readonly kind: 'landed';
  readonly version: number;
  readonly transactionUuid: string;
  readonly segments: readonly RebasedSegment[];
  readonly bytes: number;
  readonly buildMs: number;
  readonly commitMs: number;
  readonly attempts: number;
};

/** `rejected`: the table moved under the merge; nothing of it is left, and it has to be planned anew. */
export type MergeResult = Merged | { readonly kind: 'rejected'; readonly cause: RejectCause };

/** Does what is due. Errors: build_failed, commit_contended, commit_unknown, store_*, and those of the fragment view. */
export async function mergeTable(
  table: LanceTable,
  manifest: Manifest,
  { requests, remove }: Pick<MergePlan, 'requests' | 'remove'>,
  { builder, commit, properties, withSlot }: MergeParts,
): Promise<MergeResult> {
  const lap = stopwatch();
  const build = await buildUnlessStale(builder, table, manifest, requests, 'merge');
  if (!build) return { kind: 'rejected', cause: 'files_gone' };
  await using _ = build;
  if ((build.withheld ?? []).length > 0) return { kind: 'rejected', cause: 'nothing_left' };
  const buildMs = lap();
  const done = await applyBuild(table, build, { replaces: remove, properties, withSlot }, commit);
  if (done.kind === 'moved') return { kind: 'rejected', cause: done.cause };
  const { version, transactionUuid, segments, commitMs, attempts } = done;
  const bytes = segments.flatMap(({ segment }) => segment.files).reduce((sum, file) => sum + file.bytes, 0);
  return { kind: 'landed', version, transactionUuid, segments, bytes, buildMs, commitMs, attempts };
}
