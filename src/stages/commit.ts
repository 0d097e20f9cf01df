/** Publishes what was built and commits it in one version, then lets go of the scratch files in every outcome. */
import type { OperatorFunction } from 'rxjs';
import { concatMap } from 'rxjs';
import { indexReport } from '../control/index-report.ts';
import type { Manifest } from '../lance/codec/manifest.ts';
import { landBuild } from '../lance/commit/apply-build.ts';
import type { CommitOutcome } from '../lance/commit/commit-change.ts';
import type { Coverage } from '../lance/plan/coverage.ts';
import { coverageOf } from '../lance/plan/coverage.ts';
import type { IndexState } from '../lance/plan/index-plan.ts';
import { SegmentdError } from '../lib/errors.ts';
import type { Notification } from '../model.ts';
import type { IndexState as IndexReport } from '../telemetry/table-events.ts';
import type { Kit } from './context.ts';
import { provenance } from './provenance.ts';
import { planAgain } from './replan.ts';
import type { Built, Committed, Landed } from './work.ts';

export function commit(kit: Kit): OperatorFunction<Built, Committed> {
  return concatMap(async (built) => (built.kind === 'built' ? commitSegments(kit, built) : built));
}

type Work = Extract<Built, { kind: 'built' }>;

async function commitSegments(kit: Kit, work: Work): Promise<Committed> {
  await using build = work.build;
  kit.signal.throwIfAborted();
  const { batch } = work;
  const table = kit.tables.open(batch.table.uri);
  const { outcome, transactionUuid, commitMs } = await landBuild(
    table,
    build,
    { remove: work.remove, properties: provenance(kit.settings, batch) },
    { ...kit.settings.commit, writer: kit.settings.writer, signal: kit.signal },
  );
  reportCommit(kit, batch.table.id, outcome, commitMs / 1000);
  switch (outcome.kind) {
    case 'landed':
      kit.notify(committedNotice(batch.table.id, transactionUuid, outcome, commitMs));
      return landed(kit, work, outcome);
    case 'rejected':
      if (outcome.cause === 'store_refused' && outcome.error) throw outcome.error;
      if (outcome.cause === 'contended') {
        throw new SegmentdError('commit_contended', `lost ${outcome.races} races for the next version`);
      }
      return planAgain(kit, batch, outcome.cause);
    case 'unknown':
      throw new SegmentdError('commit_unknown', outcome.error.message, { cause: outcome.error });
  }
}

function landed(kit: Kit, { batch, build, whole, states, remove }: Work, { rebased, version }: Landed): Committed {
  if (rebased.droppedFragments > 0) {
    kit.telemetry.fragmentsDropped({ table: batch.table.id, fragments: rebased.droppedFragments });
  }
  for (const { cause } of rebased.skipped) kit.telemetry.replanned({ table: batch.table.id, cause });
  // Progress was made, so the count of fruitless rounds begins anew.
  const rest = { ...batch, replans: 0, progressed: true };
  const complete = whole && rebased.skipped.length === 0 && rebased.droppedFragments === 0;
  if (!complete) return { kind: 'again', batch: rest };
  const indexes = states.map((state) => stateAfter(state, rebased, remove, build.manifest));
  return {
    kind: 'covered',
    batch: rest,
    fresh: true,
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

function reportCommit(kit: Kit, table: string, outcome: CommitOutcome, seconds: number): void {
  const version = outcome.kind === 'landed' ? outcome.version : undefined;
  const retries = outcome.races > 0 ? { manifest_race: outcome.races } : {};
  kit.telemetry.commitFinished({ table, outcome: outcome.kind, seconds, attempts: outcome.attempts, version, retries });
}
