/** Shares most of a first build with the whole group instead of building all of it in one member. */
import { randomUUID } from 'node:crypto';
import type { Manifest } from '../lance/codec/manifest.ts';
import { cutBackfill, missingOfAny, rowsOf } from '../lance/plan/backfill-plan.ts';
import type { TablePlan } from '../lance/plan/table-plan.ts';
import type { AppendEvent, TableRef } from '../model.ts';
import { MAX_EVENT_FRAGMENTS } from '../model.ts';
import type { PipelineContext } from './context.ts';
import type { Batch } from './work.ts';

/**
 * Publishes all but the newest part of what is missing, if that is much and there are others to share it with. The newest stays
 * here, so that fresh data does not wait behind old. Returns whether anything was published.
 */
export async function shareBackfill(
  context: PipelineContext,
  { table, trace }: Pick<Batch, 'table' | 'trace'>,
  manifest: Manifest,
  plan: TablePlan,
): Promise<boolean> {
  const { thresholdRows, rowsPerSegment } = context.settings.backfill;
  // An index that is replaced whole cannot be shared out.
  if (plan.remove.length > 0 || plan.requests.length === 0) return false;
  const isLeft = (id: number) => plan.unreadable.has(id) || context.backfills.has(table.id, id);
  const missing = missingOfAny(plan.states, isLeft);
  if (rowsOf(manifest, missing) <= thresholdRows) return false;
  const maxFragments = Math.min(context.settings.limits.maxFragments, MAX_EVENT_FRAGMENTS);
  const parts = cutBackfill(manifest, missing, { rowsPerPart: rowsPerSegment, maxFragments }).slice(0, -1);
  const events = backfillEvents(table, manifest.version, parts);
  const [job] = events.flatMap(({ backfill }) => backfill ?? []);
  if (!job || !(await context.publish(events, trace?.headers))) return false;
  context.backfills.note(table.id, job);
  const rows = parts.reduce((sum, part) => sum + part.rows, 0);
  context.telemetry.backfillPublished({ table: table.id, events: events.length, rows });
  return true;
}

/** One event for each part, all of one job. */
export function backfillEvents(
  table: TableRef,
  version: number,
  parts: ReturnType<typeof cutBackfill>,
): (AppendEvent & { readonly fragments: readonly number[] })[] {
  const first = parts[0]?.fragments[0] ?? 0;
  const last = parts.at(-1)?.fragments.at(-1) ?? 0;
  const backfill = { id: randomUUID(), first, last };
  const time = new Date().toISOString();
  return parts.map(({ fragments, rows }) => ({
    table,
    version,
    fragments,
    rows,
    time,
    producer: 'segmentd',
    backfill,
  }));
}
