import { firstValueFrom, take, toArray } from 'rxjs';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { SweepOptions } from '../../../src/control/sweep.ts';
import { refreshRequests, sweep } from '../../../src/control/sweep.ts';
import { tableRef } from '../stages/context-fixture.ts';

const tables = ['a', 'b', 'c'].map(tableRef);
const options = (more: Partial<SweepOptions> = {}): SweepOptions => ({
  intervalMs: 1,
  ready: async () => undefined,
  tables: async () => tables,
  owns: () => true,
  ...more,
});
const names = async (given: SweepOptions, count: number) =>
  (await firstValueFrom(sweep(given).pipe(take(count), toArray()))).map(({ event }) => event.table.name);

test('all tables are planned, at start and at each interval, without a record to acknowledge', async () => {
  expect(await names(options(), 7)).toEqual(['a', 'b', 'c', 'a', 'b', 'c', 'a']);
  expect(await firstValueFrom(sweep(options()))).toMatchObject({ record: null, event: { table: tables[0] } });
});

test('the end of the first sweep is told, and that of no other', async () => {
  const seen: string[] = [];
  const running = sweep(options({ firstEnded: () => seen.push('ended') })).pipe(take(7));
  await new Promise<void>((complete) =>
    running.subscribe({ next: ({ event }) => seen.push(event.table.name), complete }),
  );
  expect(seen).toEqual(['a', 'b', 'c', 'ended', 'a', 'b', 'c', 'a']);
});

test('only the owner of a table sweeps it, also when the owner changes during the sweep', async () => {
  expect(await names(options({ owns: ({ name }) => name !== 'b' }), 4)).toEqual(['a', 'c', 'a', 'c']);
  let asked = 0;
  // Owned when the tables were listed, and no more when its turn comes.
  const owns: SweepOptions['owns'] = ({ name }) => name !== 'c' || ++asked === 1;
  expect(await names(options({ owns, intervalMs: 100 }), 4)).toEqual(['a', 'b', 'a', 'b']);
  expect(asked).toBeGreaterThan(1);
});

test('the first sweep waits until there is something to own', async () => {
  const { promise: ready, resolve } = Promise.withResolvers<void>();
  let swept = false;
  const first = names(options({ ready: () => ready }), 1).then((found) => {
    swept = true;
    return found;
  });
  await new Promise((done) => setTimeout(done, 20));
  expect(swept).toBe(false);
  resolve();
  expect(await first).toEqual(['a']);
});

test('a table that an operator asks for comes out, with a sweep or without', async () => {
  const { events, refresh } = refreshRequests(options({ intervalMs: 0 }));
  const found = firstValueFrom(events);
  refresh(tableRef('z'));
  expect((await found).event.table.name).toBe('z');
});

test('another interval sweeps at once, 0 ends the sweeps, and the same interval changes nothing', async () => {
  const { events, sweepEvery } = refreshRequests(options({ intervalMs: 0 }));
  const found: string[] = [];
  const { promise: three, resolve } = Promise.withResolvers<void>();
  const subscription = events.subscribe(({ event }) => {
    found.push(event.table.name);
    if (found.length === 3) resolve();
  });
  sweepEvery(60_000);
  await three;
  sweepEvery(60_000);
  await new Promise((done) => setTimeout(done, 50));
  sweepEvery(0);
  await new Promise((done) => setTimeout(done, 50));
  subscription.unsubscribe();
  expect(found).toEqual(['a', 'b', 'c']);
});

test('a sweep that takes longer than the interval leaves the next ones out, instead of putting them off', async () => {
  vi.useFakeTimers();
  const jitter = vi.spyOn(Math, 'random').mockReturnValue(0.5);
  onTestFinished(() => {
    vi.useRealTimers();
    jitter.mockRestore();
  });
  let begun = 0;
  const { promise: over, resolve } = Promise.withResolvers<void>();
  const slow = async () => {
    begun += 1;
    if (begun === 1) await over;
    return tables;
  };
  const found: string[] = [];
  const running = sweep(options({ tables: slow, intervalMs: 1_000 })).subscribe(({ event }) =>
    found.push(event.table.name),
  );
  await vi.advanceTimersByTimeAsync(10_000);
  resolve();
  // Enough for one sweep, and for no interval.
  await vi.advanceTimersByTimeAsync(100);
  expect([found, begun]).toEqual([['a', 'b', 'c'], 1]);
  await vi.advanceTimersByTimeAsync(1_100);
  expect(begun).toBe(2);
  running.unsubscribe();
});

test('the first sweep hurries, the later ones keep out of the way of fresh events', async () => {
  vi.useFakeTimers();
  const jitter = vi.spyOn(Math, 'random').mockReturnValue(0.5);
  onTestFinished(() => {
    vi.useRealTimers();
    jitter.mockRestore();
  });
  const foundAt: number[] = [];
  const running = sweep(options({ intervalMs: 1_000 })).subscribe(() => foundAt.push(performance.now()));
  await vi.advanceTimersByTimeAsync(1_100);
  const gaps = foundAt.slice(1).map((ms, at) => ms - (foundAt[at] as number));
  expect([gaps[0], gaps[1], gaps[3], gaps[4]]).toEqual([1, 1, 5, 5]);
  running.unsubscribe();
});

test('after its end nothing is planned any more', async () => {
  const { events, refresh, end } = refreshRequests(options());
  const found: string[] = [];
  const { promise: over, resolve } = Promise.withResolvers<void>();
  events.subscribe({ next: ({ event }) => found.push(event.table.name), complete: resolve });
  end();
  await over;
  refresh(tableRef('z'));
  expect(found).toEqual([]);
});
