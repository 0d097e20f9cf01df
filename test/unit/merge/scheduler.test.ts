/** Merging beside the batches: when a table is looked at, in which order, and what becomes of merges that fail. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createPauses } from '../../../src/control/pauses.ts';
import { asyncLimit } from '../../../src/lib/async-limit.ts';
import { SegmentdError } from '../../../src/lib/errors.ts';
import type { PipelineContext } from '../../../src/stages/context.ts';
import { message, uuidText } from '../lance/manifest-fixture.ts';
import { batchOf, item, testContext } from '../stages/context-fixture.ts';
import { MADE_MS, merging, nothingDue, SCHEDULE, segmented, WAIT } from './merging-fixture.ts';

/** Waits by turns of the event loop: files are read while the clock stands still. */
async function soon(check: () => void): Promise<void> {
  for (let turns = 0; ; turns++) {
    try {
      return check();
    } catch (error) {
      if (turns > 5_000) throw error;
      await new Promise((resolve) => setImmediate(resolve));
      await vi.advanceTimersByTimeAsync(0);
    }
  }
}

/** Long enough for whatever is wrongly begun to show. */
const QUIET_MS = 40;

describe('a table with much to do', () => {
  test('is merged until nothing is due, each merge a version and a notice of its own', async () => {
    const it = await merging({ a: segmented(9) });
    it.covered('a');
    await nothingDue(it, 'a');
    await it.end();
    expect(await it.folders.a?.versions()).toEqual([1, 2, 3, 4, 5]);
    expect(await it.segments('a')).toHaveLength(1);
    expect(it.lines('mergesPlanned').map(({ pending }) => pending)).toEqual([4, 3, 2, 1, 0]);
    const states = it.lines('planned').map(({ indexes }) => indexes as { segments: number }[]);
    expect(states.map(([index]) => index?.segments)).toEqual([9, 7, 5, 3, 1]);
    expect(it.lines('mergeFinished').map(({ outcome }) => outcome)).toEqual(Array(4).fill('landed'));
    expect(it.lines('mergeFinished')[3]).toMatchObject({ segmentsIn: 3, segmentsOut: 1, rows: 900, bytesOut: 3 });
    expect(it.notices).toHaveLength(4);
    expect(it.notices[0]).toMatchObject({
      type: 'segment.merged',
      table: 'lake/a',
      version: 2,
      segments: [
        { index: 'id_idx', fragments: [0, 1, 2], rows: 300, replaced: [1, 2, 3].map(uuidText), uuid: uuidText(500) },
      ],
    });
    expect(it.notices[3]).toMatchObject({ segments: [{ replaced: [500, 510, 520].map(uuidText) }] });
  });

  test('is not planned to its end each time it is looked at', async () => {
    const it = await merging({ a: segmented(60) }, { schedule: { concurrency: 0 } });
    it.covered('a');
    await vi.waitFor(() => expect(it.lines('mergesPlanned')).toMatchObject([{ pending: 4 }]), WAIT);
    await it.end();
  });

  test('goes behind the tables that wait', async () => {
    const gate = Promise.withResolvers<void>();
    const tables = { a: segmented(9), b: segmented(3), c: segmented(3) };
    const it = await merging(tables, { before: () => gate.promise });
    for (const table of ['a', 'b', 'c']) it.covered(table);
    await vi.waitFor(() => expect(it.builder.builds).toEqual(['a']), WAIT);
    gate.resolve();
    for (const table of ['a', 'b', 'c']) await nothingDue(it, table);
    expect(it.builder.builds).toEqual(['a', 'b', 'c', 'a', 'a', 'a']);
    await it.end();
  });

  test('takes one place of those there are, however often it is covered meanwhile', async () => {
    const gate = Promise.withResolvers<void>();
    const names = ['a', 'b', 'c', 'd', 'e'];
    const tables = Object.fromEntries(names.map((name) => [name, segmented(9)]));
    const it = await merging(tables, { schedule: { concurrency: 3 }, before: () => gate.promise });
    for (const table of [...names, ...names, 'a', 'a']) it.covered(table);
    await vi.waitFor(() => expect(it.builder.active()).toBe(3), WAIT);
    await sleep(QUIET_MS);
    expect(it.builder.active()).toBe(3);
    for (const table of names) it.covered(table);
    gate.resolve();
    for (const table of names) await nothingDue(it, table);
    expect(it.builder.peak).toEqual({ all: 3, oneTable: 1 });
    expect(it.builder.builds).toHaveLength(20);
    await it.end();
  });
});

describe('a table is looked at', () => {
  test('once more when a batch was covered during the look', async () => {
    const look = Promise.withResolvers<void>();
    const it = await merging({ a: segmented(2) });
    const table = it.context.tables.open('/lake/a.lance');
    const latest = table.latest.bind(table);
    let looks = 0;
    table.latest = async () => {
      looks += 1;
      const manifest = await latest();
      if (looks === 1) await look.promise;
      return manifest;
    };
    it.covered('a');
    await vi.waitFor(() => expect(looks).toBe(1), WAIT);
    await it.folders.a?.write(segmented(3, { version: 2 }));
    it.covered('a');
    look.resolve();
    await vi.waitFor(() => expect(it.notices).toHaveLength(1), WAIT);
    await it.end();
  });

  test('and no more with a concurrency of 0', async () => {
    const it = await merging({ a: segmented(9) }, { schedule: { concurrency: 0 } });
    it.covered('a');
    await vi.waitFor(() => expect(it.lines('mergesPlanned')).toHaveLength(1), WAIT);
    await sleep(QUIET_MS);
    expect(it.lines('mergesPlanned')).toMatchObject([{ pending: 4, tiers: { 0: 0, 3: 9 } }]);
    expect([it.builder.builds, it.lines('mergeStarted'), await it.folders.a?.versions()]).toEqual([[], [], [1]]);
    await it.end();
  });

  test('not for events that name fragments, which come to any member', async () => {
    const it = await merging({ a: segmented(3) });
    const named = item(0, 'a', { fragments: [2] });
    it.covered('a', batchOf([named, named]));
    await sleep(QUIET_MS);
    expect(it.lines('mergesPlanned')).toEqual([]);
    it.covered('a', batchOf([named, item(1, 'a')]));
    await nothingDue(it, 'a');
    expect(it.notices).toHaveLength(1);
    await it.end();
  });

  test('and left alone while an operator has paused it', async () => {
    const pauses = createPauses();
    pauses.pause('lake/a');
    const it = await merging({ a: segmented(3), b: segmented(3) }, { context: { pauses } });
    it.covered('a');
    it.covered('b');
    await nothingDue(it, 'b');
    expect([it.lines('mergesPlanned', 'a'), it.builder.builds]).toEqual([[], ['b']]);
    pauses.resume('lake/a');
    it.covered('a');
    await nothingDue(it, 'a');
    await it.end();
  });
});

describe('fresh data that waits', () => {
  const HOUR_MS = 3_600_000;
  const ageMs = () => Date.now() - MADE_MS;

  test('longer than the limit stops merges, and not before', async () => {
    const tables = { a: segmented(3, { missing: 1 }) };
    const late = await merging(tables, { schedule: { pauseLagMs: ageMs() - HOUR_MS } });
    late.covered('a');
    await vi.waitFor(() => expect(late.lines('mergesPlanned')).toMatchObject([{ pending: 1 }]), WAIT);
    await sleep(QUIET_MS);
    expect(late.builder.builds).toEqual([]);
    // The batch that ends the gap.
    await late.folders.a?.write(segmented(4, { version: 2 }));
    late.covered('a');
    await vi.waitFor(() => expect(late.notices).toHaveLength(1), WAIT);
    await late.end();

    const early = await merging(tables, { schedule: { pauseLagMs: ageMs() + HOUR_MS } });
    early.covered('a');
    await vi.waitFor(() => expect(early.notices).toHaveLength(1), WAIT);
    await early.end();
  });

  test('is as old as the first append that is missing, however young the latest version is', async () => {
    const seconds = Math.floor(Date.now() / 1000);
    const at = (version: number) =>
      segmented(3, { version, missing: version - 1, more: { more: [[7, message([1, seconds - 30 + version])]] } });
    for (const [pauseLagMs, merges] of [
      [5_000, 0],
      [60_000, 1],
    ] as const) {
      const it = await merging({ a: at(1) }, { schedule: { pauseLagMs } });
      for (let version = 2; version <= 30; version++) await it.folders.a?.write(at(version));
      it.covered('a');
      await vi.waitFor(() => expect(it.lines('mergesPlanned').length).toBeGreaterThan(0), WAIT);
      if (merges > 0) await vi.waitFor(() => expect(it.notices).toHaveLength(merges), WAIT);
      await sleep(QUIET_MS);
      expect(it.notices).toHaveLength(merges);
      await it.end();
    }
  });

  test('ages while versions come and go, those of the merges among them', async () => {
    const schedule = {
      // Read once the files are written, however long that takes.
      get pauseLagMs() {
        return ageMs() + 150;
      },
    };
    const it = await merging({ a: segmented(9, { missing: 1 }) }, { schedule, before: () => sleep(100) });
    it.covered('a');
    await vi.waitFor(() => expect(it.notices.length).toBeGreaterThan(0), WAIT);
    await sleep(600);
    expect(it.notices.length).toBeLessThan(4);
    await it.end();
  });
});

describe('a merge that did not land', () => {
  test.each<[string, 'build_failed' | 'build_stale', object]>([
    ['failed', 'build_failed', { outcome: 'failed', segmentsIn: 3, segmentsOut: 0, rows: 0, seconds: 0 }],
    ['was overtaken by a cleanup', 'build_stale', { outcome: 'rejected', cause: 'files_gone', rows: 0 }],
  ])('because it %s is tried again, later each time, and holds up nobody', async (_what, code, finished) => {
    const settings = { ...testContext().settings, retry: { initialMs: 60, maxMs: 1_000 } };
    const times: number[] = [];
    const before = (table: string, count: number) => {
      if (table === 'a') times.push(performance.now());
      if (table === 'a' && count <= 2) throw new SegmentdError(code, 'no');
    };
    const it = await merging({ a: segmented(3), b: segmented(3) }, { before, context: { settings } });
    it.covered('a');
    it.covered('b');
    // Batches that are covered meanwhile do not make it come earlier.
    const covering = setInterval(() => it.covered('a'), 5);
    await vi.waitFor(() => expect(it.notices).toHaveLength(2), WAIT);
    clearInterval(covering);
    expect(it.builder.builds).toEqual(['a', 'b', 'a', 'a']);
    const [first = 0, second = 0, third = 0] = times;
    expect(second - first).toBeGreaterThanOrEqual(44);
    expect(third - second).toBeGreaterThanOrEqual(89);
    expect(it.lines('mergeFinished', 'a')).toMatchObject([finished, finished, { outcome: 'landed' }]);
    expect(it.lines('mergeFailed')).toMatchObject(code === 'build_failed' ? [{ table: 'lake/a', code }] : []);
    await it.end();
  });

  test('rests a few seconds at most while an index has more segments than its bound', async () => {
    const settings = { ...testContext().settings, retry: { initialMs: 60_000, maxMs: 60_000 } };
    vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval', 'clearTimeout', 'clearInterval', 'Date'] });
    onTestFinished(() => void vi.useRealTimers());
    const before = (_table: string, count: number) => {
      if (count === 1) throw new SegmentdError('build_failed', 'no');
    };
    const bound = { ...SCHEDULE.settings, maxSegments: 4 };
    const crowded = await merging(
      { a: segmented(9) },
      { before, context: { settings }, schedule: { settings: bound } },
    );
    const roomy = await merging({ a: segmented(4) }, { before, context: { settings }, schedule: { settings: bound } });
    for (const it of [crowded, roomy]) it.covered('a');
    const failed = () => [crowded, roomy].map((it) => it.lines('mergeFailed').length);
    await soon(() => expect(failed()).toEqual([1, 1]));
    await vi.advanceTimersByTimeAsync(3_000);
    await soon(() => expect(crowded.notices.length).toBeGreaterThan(0));
    expect(roomy.builder.builds).toHaveLength(1);
  });

  test('because another took one of its inputs away is planned anew', async () => {
    const theirs = segmented(4, { version: 2 });
    const before = async (_table: string, count: number) => {
      const [, ...rest] = theirs.indexes ?? [];
      if (count === 1) await it.folders.a?.write({ ...theirs, indexes: [{ uuid: 77, fragments: [0] }, ...rest] });
    };
    const it = await merging({ a: segmented(3) }, { before });
    it.covered('a');
    await nothingDue(it, 'a');
    await vi.waitFor(() => expect(it.notices).toHaveLength(1), WAIT);
    expect(it.lines('mergeFinished')).toMatchObject([
      { outcome: 'rejected', cause: 'input_gone' },
      { outcome: 'landed' },
    ]);
    expect(it.notices[0]).toMatchObject({ version: 3, segments: [{ replaced: [77, 2, 3].map(uuidText) }] });
    expect(await it.segments('a')).toEqual([uuidText(510), uuidText(4)]);
    expect(it.folders.a?.has(`_indices/${uuidText(500)}`)).toBe(false);
    expect(it.lines('mergeBuilt').map(({ rows }) => rows)).toEqual([300, 300]);
    await it.end();
  });

  test('because the table is declined is not tried again and not told: the batches have told it', async () => {
    const odd = segmented(3, { more: { readerFlags: 64n, writerFlags: 64n } });
    const it = await merging({ odd, b: segmented(3) });
    it.covered('odd');
    it.covered('b');
    await nothingDue(it, 'b');
    await sleep(QUIET_MS);
    expect(it.context.lines.filter(({ table }) => table === 'lake/odd')).toEqual([]);
    await it.end();
  });

  test('because of a bug ends the process', async () => {
    const before = () => {
      throw new TypeError('a bug');
    };
    const it = await merging({ a: segmented(3) }, { before });
    it.covered('a');
    await expect(it.ended).rejects.toThrow(TypeError);
  });
});

describe('the end', () => {
  test('comes at once while nothing is merged, and after the merge that runs', async () => {
    await (await merging({})).end();
    const gate = Promise.withResolvers<void>();
    const it = await merging({ a: segmented(9) }, { before: () => gate.promise });
    it.covered('a');
    await vi.waitFor(() => expect(it.builder.active()).toBe(1), WAIT);
    let ended = false;
    const end = it.end().then(() => {
      ended = true;
    });
    await sleep(QUIET_MS);
    expect(ended).toBe(false);
    gate.resolve();
    await end;
    expect([it.notices.length, it.builder.builds.length]).toEqual([1, 1]);
  });

  test('by the signal commits nothing of a merge that is built, begins none and reports none as failed', async () => {
    const stop = new AbortController();
    const it = await merging(
      { a: segmented(3), b: segmented(3) },
      { before: () => stop.abort(), context: { signal: stop.signal } },
    );
    it.covered('a');
    it.covered('b');
    await vi.waitFor(() => expect(it.builder.builds).toEqual(['a']), WAIT);
    await it.end();
    expect(it.builder.builds).toEqual(['a']);
    const published = it.folders.a?.has(`_indices/${uuidText(500)}`);
    expect([await it.folders.a?.versions(), published, it.notices]).toEqual([[1], false, []]);
    expect([it.lines('mergeFailed'), it.lines('mergeFinished')]).toEqual([[], []]);
  });
});

test('the signal ends a commit that has lost a race, and the merge does not count as failed', async () => {
  const stop = new AbortController();
  const it = await merging({ a: segmented(3) }, { context: { signal: stop.signal } });
  const { store } = it.context.tables.open('/lake/a.lance');
  const putIfAbsent = vi.spyOn(store, 'putIfAbsent').mockImplementation(async (_key, _parts, after) => {
    await after;
    await it.folders.a?.write(segmented(3, { version: putIfAbsent.mock.calls.length + 1 }));
    stop.abort();
    return 'exists';
  });
  it.covered('a');
  await vi.waitFor(() => expect(putIfAbsent).toHaveBeenCalled(), WAIT);
  await it.end();
  expect([putIfAbsent.mock.calls.length, it.lines('mergeFinished'), it.lines('mergeFailed')]).toEqual([1, [], []]);
  expect(it.folders.a?.has(`_indices/${uuidText(500)}`)).toBe(false);
});

test('a merge takes a place of fresh data for its commit alone, and leaves no files when it gets none', async () => {
  for (const aborts of [false, true]) {
    const slots = asyncLimit(1);
    const stop = new AbortController();
    const fresh = Promise.withResolvers<void>();
    const running = slots.run(() => fresh.promise);
    const it = await merging({ a: segmented(3) }, { context: { slots, signal: stop.signal } });
    const isPublished = () => it.folders.a?.has(`_indices/${uuidText(500)}/page_data.lance`);
    it.covered('a');
    await vi.waitFor(() => expect(isPublished()).toBe(true), WAIT);
    expect(await it.folders.a?.versions()).toEqual([1]);
    if (aborts) stop.abort();
    fresh.resolve();
    await running;
    await it.end();
    expect([await it.folders.a?.versions(), isPublished()]).toEqual(aborts ? [[1], false] : [[1, 2], true]);
  }
});

describe('a table that went to another member', () => {
  test('is not merged any more, though its next merge was due, and is told anew when it comes back', async () => {
    let release: (table: string) => void = () => undefined;
    const context: Partial<PipelineContext> = {
      onReleased: (listener) => {
        release = listener;
      },
    };
    const it = await merging({ a: segmented(9) }, { context, before: (table) => release(`lake/${table}`) });
    it.covered('a');
    await vi.waitFor(() => expect(it.notices).toHaveLength(1), WAIT);
    await sleep(QUIET_MS);
    expect([it.builder.builds, it.lines('mergesPlanned').length]).toEqual([['a'], 1]);
    await it.folders.a?.write(segmented(2, { version: 3 }));
    it.covered('a');
    await nothingDue(it, 'a');
    const told = () => it.lines('mergesPlanned').length;
    const before = told();
    release('lake/a');
    it.covered('a');
    await vi.waitFor(() => expect(told()).toBe(before + 1), WAIT);
    await it.end();
  });
});

test('settings of the schedule are those that plan', async () => {
  const settings = { ...SCHEDULE.settings, factor: 4, maxFactor: 4 };
  const it = await merging({ a: segmented(3) }, { schedule: { settings } });
  it.covered('a');
  await nothingDue(it, 'a');
  expect(it.builder.builds).toEqual([]);
  await it.end();
});
