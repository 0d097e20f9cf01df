/**
 * Merges small segments in the background. A table is looked at when a batch of it is covered, and again after each merge, behind
 * the other tables that wait: large tables do not keep small ones waiting, and fresh data never waits for a merge.
 */
import type { OperatorFunction } from 'rxjs';
import { filter, from, ignoreElements, map, mergeMap, mergeWith, Subject, takeUntil, tap, timer } from 'rxjs';
import { indexReport } from '../control/index-report.ts';
import type { Manifest } from '../lance/codec/manifest.ts';
import type { SegmentBuilder } from '../lance/engine/segment-builder.ts';
import { readFailedCompactions } from '../lance/table/failed-compactions.ts';
import { appearedMs } from '../lance/table/fragment-age.ts';
import type { LanceTable } from '../lance/table/table.ts';
import { backoffMs } from '../lib/backoff.ts';
import { SegmentdError } from '../lib/errors.ts';
import type { TableRef } from '../model.ts';
import type { PipelineContext } from '../stages/context.ts';
import { memberProperties } from '../stages/provenance.ts';
import type { Batch } from '../stages/work.ts';
import { CompactionBackoff, excludingCompactable } from './compaction-backoff.ts';
import type { MergePlan } from './merge-plan.ts';
import { planMerges } from './merge-plan.ts';
import type { MergeSettings } from './merge-policy.ts';
import { LOOKAHEAD, planAhead, tierOf, tiersOf } from './merge-policy.ts';
import type { Merged, MergeResult } from './merge-table.ts';
import { mergeTable } from './merge-table.ts';
import { Turns } from './table-queue.ts';

export type MergeSchedule = {
  readonly settings: MergeSettings;
  /**
   * Merges at once, of different tables; 0: tables are looked at and no more. While all places are taken, tables wait, crowded
   * ones too.
   */
  readonly concurrency: number;
  /** While the fresh data of a table waits longer than this, milliseconds, it is not merged. */
  readonly pauseLagMs: number;
};

/**
 * When to look at a table again: null for when its next batch is covered. A look that `rests` is not to come earlier, for it would
 * lead to another build; the others cost little.
 */
type Next = { readonly afterMs: number; readonly rests: boolean } | null;

/**
 * Longest rest after a merge that did not land while an index has more segments than its bound: ten batches a second add thirty
 * meanwhile, not six hundred.
 */
const CROWDED_REST_MS = 3_000;

/** What is known of tables between two looks. */
type Memory = {
  /** Merges in a row that did not land. */
  readonly failures: Map<string, number>;
  /** Tables with an index of more segments than the bound. */
  readonly crowded: Set<string>;
  /** The oldest fragment that is missing, and since when. */
  readonly gaps: Map<string, { readonly fragment: number; readonly sinceMs: number }>;
  readonly tails: CompactionBackoff;
  /** The version of each table at which nothing was due: most events of a flood find the table as it was. */
  readonly done: Map<string, WeakRef<Manifest>>;
  /** Tables that went to another member, until a batch of theirs is covered here again. */
  readonly released: Set<string>;
};

/** Merges are due, of segments that are left alone for now. */
type Later = { readonly kind: 'later'; readonly afterMs: number };
/** Meanwhile other merges may become due. */
const LATER_MAX_MS = 30_000;

/** Takes batches whose events are settled. */
export function mergeSegments(context: PipelineContext, schedule: MergeSchedule): OperatorFunction<Batch, never> {
  return (covered) => {
    const turns = new Turns();
    const memory = newMemory();
    const again = new Subject<{ table: TableRef } & NonNullable<Next>>();
    /** Tables that are looked at again later, whatever happens meanwhile: a table that has a timer needs no other. */
    const timed = new Set<string>();
    const ended = new Subject<void>();
    context.onReleased((id) => forget(memory, id));
    const turn = async (table: TableRef) => {
      turns.begin(table.id);
      const next = await look(context, schedule, table, memory);
      const wanted = turns.end(table.id);
      if (next?.rests) turns.rest(table.id);
      if (next && (next.rests || next.afterMs === 0 || !timed.has(table.id))) again.next({ table, ...next });
      if (wanted && (next === null || (next.afterMs > 0 && !next.rests))) again.next({ table, ...AT_ONCE });
    };
    return covered.pipe(
      tap({ complete: () => ended.next() }),
      // Fragments that an event names come to any member; whoever gets the plain events of a table merges it.
      filter(({ items }) => items.some(({ event }) => !event.fragments)),
      map(({ table }) => table),
      tap(({ id }) => memory.released.delete(id)),
      mergeWith(
        again.pipe(
          tap(({ table, afterMs, rests }) => afterMs > 0 && !rests && timed.add(table.id)),
          mergeMap((next) => timer(next.afterMs).pipe(map(() => next))),
          tap(({ table, afterMs, rests }) => {
            if (rests) turns.wake(table.id);
            else if (afterMs > 0) timed.delete(table.id);
          }),
          map(({ table }) => table),
          takeUntil(ended),
        ),
      ),
      filter(({ id }) => turns.enter(id)),
      mergeMap((table) => from(turn(table)), Math.max(1, schedule.concurrency)),
      ignoreElements(),
    );
  };
}

const AT_ONCE = { afterMs: 0, rests: false };

const newMemory = (): Memory => ({
  failures: new Map(),
  crowded: new Set(),
  gaps: new Map(),
  tails: new CompactionBackoff(),
  done: new Map(),
  released: new Set(),
});

/** When the table comes back, it is told of and merged like one that was never seen. */
function forget({ failures, crowded, gaps, done, released }: Memory, id: string): void {
  for (const known of [failures, crowded, gaps, done]) known.delete(id);
  released.add(id);
}

async function look(context: PipelineContext, schedule: MergeSchedule, table: TableRef, memory: Memory): Promise<Next> {
  const { failures, crowded } = memory;
  const fail = (): Next => {
    const count = (failures.get(table.id) ?? 0) + 1;
    failures.set(table.id, count);
    const restMs = backoffMs(context.settings.retry, count);
    return { afterMs: crowded.has(table.id) ? Math.min(restMs, CROWDED_REST_MS) : restMs, rests: true };
  };
  try {
    const result = await mergeDue(context, schedule, table, memory);
    if (result === null) return null;
    if (result.kind === 'later') return { afterMs: result.afterMs, rests: false };
    if (result.kind === 'rejected') return fail();
    failures.delete(table.id);
    return AT_ONCE;
  } catch (error) {
    if (context.signal.aborted) return null;
    // Anything unexpected is a bug: it ends the process, and nothing was lost.
    if (!(error instanceof SegmentdError)) throw error;
    if (error.retry === 'never') return null;
    context.telemetry.mergeFailed({ table: table.id, error });
    return fail();
  }
}

/** What came of it, or null when nothing is to be done now. */
async function mergeDue(
  context: PipelineContext,
  schedule: MergeSchedule,
  table: TableRef,
  { gaps, tails, done, crowded, released }: Memory,
): Promise<MergeResult | Later | null> {
  if (context.signal.aborted || released.has(table.id) || context.pauses.isPaused(table.id)) return null;
  const lance = context.tables.open(table.uri);
  const manifest = await lance.latest();
  if (done.get(table.id)?.deref() === manifest) return null;
  const policy = context.tables.policy(table.id);
  const { settings } = schedule;
  const full = planMerges(manifest, policy, (segments) => planAhead(segments, settings, LOOKAHEAD));
  const tiers = segmentsByTier(full, settings);
  context.telemetry.mergesPlanned({ table: table.id, tiers, pending: full.pending });
  tellState(context, table, full, manifest);
  if (full.states.some(({ segments }) => segments.length > settings.maxSegments)) crowded.add(table.id);
  else crowded.delete(table.id);
  if (full.merges.length === 0 || schedule.concurrency === 0) {
    done.set(table.id, new WeakRef(manifest));
    return null;
  }
  // The batch that ends the gap brings the table here again.
  if ((await lagMs(lance, table, gaps, full, manifest, schedule.pauseLagMs)) > schedule.pauseLagMs) return null;
  const sparing = () =>
    planMerges(manifest, policy, (segments) =>
      planAhead(excludingCompactable(segments, settings.maxSegments), settings, LOOKAHEAD),
    );
  const plan = (await mayMerge(lance, table, full, tails)) ? full : sparing();
  if (plan.merges.length === 0) {
    return { kind: 'later', afterMs: Math.min(LATER_MAX_MS, tails.restMs(table.id, Date.now())) };
  }

  for (const { index, inputs, rows, reason } of plan.merges) {
    context.telemetry.mergeStarted({ table: table.id, index, segments: inputs.length, rows, reason });
  }
  const inputs = plan.merges.reduce((sum, merge) => sum + merge.inputs.length, 0);
  const properties = { ...memberProperties(context.settings), 'segmentd.merged': String(inputs) };
  const finished = (result: MergeResult | null) => report(context, table, plan, result);
  try {
    const result = await mergeTable(lance, manifest, plan, {
      builder: countedBuilder(context, table),
      commit: { ...context.settings.commit, writer: context.settings.writer, signal: context.signal },
      properties,
      withSlot: (land) => context.slots.run(land, context.signal),
    });
    // A commit that gave up because the process must end has not failed, and nothing of it is left.
    if (context.signal.aborted && result.kind === 'rejected' && result.cause === 'contended') return null;
    finished(result);
    return result;
  } catch (error) {
    if (!context.signal.aborted) finished(null);
    throw error;
  }
}

/** Tells of each build what it wrote: a merge that does not land has cost as much as one that does. */
function countedBuilder({ builder, telemetry }: PipelineContext, { id }: TableRef): SegmentBuilder {
  return {
    async build(...work) {
      const build = await builder.build(...work);
      telemetry.mergeBuilt({ table: id, rows: build.segments.reduce((sum, { rows }) => sum + rows, 0) });
      return build;
    },
  };
}

/** Whether the plan leaves alone what others are compacting, or their compactions do not keep losing to us. */
async function mayMerge(
  lance: LanceTable,
  { id }: TableRef,
  { touchesCandidates: touchesTail }: MergePlan,
  tails: CompactionBackoff,
): Promise<boolean> {
  // Only then is the history read.
  return !touchesTail || tails.mayTouchCandidates(id, await readFailedCompactions(lance, tails.seen(id)), Date.now());
}

/** The number of segments, above all: after a merge no batch comes by that would tell it. */
function tellState(
  context: PipelineContext,
  table: TableRef,
  { states }: MergePlan,
  { version, timestampMs }: Manifest,
): void {
  const indexes = states.map(({ name, coverage, segments }) =>
    indexReport({ name, coverage, segments: segments.length }, timestampMs),
  );
  context.telemetry.planned({ table: table.id, version, outcome: 'merges', indexes });
}

/** Segments per tier, of all indexes of the table. */
function segmentsByTier({ segmentRows }: MergePlan, settings: MergeSettings): ReadonlyMap<string, number> {
  const tiers = new Map(tiersOf(settings).map((tier) => [String(tier), 0]));
  for (const rows of segmentRows) {
    const tier = String(tierOf(rows, settings));
    tiers.set(tier, (tiers.get(tier) ?? 0) + 1);
  }
  return tiers;
}

/**
 * How long fresh data waits: the age of the oldest fragment that is missing, by the version that brought it. The latest version may
 * be a second old while a build that began half a minute ago is still to cover what came since. The history is read once per gap.
 */
async function lagMs(
  lance: LanceTable,
  { id }: TableRef,
  gaps: Memory['gaps'],
  { states }: MergePlan,
  manifest: Manifest,
  limitMs: number,
): Promise<number> {
  const fragment = Math.min(...states.flatMap(({ coverage }) => coverage.missing[0] ?? []));
  if (fragment === Infinity) {
    gaps.delete(id);
    return 0;
  }
  const before = gaps.get(id);
  if (before?.fragment === fragment) return Date.now() - before.sinceMs;
  const sinceMs = await appearedMs(lance, manifest, fragment, limitMs);
  gaps.set(id, { fragment, sinceMs });
  return Date.now() - sinceMs;
}

function report(context: PipelineContext, table: TableRef, { merges }: MergePlan, result: MergeResult | null): void {
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
