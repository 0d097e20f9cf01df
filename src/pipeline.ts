/**
 * segmentd in one page. Append events come in; for each table the fragments that its BTREE indexes miss become one new
 * segment per index and one new version; then the events are acknowledged.
 */
import type { Observable } from 'rxjs';
import { EMPTY, endWith, expand, ignoreElements, mergeWith, of } from 'rxjs';
import type { MergeSchedule } from './merge/scheduler.ts';
import { mergeSegments } from './merge/scheduler.ts';
import type { Delivery } from './model.ts';
import { ack } from './stages/ack.ts';
import { awaitResume } from './stages/await-resume.ts';
import { awaitVersion } from './stages/await-version.ts';
import { batchByTable } from './stages/batch-by-table.ts';
import { build } from './stages/build.ts';
import { foldInto } from './stages/coalesce.ts';
import { commit } from './stages/commit.ts';
import type { Kit } from './stages/context.ts';
import { decode } from './stages/decode.ts';
import { inSlot } from './stages/in-slot.ts';
import { plan } from './stages/plan.ts';
import { retryLater } from './stages/retry.ts';
import type { Batch, Item } from './stages/work.ts';

export type Background = {
  /** Tables that segmentd looks at without an event: the sweep, an operator's refresh. */
  readonly asked?: Observable<Item>;
  readonly merges: MergeSchedule;
};

/** Completes when its inputs do and all is settled; errors only with what must end the process. */
export function pipeline(
  records: Observable<Delivery>,
  kit: Kit,
  { asked = EMPTY, merges }: Background,
): Observable<never> {
  return records.pipe(
    decode(kit), // a record becomes an event, or goes to the dead-letter topic
    mergeWith(asked),
    batchByTable({ lingerMs: kit.settings.lingerMs, fold: foldInto(kit) }, (batch) =>
      of(batch).pipe(expand(round(kit)), ignoreElements(), endWith(batch)),
    ), // one batch at a time per table, and out of it once its events are settled
    mergeSegments(kit, merges), // in the background: small segments become larger ones
  );
}

/** One round of a batch. Emits what is left of it, if anything: a later version, a second segment, a table that moved. */
function round(kit: Kit): (batch: Batch) => Observable<Batch> {
  return (batch) =>
    of(batch).pipe(
      awaitResume(kit), // while an operator has paused the table
      awaitVersion(kit), // until the announced version can be seen
      inSlot(kit, (it) =>
        of(it).pipe(
          plan(kit), // what the indexes miss; covered and declined tables pass through
          build(kit), // one segment per index, over exactly the missing fragments
          commit(kit), // all of them in one version
        ),
      ),
      ack(kit), // offsets may be committed from here on
      retryLater(kit, batch.table), // failures that pass wait and start over
    );
}
