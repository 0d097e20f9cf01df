/** `merge` and `optimize` at the request of an operator: checked on the member that was asked, done by the one that owns the table. */
import type { AskedWork } from '../control/asked-work.ts';
import type { Control, WorkName, WorkRequest } from '../control/commands.ts';
import { encodeCommand, MAX_TO } from '../control/commands.ts';
import type { TableOwnership } from '../control/table-ownership.ts';
import type { Manifest } from '../lance/codec/manifest.ts';
import { servedIndexes } from '../lance/plan/row-ids.ts';
import { SegmentdError } from '../lib/errors.ts';
import { compactable } from '../maintain/compactable.ts';
import { isOff } from '../maintain/decide-run.ts';
import type { MaintainSettings } from '../maintain/maintain-settings.ts';
import { refuseOptimize } from '../maintain/optimizable.ts';
import type { AskedMerge } from '../merge/asked-merge.ts';
import { askedRule, widest } from '../merge/asked-merge.ts';
import { planMerges } from '../merge/merge-plan.ts';
import type { MergeSchedule } from '../merge/merge-schedule.ts';
import type { TableRef } from '../model.ts';
import type { PipelineContext } from '../stages/context.ts';

/** What members do of tables in the background, and what they were asked for. */
export type WorkSchedules = {
  readonly merges: MergeSchedule & { readonly asked: AskedWork<AskedMerge> };
  readonly maintenance: {
    readonly settings: (table: TableRef) => MaintainSettings;
    readonly asked: AskedWork<true>;
  };
};

type AskedParts = WorkSchedules & {
  readonly context: Pick<PipelineContext, 'tables' | 'pauses' | 'states' | 'telemetry' | 'locate'>;
};

type Outcome =
  /** It is under way, or waits for its turn behind other tables. */
  | 'begun'
  /** Housekeeping that begins when the indexes cover all of the table. */
  | 'waits'
  /** The same was asked for before, and is not done. */
  | 'under_way'
  | 'nothing_due'
  /** To the member that owns the table. */
  | 'sent';

/** What there is to do, as the answer shows it. */
type Forecast = { readonly outcome: 'begun' | 'waits' | 'nothing_due'; readonly facts: object };

/** Begins work on a table of this member: see Control. */
export function beginWork(parts: AskedParts): Control['begin'] {
  return async (name, table, request) => {
    const { outcome, facts } = await forecastOf(parts, name, table, request);
    const { by, to = null } = request;
    const isNew = () =>
      name === 'merge' ? parts.merges.asked.ask(table, { to, runs: null }) : parts.maintenance.asked.ask(table, true);
    const come: Outcome = outcome === 'nothing_due' || isNew() ? outcome : 'under_way';
    if (come === 'begun' || come === 'waits') parts.context.telemetry.workAsked({ table: table.id, command: name, by });
    return answerOf(parts, table, { command: name, outcome: come, ...facts });
  };
}

type SendParts = {
  readonly ownership: Pick<TableOwnership, 'known' | 'isOwner'>;
  /** Puts a record on the control topic, if there is one. */
  readonly send: ((record: ReturnType<typeof encodeCommand>) => Promise<void>) | null;
};

/**
 * Begins work on a table, or has the member begin it that owns the table. Errors: those of Control.begin, owner_unknown, owner_elsewhere,
 * broker_unavailable.
 */
export function askWork(
  parts: AskedParts,
  control: Pick<Control, 'begin'>,
  { ownership, send }: SendParts,
): Control['begin'] {
  return async (name, table, request) => {
    const { id } = table;
    if (ownership.isOwner(id)) return control.begin(name, table, request);
    if (!ownership.known) throw new SegmentdError('owner_unknown', `it is not known yet which member owns ${id}`);
    if (!send) throw new SegmentdError('owner_elsewhere', `another member owns ${id}`);
    const { outcome, facts } = await forecastOf(parts, name, table, request);
    if (outcome === 'nothing_due') return answerOf(parts, table, { command: name, outcome, ...facts });
    const { by, to } = request;
    await send(encodeCommand({ command: name, table: id, by, to, time: new Date().toISOString() }));
    return answerOf(parts, table, { command: name, outcome: 'sent', ...facts });
  };
}

function answerOf({ context }: AskedParts, { id }: TableRef, work: { command: WorkName; outcome: Outcome }) {
  return { ...context.states.of(id), paused: context.pauses.isPaused(id), work };
}

/** Errors: why the work cannot be done. Any member can tell: the table says it. */
async function forecastOf(parts: AskedParts, name: WorkName, table: TableRef, request: WorkRequest): Promise<Forecast> {
  const { context } = parts;
  const { id } = table;
  if (context.pauses.isPaused(id)) throw new SegmentdError('table_paused', `${id} is paused`);
  const { declined } = context.states.of(id);
  if (declined) throw new SegmentdError(declined.code, declined.message);
  const manifest = await context.tables.open((await context.locate(table)).uri).latest();
  return name === 'merge'
    ? forecastMerge(parts, table, manifest, request.to ?? null)
    : forecastOptimize(parts, table, manifest);
}

function forecastMerge(
  { context, merges }: AskedParts,
  table: TableRef,
  manifest: Manifest,
  to: number | null,
): Forecast {
  if (merges.concurrency === 0) throw new SegmentdError('merging_off', 'merge.concurrency is 0');
  const policy = context.tables.policy(table.id);
  const { ahead } = planMerges(
    manifest,
    policy,
    askedRule(to, (kind) => merges.settings(table, kind)),
  );
  const due = new Set(widest(ahead.map(({ inputs }) => inputs)));
  const shown = ahead
    .filter(({ inputs }) => due.has(inputs))
    .map(({ index, inputs, rows }) => ({ index, segments: inputs.length, rows }));
  return { outcome: shown.length === 0 ? 'nothing_due' : 'begun', facts: { to, merges: shown } };
}

function forecastOptimize({ context, maintenance }: AskedParts, table: TableRef, manifest: Manifest): Forecast {
  const { id } = table;
  if (isOff(maintenance.settings(table))) throw new SegmentdError('maintenance_off', `${id} has no housekeeping`);
  const policy = context.tables.policy(id);
  refuseOptimize(manifest, policy);
  const isCovered = servedIndexes(manifest, policy).every(({ coverage }) => coverage.missing.length === 0);
  const { taken, left } = compactable(manifest.fragments);
  const facts = { compaction: { fragments_removed: taken, fragments_added: left } };
  return { outcome: isCovered ? 'begun' : 'waits', facts };
}

/** The parameter `to` of a merge over HTTP; the listener takes it from no other command. Errors: command_invalid. */
export function readTo(to: string | null): number | undefined {
  if (to === null) return undefined;
  if (/^[1-9]\d{0,6}$/.test(to) && Number(to) <= MAX_TO) return Number(to);
  throw new SegmentdError('command_invalid', `to is not a whole number from 1 to ${MAX_TO}`);
}
