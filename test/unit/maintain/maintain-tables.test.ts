/** Looks beside the batches: which tables get them, and how they end. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Subject, toArray } from 'rxjs';
import { expect, test, vi } from 'vitest';
import { AskedWork } from '../../../src/control/asked-work.ts';
import { DEFAULT_POLICY } from '../../../src/lance/plan/row-ids.ts';
import { LanceTable } from '../../../src/lance/table/table.ts';
import { SegmentdError } from '../../../src/lib/errors.ts';
import type { maintainTable } from '../../../src/maintain/maintain-table.ts';
import { maintainTables } from '../../../src/maintain/maintain-tables.ts';
import { MergeAlong } from '../../../src/merge/merge-along.ts';
import type { PipelineContext } from '../../../src/stages/context.ts';
import type { Batch } from '../../../src/stages/work.ts';
import { localStore } from '../../../src/store/local-store.ts';
import { tableFolder } from '../lance/table-fixture.ts';
import { SCHEDULE, WAIT } from '../merge/merging-fixture.ts';
import { batchOf, pendingEvent, tableRef, testContext } from '../stages/context-fixture.ts';

/** Tables of two small fragments, which `maintain` is to compact. */
async function maintaining(
  maintain: typeof maintainTable,
  onReleased: PipelineContext['onReleased'] = () => undefined,
) {
  const folder = await tableFolder({
    fragments: [{ id: 0 }, { id: 1 }],
    indexes: [{ uuid: 1, fragments: [0, 1] }],
  });
  const context = testContext({
    tables: { open: () => new LanceTable(localStore(folder.root)), policy: () => DEFAULT_POLICY },
    onReleased,
  });
  const asked = new AskedWork<true>();
  const settings = () => ({
    ...{ everyMs: null, smallFragments: 2, deletedFraction: null, keepVersionsMs: 1e9, maxMemoryBytes: 1e9 },
  });
  const schedule = { settings, asked, refresh: () => undefined, maintain };
  const source = new Subject<Batch>();
  const along = new MergeAlong(context, SCHEDULE);
  const passed = new Promise<Batch[]>((resolve, reject) => {
    source
      .pipe(maintainTables(context, { schedule, merges: SCHEDULE, along }), toArray())
      .subscribe({ next: resolve, error: reject });
  });
  passed.catch(() => undefined);
  return { source, passed, context, asked };
}

test('batches pass, and a table whose batch is settled is looked after by one member', async () => {
  const runs: string[] = [];
  const { source, passed } = await maintaining(async ({ uri }, { signal }) => {
    runs.push(uri);
    await new Promise((resolve) => signal?.addEventListener('abort', resolve));
    throw new DOMException('ended', 'AbortError');
  });
  const named = batchOf([pendingEvent(0, 'b', { fragments: [1] })]);
  source.next(named);
  await sleep(40);
  expect(runs).toEqual([]);
  const [a, c] = ['a', 'c'].map((table) => batchOf([pendingEvent(1, table)]));
  source.next(a as Batch);
  await vi.waitFor(() => expect(runs).toHaveLength(1), WAIT);
  // One table at a time.
  source.next(c as Batch);
  await sleep(40);
  expect(runs).toHaveLength(1);
  source.complete();
  expect(await passed).toEqual([named, a, c]);
});

test('a bug ends the process', async () => {
  const { source, passed } = await maintaining(async () => {
    throw new TypeError('a bug');
  });
  source.next(batchOf([pendingEvent(0, 'a')]));
  await expect(passed).rejects.toThrow(TypeError);
});

test('a table that an operator asks for is looked after without a batch, and left to the member that has it by then', async () => {
  const runs: string[] = [];
  const released: ((table: string) => void)[] = [];
  const ends = Promise.withResolvers<void>();
  const { source, passed, asked } = await maintaining(
    async ({ uri }) => {
      runs.push(uri);
      await ends.promise;
      throw new SegmentdError('optimize_failed', 'no');
    },
    (listener) => void released.push(listener),
  );
  asked.ask(tableRef('a'), true);
  await vi.waitFor(() => expect(runs).toHaveLength(1), WAIT);
  asked.ask(tableRef('c'), true);
  for (const listener of released) listener('lake/c');
  expect(asked.of('lake/c')).toBeUndefined();
  ends.resolve();
  await vi.waitFor(() => expect(asked.of('lake/a')).toBeUndefined(), WAIT);
  source.complete();
  await passed;
  expect(runs).toHaveLength(1);
});
