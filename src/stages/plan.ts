/** What the maintained indexes of the table miss, read from its latest manifest: an event is only a hint. */
import type { OperatorFunction } from 'rxjs';
import { concatMap } from 'rxjs';
import { indexReports } from '../control/index-reports.ts';
import type { Manifest } from '../lance/codec/manifest.ts';
import { missingOfAny } from '../lance/plan/backfill-plan.ts';
import type { TablePlan } from '../lance/plan/table-plan.ts';
import { planTable } from '../lance/plan/table-plan.ts';
import { isFullyCovered } from '../model.ts';
import type { PipelineContext } from './context.ts';
import { readManifest } from './read-manifest.ts';
import { shareBackfill } from './share-backfill.ts';
import { traced } from './traced.ts';
import type { Batch, OfferMerges, Planned } from './work.ts';

/** `offerMerges`: merges that may go along with a batch. */
export function plan(
  context: PipelineContext,
  offerMerges: OfferMerges = () => null,
): OperatorFunction<Batch, Planned> {
  return concatMap((batch) => traced(batch, 'plan', () => planBatch(context, batch, offerMerges)));
}

async function planBatch(context: PipelineContext, queued: Batch, offerMerges: OfferMerges): Promise<Planned> {
  const table = queued.table.id;
  const manifest = await readManifest(context, queued.table, { recent: true });
  const planned = await planRound(context, queued, manifest);
  const { version } = manifest;
  const { batch, ...plan } = planned;
  const indexes = indexReports(plan.states, manifest);
  const missing = plan.requests.length > 0;
  // Where something is missing the build decides: a damaged table can be planned, but not served.
  if (!missing && context.states.served(table)) context.telemetry.tableServed({ table });
  const isCovered = isFullyCovered(indexes);
  context.states.observed(table, version, indexes, isCovered ? version : undefined);
  const left = plan.left.map(({ name, reason }) => ({ index: name, ...reason }));
  if (context.states.leftAlone(table, left)) context.telemetry.indexesLeftAlone({ table, left });
  if (isCovered) context.states.succeeded(table);
  context.telemetry.planned({ table, version, outcome: missing ? 'missing' : 'covered', indexes });
  if (missing) {
    const along = takesMerges(planned) ? offerMerges(batch.table, manifest) : null;
    return { kind: 'missing', batch, manifest, ...plan, along };
  }
  return {
    kind: 'covered',
    batch,
    committed: batch.committed,
    coveredVersion: version,
    tableVersion: version,
    indexes,
  };
}

type PlannedRound = TablePlan & { readonly batch: Batch };

/** Whether merges may go along: with fresh data that fits one commit and replaces nothing, which can wait for a small one. */
function takesMerges({ batch, complete, remove }: PlannedRound): boolean {
  return complete && remove.length === 0 && batch.events.every(({ event }) => !event.fragments);
}

/** Plans for the events that come first: those that name no fragments, which want fresh data covered; then the others. */
async function planRound(context: PipelineContext, batch: Batch, manifest: Manifest): Promise<PlannedRound> {
  const policy = context.tables.policy(batch.table.id);
  const { limits } = context.settings;
  const plain = batch.events.filter(({ event }) => !event.fragments);
  const named = batch.events.filter(({ event }) => event.fragments);
  for (const { event } of named) if (event.backfill) context.backfills.note(batch.table.id, event.backfill);
  // A job that is done must not hide fragments that are missing again, as after a new index or a restore.
  const noteDone = ({ states }: TablePlan) => context.backfills.keep(batch.table.id, () => missingOfAny(states));
  if (plain.length > 0) {
    const scope = { isDelegated: (id: number) => context.backfills.has(batch.table.id, id) };
    let plan = planTable(manifest, policy, limits, scope);
    noteDone(plan);
    if (await shareBackfill(context, batch, manifest, plan)) plan = planTable(manifest, policy, limits, scope);
    return { ...plan, batch: { ...batch, events: plain, deferred: [...named, ...batch.deferred] } };
  }
  const plan = planTable(manifest, policy, limits, { parts: named.map(({ event }) => event.fragments ?? []) });
  noteDone(plan);
  if (plan.requests.length === 0 || plan.complete) return { ...plan, batch };
  // Of the last part some may be built too; its event waits until all of it is.
  const batchNow = {
    ...batch,
    events: named.slice(0, plan.parts),
    deferred: [...named.slice(plan.parts), ...batch.deferred],
  };
  return { ...plan, complete: plan.parts > 0, batch: batchNow };
}
