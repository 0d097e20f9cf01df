/**
 * One look at a table: what it costs is reported, what a killed segmentd left in it is taken away, and it is compacted and cleaned up when
 * that is due. The member of the group that merges the table does this too, one table at a time.
 */
import type { AskedWork } from '../control/asked-work.ts';
import { indexReports } from '../control/index-reports.ts';
import type { Manifest } from '../lance/codec/manifest.ts';
import { findOrphans, removeOrphans } from '../lance/commit/orphans.ts';
import { maintainedIndexes } from '../lance/plan/index-plan.ts';
import { unsupportedReason } from '../lance/plan/supported.ts';
import { recentCompaction } from '../lance/table/compaction-history.ts';
import type { LanceTable } from '../lance/table/table.ts';
import { manifestCost, readTableCost } from '../lance/table/table-cost.ts';
import { backoffMs } from '../lib/backoff.ts';
import { declinesTable, SegmentdError } from '../lib/errors.ts';
import { stopwatch } from '../lib/stopwatch.ts';
import type { MergeAlong } from '../merge/merge-along.ts';
import type { MergeSchedule } from '../merge/merge-schedule.ts';
import type { NextRun } from '../merge/table-queue.ts';
import type { TableRef } from '../model.ts';
import { isFullyCovered } from '../model.ts';
import type { PipelineContext } from '../stages/context.ts';
import { memberProperties } from '../stages/provenance.ts';
import type { LastRun, RunReason } from './decide-run.ts';
import { decideRun, isOff } from './decide-run.ts';
import type { MaintainSettings } from './maintain-settings.ts';
import { maintainTable } from './maintain-table.ts';

export type MaintainSchedule = {
  readonly settings: (table: TableRef) => MaintainSettings;
  /** Plans the table as soon as it is idle: what was appended meanwhile is covered. */
  readonly refresh: (table: TableRef) => void;
  /** Tables that an operator wants to be compacted and cleaned up now. */
  readonly asked?: AskedWork<true>;
  /** For tests: how many times as fast as usual waits pass, but for those by the clock of the store. */
  readonly haste?: number;
  /** For tests. */
  readonly maintain?: typeof maintainTable;
};

/** What is known of a table between two looks. Times are milliseconds since the epoch, 0 for never. */
export type LookMemory = {
  lookedMs: number;
  /** Since when the next look has given way to batches; 0 while it does not. */
  waitingMs: number;
  measuredMs: number;
  orphansMs: number;
  oldestVersionMs: number;
  last: LastRun | null;
  /** Versions that runs of this process made, or others beside them: after the first of a pair, up to the second. */
  own: readonly (readonly [after: number, upTo: number])[];
  failures: number;
  /** Another member has the table by now. */
  released: boolean;
};

export const newLookMemory = (): LookMemory => ({
  ...{
    lookedMs: 0,
    waitingMs: 0,
    measuredMs: 0,
    orphansMs: 0,
    oldestVersionMs: 0,
    last: null,
    own: [],
    failures: 0,
    released: false,
  },
});

/** What the tables of a process share. */
export type LookRoom = {
  readonly context: PipelineContext;
  readonly schedule: MaintainSchedule;
  readonly merges: MergeSchedule;
  readonly along: MergeAlong;
  /** Ends a run of housekeeping. */
  readonly signal: AbortSignal;
  /** Whether a table is compacted or cleaned up now. */
  busy: boolean;
};

/** A batch requests its table each time. */
const LOOK_MS = 30_000;
/** Of a thousand tables that are appended to at once, fresh rows come first: a look waits while batches are at work, but not for ever. */
const GIVE_WAY = { stepMs: 1_000, mostMs: 30_000 };
/** How often the files of a table are counted: on a disk that is some thousand looks, in an object store requests that are paid for. */
const MEASURE_MS = { disk: 300_000, objectStore: 86_400_000 };
const ORPHANS_MS = 86_400_000;
/** How long another writer's compaction keeps this one away: it may come in several steps, and a cleanup of its own follows. */
const FOREIGN_MS = 15 * 60_000;
/** More than there can be in that time. */
const REMEMBERED_RUNS = 64;
const RETRY = { initialMs: 60_000, maxMs: 3_600_000 };
/** Another table is being compacted, or a merge of this one runs. */
const BUSY_MS = 10_000;

const WHEN_REQUESTED: NextRun = { when: 'requested' };
const later = (afterMs: number): NextRun => ({ when: 'later', afterMs });

/** The clock of waits. */
const clockOf = ({ schedule: { haste = 1 } }: LookRoom) => Date.now() * haste;

/** Rejects only with what must end the process. */
export async function lookAfter(room: LookRoom, table: TableRef, memory: LookMemory): Promise<NextRun> {
  const next = await lookNow(room, table, memory);
  return 'afterMs' in next ? { ...next, afterMs: next.afterMs / (room.schedule.haste ?? 1) } : next;
}

async function lookNow(room: LookRoom, table: TableRef, memory: LookMemory): Promise<NextRun> {
  const { context, signal } = room;
  const { asked } = room.schedule;
  const nowMs = clockOf(room);
  if (context.pauses.isPaused(table.id)) {
    asked?.done(table.id);
    return WHEN_REQUESTED;
  }
  if (!asked?.of(table.id) && nowMs - memory.lookedMs < LOOK_MS) return later(LOOK_MS - (nowMs - memory.lookedMs));
  if (!asked?.of(table.id) && givesWay(context, memory, nowMs)) return later(GIVE_WAY.stepMs);
  memory.lookedMs = nowMs;
  try {
    const lance = context.tables.open(table.uri);
    const manifest = await lance.latest({ recent: true });
    if (unsupportedReason(manifest)) {
      asked?.done(table.id);
      return WHEN_REQUESTED;
    }
    await measure(room, table, lance, manifest, memory);
    await tidyUp(room, table, lance, memory);
    return await runIfDue(room, table, lance, manifest, memory);
  } catch (error) {
    if (signal.aborted) return WHEN_REQUESTED;
    if (!(error instanceof SegmentdError)) throw error;
    asked?.done(table.id);
    // A table that cannot be served is declined by its next batch or sweep.
    if (declinesTable(error.code)) return WHEN_REQUESTED;
    const outcome = error.code === 'optimize_conflict' ? 'rejected' : 'failed';
    context.telemetry.maintenanceFailed({ table: table.id, outcome, error });
    memory.failures += 1;
    return { when: 'backoff', afterMs: backoffMs(RETRY, memory.failures) };
  }
}

function givesWay({ slots }: PipelineContext, memory: LookMemory, nowMs: number): boolean {
  const sinceMs = memory.waitingMs || nowMs;
  const waits = slots.busy && nowMs - sinceMs < GIVE_WAY.mostMs;
  memory.waitingMs = waits ? sinceMs : 0;
  return waits;
}

async function measure(
  { context }: LookRoom,
  { id }: TableRef,
  lance: LanceTable,
  manifest: Manifest,
  memory: LookMemory,
): Promise<void> {
  const everyMs = lance.store.remote ? MEASURE_MS.objectStore : MEASURE_MS.disk;
  if (memory.lookedMs - memory.measuredMs < everyMs) return;
  const cost = await readTableCost(lance, manifest);
  // It was dropped meanwhile, or belongs to another member: its series have been taken away, and would come back for good.
  if (!context.states.knows(id)) return;
  memory.measuredMs = memory.lookedMs;
  memory.oldestVersionMs = cost.oldestVersionMs;
  context.telemetry.tableCost({ table: id, ...cost });
}

async function tidyUp({ context }: LookRoom, { id }: TableRef, lance: LanceTable, memory: LookMemory): Promise<void> {
  if (memory.lookedMs - memory.orphansMs < ORPHANS_MS) return;
  // A version that cannot be read must not keep the table from being compacted: the next try is tomorrow.
  memory.orphansMs = memory.lookedMs;
  const orphans = await findOrphans(lance, Date.now());
  const { staged, segments, bytes } = orphans;
  if (staged.length + segments.length > 0) {
    await removeOrphans(lance, orphans);
    context.telemetry.orphansRemoved({ table: id, segments: segments.length, staged: staged.length, bytes });
  }
}

async function runIfDue(
  room: LookRoom,
  table: TableRef,
  lance: LanceTable,
  manifest: Manifest,
  memory: LookMemory,
): Promise<NextRun> {
  const { asked } = room.schedule;
  const settings = room.schedule.settings(table);
  if (isOff(settings)) {
    asked?.done(table.id);
    return WHEN_REQUESTED;
  }
  const isAsked = asked?.of(table.id) ?? false;
  const { oldestVersionMs, last, lookedMs: nowMs } = memory;
  const { wanted, minRows } = room.context.tables.policy(table.id);
  const states = maintainedIndexes(manifest, wanted, minRows);
  const indexes = indexReports(states, manifest);
  const missingFragments = Math.max(0, ...indexes.map((index) => index.missingFragments));
  const { version } = manifest;
  const coverage = { isCovered: isFullyCovered(indexes), missingFragments };
  const facts = { ...manifestCost(manifest), ...coverage, nowMs, version, isAsked, oldestVersionMs, last };
  const reason = decideRun(facts, settings);
  // Time alone may make the next run due.
  if (!reason) return later(isAsked ? BUSY_MS : MEASURE_MS.disk);
  const isOwn = (it: number) => memory.own.some(([after, upTo]) => it > after && it <= upTo);
  const foreign = isAsked ? null : await recentCompaction(lance, Date.now() - FOREIGN_MS, isOwn);
  if (foreign) return later(Math.max(BUSY_MS, foreign.atMs + FOREIGN_MS - Date.now()));
  // While the look went on.
  if (memory.released) return WHEN_REQUESTED;
  if (room.busy || !room.along.begin(table.id)) return later(BUSY_MS);
  room.busy = true;
  try {
    await run(room, table, lance, memory, { reason, version, settings });
    asked?.done(table.id);
  } finally {
    const upTo = await lance.latest({ listed: true }).then(
      (latest) => latest.version,
      () => version,
    );
    memory.own = [...memory.own, [version, upTo] as const].slice(-REMEMBERED_RUNS);
    room.busy = false;
    room.along.end(table.id);
    room.schedule.refresh(table);
  }
  return later(MEASURE_MS.disk);
}

type Due = { readonly reason: RunReason; readonly version: number; readonly settings: MaintainSettings };

async function run(
  room: LookRoom,
  table: TableRef,
  lance: LanceTable,
  memory: LookMemory,
  { reason, version: from, settings }: Due,
): Promise<void> {
  const { context, merges, schedule, signal } = room;
  const { id } = table;
  // What is begun after the end would not hear of it.
  signal.throwIfAborted();
  context.telemetry.maintenanceStarted({ table: id, reason, version: from });
  const lap = stopwatch();
  const maintained = await (schedule.maintain ?? maintainTable)(lance, {
    settings,
    policy: context.tables.policy(id),
    maxSegmentRows: merges.settings(table).maxSegmentRows,
    merge: {
      builder: context.builder,
      commit: { ...context.settings.commit, writer: context.settings.writer, signal },
      properties: memberProperties(context.settings),
      withSlot: (land) => context.slots.run(land, signal),
    },
    signal,
  });
  const { fragmentsRemoved, fragmentsAdded, versionsRemoved, bytesFreed, segmentsMerged, version } = maintained;
  memory.last = { atMs: clockOf(room), version, compacted: fragmentsRemoved > 0 };
  memory.failures = 0;
  const done = { fragmentsRemoved, fragmentsAdded, versionsRemoved, bytesFreed, version, seconds: lap() / 1000 };
  context.telemetry.maintenanceFinished({ table: id, ...done });
  const duration_ms = Math.round(done.seconds * 1000);
  context.states.changed({ table: id, kind: 'maintenance', version, rows: 0, segments: segmentsMerged, duration_ms });
  memory.measuredMs = 0;
  await measure(room, table, lance, await lance.latest(), memory);
}
