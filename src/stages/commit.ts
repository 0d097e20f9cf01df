/** Publishes what was built and commits it in one version, then lets go of the scratch files in every outcome. */
import type { OperatorFunction } from 'rxjs';
import { concatMap } from 'rxjs';
import { indexReport } from '../control/index-report.ts';
import type { Manifest } from '../lance/codec/manifest.ts';
import { applyBuild } from '../lance/commit/apply-build.ts';
import type { CommitOutcome } from '../lance/commit/commit-change.ts';
import type { Coverage } from '../lance/plan/coverage.ts';
import { coverageOf } from '../lance/plan/coverage.ts';
import type { IndexState } from '../lance/plan/index-plan.ts';
import { SegmentdError } from '../lib/errors.ts';
import type { Notification } from '../model.ts';
import type { IndexReport } from '../telemetry/table-events.ts';
import type { PipelineContext } from './context.ts';
import { provenance } from './provenance.ts';
import { requeue } from './replan.ts';
import type { Built, Committed, Landed } from './work.ts';

export function commit(context: PipelineContext): OperatorFunction<Built, Committed> {
  return concatMap(async (built) => (built.kind === 'built' ? commitSegments(context, built) : built));
}

type Work = Extract<Built, { kind: 'built' }>;

async function commitSegments(context: PipelineContext, work: Work): Promise<Committed> {
  await using build = work.build;
  context.signal.throwIfAborted();
  const { batch } = work;
  const table = context.tables.open(batch.table.uri);
  const { outcome, transactionUuid, commitMs } = await applyBuild(
    table,
    build,
    { remove: work.remove, properties: provenance(context.settings, batch) },
    { ...context.settings.commit, writer: context.settings.writer, signal: context.signal },
  );
  reportCommit(context, batch.table.id, outcome, commitMs / 1000);
  switch (outcome.kind) {
    case 'landed':
      context.notify(committedNotice(batch.table.id, transactionUuid, outcome, commitMs));
      return landed(context, work, outcome);
    case 'rejected':
      if (outcome.cause === 'store_refused' && outcome.error) throw outcome.error;
      if (outcome.cause === 'contended') {
        throw new SegmentdError('commit_contended', `lost ${outcome.conflicts} races for the next version`);
      }
      return requeue(context, batch, outcome.cause);
    case 'unknown':
      throw new SegmentdError('commit_unknown', outcome.error.message, { cause: outcome.error });
  }
}

function landed(
  context: PipelineContext,
  { batch, build, complete, states, remove }: Work,
  { rebased, version }: Landed,
): Committed {
  if (rebased.droppedFragments > 0) {
    context.telemetry.fragmentsDropped({ table: batch.table.id, fragments: rebased.droppedFragments });
  }
  for (const { cause } of rebased.skipped) context.telemetry.replanned({ table: batch.table.id, cause });
  // Progress was made, so the count of fruitless rounds begins anew.
  const rest = { ...batch, replanCount: 0, committed: true };
  const isCovered = complete && rebased.skipped.length === 0 && rebased.droppedFragments === 0;
  if (!isCovered) return { kind: 'requeue', batch: rest };
  const indexes = states.map((state) => stateAfter(state, rebased, remove, build.manifest));
  return {
    kind: 'covered',
    batch: rest,
    committed: true,
    coveredVersion: build.manifest.version,
    tableVersion: version,
    indexes,
  };
}

/** The index as the commit left it. It may still miss what was not asked for. */
function stateAfter(
  state: IndexState,
  { keep, stale }: Landed['rebased'],
  remove: readonly string[],
  base: Manifest,
): IndexReport {
  const gone = new Set([...remove, ...stale]);
  const kept = state.segments.filter(({ uuid }) => !gone.has(uuid));
  const added = keep.filter(({ segment }) => segment.index === state.name);
  const built = added.reduce((sum, { fragments }) => sum + fragments.length, 0);
  const coverage =
    built >= state.coverage.missing.length
      ? FULL
      : coverageOf(base.fragments, [
          ...kept,
          ...added.map(({ fragments }) => ({ fragments: Uint32Array.from(fragments) })),
        ]);
  return indexReport({ name: state.name, coverage, segments: kept.length + added.length }, base.timestampMs);
}

const FULL: Coverage = { missing: new Uint32Array(), stale: 0, coveredRows: 0, missingRows: 0 };

function committedNotice(table: string, transaction: string, { version, rebased }: Landed, ms: number): Notification {
  const segments = rebased.keep.map(({ segment, fragments }) => ({
    index: segment.index,
    uuid: segment.uuid,
    fragments,
    rows: segment.rows,
  }));
  return { type: 'segment.committed', table, version, transaction, duration_ms: Math.round(ms), segments };
}

function reportCommit(context: PipelineContext, table: string, outcome: CommitOutcome, seconds: number): void {
  const version = outcome.kind === 'landed' ? outcome.version : undefined;
  const retries = outcome.conflicts > 0 ? { manifest_race: outcome.conflicts } : {};
  context.telemetry.commitFinished({
    table,
    outcome: outcome.kind,
    seconds,
    attempts: outcome.attempts,
    version,
    retries,
  });
}
