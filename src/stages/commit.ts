/** Commits what was built in one version, then deletes the scratch files in every outcome. */
import type { OperatorFunction } from 'rxjs';
import { concatMap } from 'rxjs';
import { indexReport, segmentReport } from '../control/index-reports.ts';
import type { FragmentList } from '../lance/codec/fragments.ts';
import type { Committed, Moved } from '../lance/commit/apply-build.ts';
import { applyBuild } from '../lance/commit/apply-build.ts';
import type { CommitOutcome } from '../lance/commit/commit-request.ts';
import type { RebasedSegment } from '../lance/commit/rebase.ts';
import type { Coverage } from '../lance/plan/coverage.ts';
import { coverageOf, heldBelow } from '../lance/plan/coverage.ts';
import type { IndexState } from '../lance/plan/index-plan.ts';
import type { Build } from '../lance/segment.ts';
import type { IndexReport, Notification, SegmentReport } from '../model.ts';
import type { PipelineContext } from './context.ts';
import { mergeProperties, provenance } from './provenance.ts';
import { requeue } from './retry.ts';
import { traced } from './traced.ts';
import type { Built, Settleable } from './work.ts';

/** `overtaken` gets the ids of tables to which others committed after the plan. */
export function commit(
  context: PipelineContext,
  overtaken: Set<string> = new Set(),
): OperatorFunction<Built, Settleable> {
  return concatMap(async (built) => {
    if (built.kind !== 'built') return built;
    const settled = await commitSegments(context, built);
    if (settled.kind === 'covered' && settled.tableVersion > settled.coveredVersion + 1)
      overtaken.add(built.batch.table.id);
    return settled;
  });
}

type Work = Extract<Built, { kind: 'built' }>;

async function commitSegments(context: PipelineContext, work: Work): Promise<Settleable> {
  let settled: Settleable | undefined;
  try {
    settled = await commitBuild(context, work);
    return settled;
  } finally {
    if (settled?.kind === 'covered') removeLater(work.build);
    else await work.build[Symbol.asyncDispose]();
  }
}

async function commitBuild(context: PipelineContext, work: Work): Promise<Settleable> {
  const { batch, along } = work;
  let done: Committed | Moved;
  try {
    context.signal.throwIfAborted();
    done = await land(context, work);
  } catch (error) {
    along?.failed();
    throw error;
  }
  if (done.kind === 'moved') {
    along?.refused(done.cause);
    return requeue(context, batch, done.cause);
  }
  along?.landed(done);
  const fresh = done.segments.filter(({ segment }) => !along?.owns(segment));
  context.notify(committedNotice(batch.table.id, done, fresh));
  context.landed?.(
    batch.table,
    done.version,
    done.segments.map(({ segment }) => segment.uuid),
  );
  return settleable(context, work, done, fresh);
}

/**
 * Deletes the scratch files after the acknowledgement, which would wait for that as long as for all else between it and the commit. What cannot be deleted
 * goes with the scratch folder.
 */
function removeLater(build: Build): void {
  setImmediate(async () => {
    try {
      await build[Symbol.asyncDispose]();
    } catch {}
  });
}

function land(context: PipelineContext, { batch, build, remove, along }: Work): Promise<Committed | Moved> {
  const { id, uri } = batch.table;
  const { commit: settings, writer } = context.settings;
  const onOutcome = (outcome: CommitOutcome, ms: number) => reportCommit(context, id, outcome, ms / 1000);
  const merged = along ? mergeProperties(along.remove.length) : {};
  const change = {
    replaces: [...remove, ...(along?.remove ?? [])],
    properties: { ...provenance(context.settings, batch), ...merged },
  };
  return applyBuild(context.tables.open(uri), build, change, {
    ...{ ...settings, writer, onOutcome },
    step: (name, work) => traced(batch, name, work),
    signal: context.signal,
  });
}

/** `fresh`: the committed segments of the batch itself. */
function settleable(
  context: PipelineContext,
  work: Work,
  done: Committed,
  fresh: readonly RebasedSegment[],
): Settleable {
  const { batch, build, complete, states } = work;
  const { skipped, version } = done;
  const table = batch.table.id;
  const droppedFragments = fresh.reduce(
    (sum, { segment, fragments }) => sum + segment.fragments.length - fragments.length,
    0,
  );
  if (droppedFragments > 0) context.telemetry.fragmentsDropped({ table, fragments: droppedFragments });
  for (const { cause } of skipped) context.telemetry.replanned({ table, cause });
  // Progress was made, so the count of rounds without progress starts again.
  const after = { ...batch, replanCount: 0, committed: true };
  const isLess = skipped.length > 0 || droppedFragments > 0 || [build.withheld, build.failed].some((it) => it?.length);
  if (!complete || isLess) return { kind: 'requeue', batch: after };
  return {
    kind: 'covered',
    batch: after,
    committed: true,
    coveredVersion: build.manifest.version,
    coveredAtMs: done.landedAtMs,
    tableVersion: version,
    indexes: states.map((state) => stateAfter(state, work, done, fresh)),
  };
}

/** The index as the commit left it. It may still miss fragments that were not requested. */
function stateAfter(
  state: IndexState,
  { remove, along, build: { manifest: base } }: Work,
  { segments, stale }: Committed,
  fresh: readonly RebasedSegment[],
): IndexReport {
  const gone = new Set([...remove, ...(along?.remove ?? []), ...stale]);
  const kept = state.segments.filter(({ uuid }) => !gone.has(uuid));
  const isOfIndex = ({ segment }: RebasedSegment) => segment.index === state.name;
  const added = segments.filter(isOfIndex);
  // What merges cover was covered before.
  const built = fresh.filter(isOfIndex).reduce((sum, { fragments }) => sum + fragments.length, 0);
  const coverage =
    built >= state.coverage.missing.length
      ? allBuilt(state.coverage)
      : heldBelow(
          coverageOf(base.fragments, [
            ...kept,
            ...added.map(({ fragments }) => ({ fragments: Uint32Array.from(fragments) })),
          ]),
          state.floor,
        );
  const { version, fragments } = base;
  const segmentList = [
    ...kept.map((segment) => segmentReport(segment, fragments)),
    ...added.map((own) => reportOf(own, version, fragments)),
  ];
  return indexReport({ name: state.name, kind: state.kind.name, coverage, segmentList }, base.timestampMs);
}

function reportOf({ segment, fragments: ids }: RebasedSegment, version: number, current: FragmentList): SegmentReport {
  return segmentReport({ uuid: segment.uuid, datasetVersion: version, fragments: Uint32Array.from(ids) }, current);
}

const allBuilt = (before: Coverage): Coverage => ({
  ...before,
  missing: new Uint32Array(),
  coveredRows: before.coveredRows + before.missingRows,
  missingRows: 0,
});

function committedNotice(
  table: string,
  { version, transactionUuid, commitMs }: Committed,
  segments: readonly RebasedSegment[],
): Notification {
  return {
    type: 'segment.committed',
    table,
    version,
    transaction: transactionUuid,
    duration_ms: Math.round(commitMs),
    segments: segments.map(({ segment: { index, uuid, rows }, fragments }) => ({ index, uuid, fragments, rows })),
  };
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
