/** One run of a table: what is due is merged in one commit, and the outcome decides when the table runs again. */
import type { Manifest } from '../lance/codec/manifest.ts';
import { readFailedCompactions } from '../lance/table/failed-compactions.ts';
import type { LanceTable } from '../lance/table/table.ts';
import { backoffMs } from '../lib/backoff.ts';
import { declinesTable, SegmentdError } from '../lib/errors.ts';
import type { KindName } from '../lib/index-kinds.ts';
import type { TableRef } from '../model.ts';
import type { PipelineContext } from '../stages/context.ts';
import { memberProperties, mergeProperties } from '../stages/provenance.ts';
import { planAsked } from './asked-merge.ts';
import type { CompactionBackoff } from './compaction-backoff.ts';
import { excludingCompactable } from './compaction-backoff.ts';
import type { FreshDataGap } from './fresh-data-lag.ts';
import { freshDataGap, lagMs } from './fresh-data-lag.ts';
import type { MergeAlong } from './merge-along.ts';
import type { MergePlan } from './merge-plan.ts';
import { planMerges } from './merge-plan.ts';
import { countedBuilder, reportFinished, reportPlan, reportStarted } from './merge-report.ts';
import type { MergeSchedule } from './merge-schedule.ts';
import type { MergeResult } from './merge-table.ts';
import { mergeTable } from './merge-table.ts';
import { LOOKAHEAD, planAhead } from './policy/tiered.ts';
import type { NextRun } from './table-queue.ts';

/** What is known of a table between two runs. */
export type TableMemory = {
  /** Merges in a row that did not land. */
  failures: number;
  /** Whether an index has more segments than its bound. */
  overSegmentLimit: boolean;
  gap: FreshDataGap | null;
  /** The version at which nothing was due: most events of a burst find the table unchanged. */
  nothingDueAt: WeakRef<Manifest> | null;
  /** The last version at which a merge was left for the next batch. */
  leftAtVersion: number;
};

/** What the tables of a process share. */
export type MergeRoom = { readonly compactions: CompactionBackoff; readonly along: MergeAlong };

export const newTableMemory = (): TableMemory => ({
  failures: 0,
  overSegmentLimit: false,
  gap: null,
  nothingDueAt: null,
  leftAtVersion: 0,
});

/**
 * Longest backoff after a merge that did not land while an index has more segments than its bound: ten batches a second add thirty
 * meanwhile, not six hundred.
 */
const OVER_LIMIT_BACKOFF_MS = 3_000;

/** Meanwhile other merges may become due. */
const LATER_MAX_MS = 30_000;

/** How long a merge that may land with a batch waits for one. A table that gets batches less often has time for versions of its merges. */
const LEFT_FOR_BATCH_MS = 10_000;

const WHEN_REQUESTED: NextRun = { when: 'requested' };

/** Rejects only with what must end the process: an error that is no SegmentdError is a bug, and nothing was lost. */
export async function mergeOnce(
  context: PipelineContext,
  schedule: MergeSchedule,
  requested: TableRef,
  memory: TableMemory,
  room: MergeRoom,
): Promise<NextRun> {
  if (context.pauses.isPaused(requested.id)) {
    schedule.asked?.done(requested.id);
    return WHEN_REQUESTED;
  }
  let table = requested;
  try {
    // Its batch may have found it elsewhere, or it was made anew since.
    table = await context.locate(requested);
    const lance = context.tables.open(table.uri);
    const manifest = await lance.latest({ recent: true });
    const due = await planDue(context, schedule, { table, lance, manifest, memory, ...room });
    if ('when' in due) return due;
    // A batch has merges of the table with it, and requests it when it is settled.
    if (!room.along.begin(table.id)) return WHEN_REQUESTED;
    const result = await mergeDue(context, table, lance, manifest, due).finally(() => room.along.end(table.id));
    if (result.kind === 'rejected') return backoff(context, memory);
    memory.failures = 0;
    room.along.landedAlone(table.id);
    return { when: 'again' };
  } catch (error) {
    if (context.signal.aborted) return WHEN_REQUESTED;
    if (!(error instanceof SegmentdError)) throw error;
    schedule.asked?.done(table.id);
    // A table that cannot be served is declined by its next batch or sweep.
    if (declinesTable(error.code)) return WHEN_REQUESTED;
    if (error.retry === 'never') throw error;
    context.telemetry.mergeFailed({ table: table.id, error });
    return backoff(context, memory);
  }
}

function backoff({ settings }: PipelineContext, memory: TableMemory): NextRun {
  memory.failures += 1;
  const afterMs = backoffMs(settings.retry, memory.failures);
  return { when: 'backoff', afterMs: memory.overSegmentLimit ? Math.min(afterMs, OVER_LIMIT_BACKOFF_MS) : afterMs };
}

type Planning = MergeRoom & {
  readonly table: TableRef;
  readonly lance: LanceTable;
  readonly manifest: Manifest;
  readonly memory: TableMemory;
};

/** What to merge now, or when to plan again. */
async function planDue(
  context: PipelineContext,
  schedule: MergeSchedule,
  planning: Planning,
): Promise<MergePlan | NextRun> {
  const { table, lance, manifest, memory, compactions } = planning;
  const { concurrency, pauseLagMs } = schedule;
  const asked = await planAskedFor(context, schedule, planning);
  if (asked) return asked;
  if (memory.nothingDueAt?.deref() === manifest) return WHEN_REQUESTED;
  const policy = context.tables.policy(table.id);
  const settings = (kind: KindName) => schedule.settings(table, kind);
  const plan = planMerges(manifest, policy, (segments, kind) => planAhead(segments, settings(kind), LOOKAHEAD));
  reportPlan(context, table, plan, manifest, schedule.settings(table));
  memory.overSegmentLimit = plan.states.some(({ kind, segments }) => segments.length > settings(kind.name).maxSegments);
  if (plan.merges.length === 0 || concurrency === 0) {
    memory.nothingDueAt = new WeakRef(manifest);
    return WHEN_REQUESTED;
  }
  memory.gap = await freshDataGap(lance, manifest, plan.states, memory.gap, pauseLagMs);
  // The batch that ends the gap requests the table.
  if (lagMs(memory.gap) > pauseLagMs) return WHEN_REQUESTED;
  if (await mayMerge(lance, table, plan, compactions)) return unlessLeft(plan, planning);
  const others = planMerges(manifest, policy, (segments, kind) =>
    planAhead(excludingCompactable(segments, settings(kind).maxSegments), settings(kind), LOOKAHEAD),
  );
  if (others.merges.length > 0) return unlessLeft(others, planning);
  return { when: 'later', afterMs: Math.min(LATER_MAX_MS, compactions.remainingMs(table.id, Date.now())) };
}

/** What is left of the merges that an operator asked for; null when there are none. Fresh data comes first all the same. */
async function planAskedFor(
  context: PipelineContext,
  schedule: MergeSchedule,
  { table, lance, manifest, memory }: Planning,
): Promise<MergePlan | NextRun | null> {
  const asked = schedule.asked?.of(table.id);
  if (!asked) return null;
  const policy = context.tables.policy(table.id);
  const plan = planAsked(manifest, policy, asked, (kind) => schedule.settings(table, kind));
  if (plan.merges.length === 0) {
    schedule.asked?.done(table.id);
    return null;
  }
  memory.gap = await freshDataGap(lance, manifest, plan.states, memory.gap, schedule.pauseLagMs);
  return lagMs(memory.gap) > schedule.pauseLagMs ? WHEN_REQUESTED : plan;
}

/** Leaves what may land with a batch to the next one for a while, once at each version. */
function unlessLeft(plan: MergePlan, { table, manifest, memory, along }: Planning): MergePlan | NextRun {
  if (memory.leftAtVersion === manifest.version || !along.mayLandWithBatch(table, plan)) return plan;
  memory.leftAtVersion = manifest.version;
  return { when: 'later', afterMs: LEFT_FOR_BATCH_MS };
}

/** Whether the plan leaves alone what others are compacting, or their compactions do not keep failing because of segmentd. */
async function mayMerge(
  lance: LanceTable,
  { id }: TableRef,
  { touchesCandidates }: MergePlan,
  compactions: CompactionBackoff,
): Promise<boolean> {
  // Only then is the history read.
  if (!touchesCandidates) return true;
  const failed = await readFailedCompactions(lance, compactions.seen(id));
  return compactions.mayTouchCandidates(id, failed, Date.now());
}

/** What came of the merge. */
async function mergeDue(
  context: PipelineContext,
  table: TableRef,
  lance: LanceTable,
  manifest: Manifest,
  plan: MergePlan,
): Promise<MergeResult> {
  reportStarted(context, table, plan);
  const inputs = plan.merges.reduce((sum, merge) => sum + merge.inputs.length, 0);
  const properties = { ...memberProperties(context.settings), ...mergeProperties(inputs) };
  try {
    const result = await mergeTable(lance, manifest, plan, {
      builder: countedBuilder(context, table),
      commit: { ...context.settings.commit, writer: context.settings.writer, signal: context.signal },
      properties,
      withSlot: (land) => context.slots.run(land, context.signal),
    });
    reportFinished(context, table, plan, result);
    if (result.kind === 'landed') {
      const uuids = result.segments.map(({ segment }) => segment.uuid);
      context.landed?.(table, result.version, uuids);
    }
    return result;
  } catch (error) {
    if (!context.signal.aborted) reportFinished(context, table, plan, null);
    throw error;
  }
}
