/** The telemetry of merges, and the notification of one that landed. */
import { indexReports, rowsOf } from '../control/index-reports.ts';
import type { Manifest } from '../lance/codec/manifest.ts';
import type { BuiltSegment, SegmentBuilder } from '../lance/segment.ts';
import type { TableRef } from '../model.ts';
import { isFullyCovered } from '../model.ts';
import type { PipelineContext } from '../stages/context.ts';
import type { MergePlan } from './merge-plan.ts';
import type { Merged, MergeResult } from './merge-table.ts';
import type { MergeSettings } from './policy/tiered.ts';
import { countTiers } from './policy/tiered.ts';

/** Reports the merges that are due and the number of segments: after a merge no batch follows that would report them. */
export function reportPlan(
  { telemetry, states }: PipelineContext,
  { id }: TableRef,
  plan: MergePlan,
  manifest: Manifest,
  settings: MergeSettings,
): void {
  const { version } = manifest;
  telemetry.mergesPlanned({ table: id, tiers: countTiers(plan.segmentRows, settings), pending: plan.pending });
  const indexes = indexReports(plan.states, manifest);
  const isCovered = isFullyCovered(indexes);
  states.observed(id, version, indexes, isCovered ? version : undefined, rowsOf(manifest));
  telemetry.planned({ table: id, version, outcome: 'merges', indexes });
}

export function reportStarted({ telemetry }: PipelineContext, { id }: TableRef, { merges }: MergePlan): void {
  for (const { index, inputs, rows, reason } of merges) {
    telemetry.mergeStarted({ table: id, index, segments: inputs.length, rows, reason });
  }
}

/** Reports what each build wrote: a merge that does not land has cost as much as one that does. */
export function countedBuilder(context: PipelineContext, table: TableRef): SegmentBuilder {
  return {
    async build(...work) {
      const build = await context.builder.build(...work);
      reportBuilt(context, table, build.segments);
      return build;
    },
  };
}

export function reportBuilt(
  { telemetry }: PipelineContext,
  { id }: TableRef,
  segments: readonly Pick<BuiltSegment, 'rows'>[],
): void {
  telemetry.mergeBuilt({ table: id, rows: segments.reduce((sum, { rows }) => sum + rows, 0) });
}

/** `result`: null when the merge failed. */
export function reportFinished(
  context: PipelineContext,
  table: TableRef,
  { merges }: MergePlan,
  result: MergeResult | null,
): void {
  const sum = (values: readonly number[]) => values.reduce((all, value) => all + value, 0);
  const landed = result?.kind === 'landed' ? result : null;
  context.telemetry.mergeFinished({
    table: table.id,
    outcome: result?.kind ?? 'failed',
    ...(result?.kind === 'rejected' ? { cause: result.cause } : {}),
    segmentsIn: sum(merges.map(({ inputs }) => inputs.length)),
    segmentsOut: landed?.segments.length ?? 0,
    rows: landed ? sum(merges.map(({ rows }) => rows)) : 0,
    bytesIn: landed ? sum(merges.map(({ bytes }) => bytes)) : 0,
    bytesOut: landed?.bytes ?? 0,
    seconds: landed ? (landed.buildMs + landed.commitMs) / 1000 : 0,
  });
  if (landed) context.notify(mergedNotice(table, merges, landed));
}

function mergedNotice(table: TableRef, merges: MergePlan['merges'], merged: Merged) {
  const { version, transactionUuid: transaction, commitMs, segments } = merged;
  return {
    type: 'segment.merged' as const,
    table: table.id,
    version,
    transaction,
    duration_ms: Math.round(commitMs),
    segments: segments.map(({ segment, fragments }) => ({
      index: segment.index,
      uuid: segment.uuid,
      fragments,
      rows: segment.rows,
      replaced: merges.find(({ index }) => index === segment.index)?.inputs ?? [],
    })),
  };
}
