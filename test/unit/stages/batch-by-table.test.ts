import fc from 'fast-check';
import { concat, lastValueFrom, of, Subject, throwError, toArray } from 'rxjs';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { PendingEvent, TableRef } from '../../../src/model.ts';
import { batchByTable } from '../../../src/stages/batch-by-table.ts';
import type { Batch } from '../../../src/stages/work.ts';
import { pendingEvent } from './context-fixture.ts';

const offsetsOf = ({ events }: Batch) => events.map(({ record }) => Number(record?.position.offset));
const turns = async (count: number) => {
  for (let at = 0; at < count; at++) await new Promise<void>((resolve) => setImmediate(resolve));
};

test('one batch at a time per table, nothing lost, nothing twice, in order: whatever the timing', async () => {
  const arrival = fc.record({ table: fc.nat(3), pause: fc.nat(3), takes: fc.nat(4), isOvertaken: fc.boolean() });
  const arrivals = fc.array(arrival, { maxLength: 25 });
  await fc.assert(
    fc.asyncProperty(arrivals, async (list) => {
      const source = new Subject<PendingEvent>();
      const busy = new Set<string>();
      const seen = new Map<string, number[]>();
      const overtaken = new Set<string>();
      let overlaps = 0;
      const done = lastValueFrom(
        source.pipe(
          batchByTable({ lingerMs: 0, wasOvertaken: ({ id }) => overtaken.delete(id) }, async (batch) => {
            const { id } = batch.table;
            if (busy.has(id)) overlaps += 1;
            busy.add(id);
            seen.set(id, [...(seen.get(id) ?? []), ...offsetsOf(batch)]);
            const of = list[Number(batch.events[0]?.record?.position.offset)];
            await turns(of?.takes ?? 0);
            if (of?.isOvertaken) overtaken.add(id);
            busy.delete(id);
            return batch.events.length;
          }),
          toArray(),
        ),
      );
      const expected = new Map<string, number[]>();
      for (const [offset, { table, pause }] of list.entries()) {
        const next = pendingEvent(offset, `t${table}`);
        expected.set(next.event.table.id, [...(expected.get(next.event.table.id) ?? []), offset]);
        source.next(next);
        await turns(pause);
      }
      source.complete();
      const sizes = await done;
      expect(overlaps).toBe(0);
      expect(new Map([...seen].sort())).toEqual(new Map([...expected].sort()));
      expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(list.length);
    }),
    { numRuns: 60 },
  );
});

test('an idle table starts at once, and what arrives while it is busy is its next batch', async () => {
  const source = new Subject<PendingEvent>();
  const batches: number[][] = [];
  const gates: (() => void)[] = [];
  const done = lastValueFrom(
    source.pipe(
      batchByTable({ lingerMs: 0 }, (batch) => {
        batches.push(offsetsOf(batch));
        return new Promise<void>((resolve) => gates.push(resolve));
      }),
      toArray(),
    ),
  );
  source.next(pendingEvent(0));
  expect(batches).toEqual([[0]]);
  source.next(pendingEvent(1));
  source.next(pendingEvent(2, 'other'));
  source.next(pendingEvent(3));
  expect(batches).toEqual([[0], [2]]);
  gates[0]?.();
  await turns(2);
  expect(batches).toEqual([[0], [2], [1, 3]]);
  source.complete();
  gates[1]?.();
  gates[2]?.();
  expect(await done).toHaveLength(3);
});

test('after a batch that others overtook, the events that wait do so for one more', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval', 'clearTimeout', 'clearInterval', 'Date', 'performance'] });
  onTestFinished(() => void vi.useRealTimers());
  const source = new Subject<PendingEvent>();
  const batches: number[][] = [];
  const gates: (() => void)[] = [];
  const overtaken = new Set<string>();
  const running = source
    .pipe(
      batchByTable({ lingerMs: 0, wasOvertaken: ({ id }) => overtaken.delete(id) }, (batch) => {
        batches.push(offsetsOf(batch));
        return new Promise<void>((resolve) => gates.push(resolve));
      }),
    )
    .subscribe();
  const events = [0, 1, 2, 3, 4, 5, 6].map((offset) => pendingEvent(offset));
  const [id] = events.map(({ event }) => event.table.id);
  /** Ends the last batch that began, after so many milliseconds. */
  const end = async (tookMs: number, isOvertaken: boolean) => {
    vi.advanceTimersByTime(tookMs);
    if (isOvertaken) overtaken.add(id as string);
    gates.at(-1)?.();
    await turns(2);
  };
  const arrive = (at: number) => source.next(events[at] as PendingEvent);

  arrive(0);
  arrive(1);
  await end(10, true);
  vi.advanceTimersByTime(9);
  expect(batches).toEqual([[0]]);
  source.next(pendingEvent(0, 'other'));
  expect(batches).toEqual([[0], [0]]);
  arrive(2);
  expect(batches).toEqual([[0], [0], [1, 2]]);

  // No longer than the batch took.
  arrive(3);
  await end(10, true);
  vi.advanceTimersByTime(9);
  expect(batches).toHaveLength(3);
  vi.advanceTimersByTime(1);
  expect(batches.at(-1)).toEqual([3]);

  // Nor longer than a twentieth of a second.
  arrive(4);
  await end(10_000, true);
  vi.advanceTimersByTime(49);
  expect(batches).toHaveLength(4);
  vi.advanceTimersByTime(1);
  expect(batches.at(-1)).toEqual([4]);

  // Nobody is asked to wait otherwise, nor where nothing waits.
  arrive(5);
  await end(10, false);
  expect(batches.at(-1)).toEqual([5]);
  await end(10, true);
  arrive(6);
  expect(batches.at(-1)).toEqual([6]);
  expect(overtaken.size).toBe(0);
  running.unsubscribe();
});

test('it completes only after the work that waits behind the last batch', async () => {
  const results = of(pendingEvent(0), pendingEvent(1), pendingEvent(2)).pipe(
    batchByTable({ lingerMs: 0 }, async (batch) => {
      await turns(2);
      return offsetsOf(batch);
    }),
    toArray(),
  );
  expect(await lastValueFrom(results)).toEqual([[0], [1, 2]]);
});

test('nothing in, nothing out, and it completes', async () => {
  expect(
    await lastValueFrom(
      of<PendingEvent>().pipe(
        batchByTable({ lingerMs: 0 }, () => [1]),
        toArray(),
      ),
    ),
  ).toEqual([]);
});

test('lingering gathers what arrives meanwhile', async () => {
  const source = new Subject<PendingEvent>();
  const done = lastValueFrom(
    source.pipe(
      batchByTable({ lingerMs: 20 }, (batch) => [offsetsOf(batch)]),
      toArray(),
    ),
  );
  source.next(pendingEvent(0));
  await turns(2);
  source.next(pendingEvent(1));
  source.complete();
  expect(await done).toEqual([[0, 1]]);
});

test('records whose partition has moved are left to their new owner', async () => {
  const source = new Subject<PendingEvent>();
  const moved = new AbortController();
  const gate = Promise.withResolvers<void>();
  const batches: number[][] = [];
  const done = lastValueFrom(
    source.pipe(
      batchByTable({ lingerMs: 0 }, async (batch) => {
        batches.push(offsetsOf(batch));
        await gate.promise;
      }),
      toArray(),
    ),
  );
  source.next(pendingEvent(0));
  source.next(pendingEvent(1, 't', {}, { signal: moved.signal }));
  source.next(pendingEvent(2));
  moved.abort();
  source.complete();
  gate.resolve();
  await done;
  expect(batches).toEqual([[0], [2]]);
});

test('a table all of whose records have moved does no work, and is idle again', async () => {
  const source = new Subject<PendingEvent>();
  const batches: number[][] = [];
  const done = lastValueFrom(
    source.pipe(
      batchByTable({ lingerMs: 0 }, (batch) => {
        batches.push(offsetsOf(batch));
        return [1];
      }),
      toArray(),
    ),
  );
  source.next(pendingEvent(0, 't', {}, { signal: AbortSignal.abort() }));
  source.next(pendingEvent(1));
  source.complete();
  expect(await done).toEqual([1]);
  expect(batches).toEqual([[1]]);
});

test('an error of the work or of the source ends it', async () => {
  const failing = of(pendingEvent(0)).pipe(batchByTable({ lingerMs: 0 }, () => Promise.reject(new Error('work'))));
  await expect(lastValueFrom(failing, { defaultValue: null })).rejects.toThrow('work');
  const broken = concat(
    of(pendingEvent(0)),
    throwError(() => new Error('source')),
  ).pipe(batchByTable({ lingerMs: 0 }, () => []));
  await expect(lastValueFrom(broken, { defaultValue: null })).rejects.toThrow('source');
});

test('unsubscribing ends the work of all tables', () => {
  const source = new Subject<PendingEvent>();
  const work = new Subject<number>();
  const subscription = source.pipe(batchByTable({ lingerMs: 0 }, () => work)).subscribe();
  source.next(pendingEvent(0, 'a'));
  source.next(pendingEvent(1, 'b'));
  expect(work.observed).toBe(true);
  subscription.unsubscribe();
  expect([work.observed, source.observed]).toEqual([false, false]);
});

test('the batches of a table begin at least so far apart, those of another do not wait for it', async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const source = new Subject<PendingEvent>();
  const batches: (readonly [string, number[]])[] = [];
  const intervalMs = ({ name }: TableRef) => (name === 'far' ? 1_000 : 0);
  const done = lastValueFrom(
    source.pipe(
      batchByTable({ lingerMs: 0, intervalMs }, async (batch) => {
        batches.push([batch.table.name, offsetsOf(batch)]);
        return batch;
      }),
      toArray(),
    ),
  );
  const send = async (...events: PendingEvent[]) => {
    for (const event of events) source.next(event);
    await vi.advanceTimersByTimeAsync(0);
  };
  await send(pendingEvent(0, 'far'), pendingEvent(1, 'near'));
  await send(pendingEvent(2, 'far'), pendingEvent(3, 'near'));
  await vi.advanceTimersByTimeAsync(999);
  await send(pendingEvent(4, 'far'));
  expect(batches).toEqual([
    ['far', [0]],
    ['near', [1]],
    ['near', [3]],
  ]);
  await vi.advanceTimersByTimeAsync(1);
  expect(batches.slice(3)).toEqual([['far', [2, 4]]]);
  // After an idle time it starts at once again.
  await vi.advanceTimersByTimeAsync(1_000);
  await send(pendingEvent(5, 'far'));
  expect(batches.slice(4)).toEqual([['far', [5]]]);
  source.complete();
  await done;
});
