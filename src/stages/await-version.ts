/**
 * Holds a batch until an announced version can be seen, or any that was not planned yet: appends by others do not wait
 * for an event that announces too much. Gives up on events whose version never comes. A table that a catalog lists elsewhere by now is
 * followed there.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { OperatorFunction } from 'rxjs';
import { concatMap, EMPTY, from, mergeMap, of } from 'rxjs';
import type { Manifest } from '../lance/codec/manifest.ts';
import { SegmentdError } from '../lib/errors.ts';
import type { PendingEvent } from '../model.ts';
import type { PipelineContext } from './context.ts';
import { rejectRecord } from './decode.ts';
import { forgetGone } from './forget-gone.ts';
import { traced } from './traced.ts';
import type { Batch } from './work.ts';

export function awaitVersion(context: PipelineContext): OperatorFunction<Batch, Batch> {
  // Outlives a failure of this or a later stage, after which the same batch comes again.
  const rejected = new WeakSet<PendingEvent>();
  return concatMap((batch) =>
    from(traced(batch, 'await-version', () => visiblePart(context, batch, rejected))).pipe(
      mergeMap((ready) => (ready ? of(ready) : EMPTY)),
    ),
  );
}

async function visiblePart(
  context: PipelineContext,
  batch: Batch,
  rejected: WeakSet<PendingEvent>,
): Promise<Batch | null> {
  let ref = batch.table;
  for (;;) {
    const table = context.tables.open(ref.uri);
    const isOpen = (pending: PendingEvent) => !rejected.has(pending) && !pending.record?.signal.aborted;
    let events = batch.events.filter(isOpen);
    if (events.length === 0) return null;
    const now = Date.now();
    // A sweep or refresh waits for no version.
    const isExpired = (pending: PendingEvent) =>
      !pending.record || now - pending.receivedAtMs >= context.settings.versionWaitMs;
    // That a version never came is said after a listing.
    const announced = Math.max(0, ...events.map(({ event }) => event.version ?? 0));
    const version = await latestVersion(() => table.latest({ listed: events.some(isExpired), announced }));
    if (version === null) {
      const found = await context.locate(ref);
      if (found.uri !== ref.uri) {
        ref = found;
        continue;
      }
      forgetGone(context, ref.id);
    }
    for (const pending of events.filter((each) => isAhead(each, version) && isExpired(each))) {
      // Another member may have it by now.
      if (pending.record && !pending.record.signal.aborted)
        await rejectRecord(context, pending.record, neverSeen(pending, version));
      rejected.add(pending);
    }
    events = events.filter(isOpen);
    const isNew = version !== null && version > (batch.plannedVersion ?? 0);
    if (events.length > 0 && (isNew || events.some((pending) => !isAhead(pending, version))))
      return { ...batch, table: ref, events };
    if (events.length > 0) await sleep(table.lookEveryMs);
  }
}

/**
 * The latest version, or null while there is no table. A table that cannot be read counts as seen: the plan declines it, and
 * its events are settled instead of waiting.
 */
async function latestVersion(read: () => Promise<Manifest>): Promise<number | null> {
  try {
    return (await read()).version;
  } catch (error) {
    if (error instanceof SegmentdError && error.code === 'table_not_found') return null;
    if (error instanceof SegmentdError && error.retry === 'never') return Number.POSITIVE_INFINITY;
    throw error;
  }
}

const isAhead = ({ event }: PendingEvent, version: number | null) => version === null || (event.version ?? 0) > version;

function neverSeen({ event }: PendingEvent, version: number | null): SegmentdError {
  return version === null
    ? new SegmentdError('event_table_not_found', `there is no table ${event.table.id}`)
    : new SegmentdError(
        'event_version_not_visible',
        `version ${event.version} of ${event.table.id} did not appear; the latest is ${version}`,
      );
}
