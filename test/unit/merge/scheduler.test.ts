/** Merging beside the batches: when a table runs, and in which order. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import { AskedWork } from '../../../src/control/asked-work.ts';
import { SegmentdError } from '../../../src/lib/errors.ts';
import type { AskedMerge } from '../../../src/merge/asked-merge.ts';
import type { PipelineContext } from '../../../src/stages/context.ts';
import { uuidText } from '../lance/manifest-fixture.ts';
import { batchOf, pendingEvent, tableRef, testContext } from '../stages/context-fixture.ts';
import { merging, nothingDue, segmented, WAIT } from './merging-fixture.ts';

/** Long enough for whatever is wrongly begun to show. */
const QUIET_MS = 40;

describe('a table with much to do', () => {
  test('is merged until nothing is due, each merge a version and a notification of its own', async () => {
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

  test('takes one slot, however often it is covered meanwhile', async () => {
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

describe('a table runs', () => {
  test('once more when a batch was covered during the run', async () => {
    const gate = Promise.withResolvers<void>();
    const it = await merging({ a: segmented(2) });
    const table = it.context.tables.open('/lake/a.lance');
    const latest = table.latest.bind(table);
    let runs = 0;
    table.latest = async () => {
      runs += 1;
      const manifest = await latest();
      if (runs === 1) await gate.promise;
      return manifest;
    };
    it.covered('a');
    await vi.waitFor(() => expect(runs).toBe(1), WAIT);
    await it.folders.a?.write(segmented(3, { version: 2 }));
    it.covered('a');
    gate.resolve();
    await vi.waitFor(() => expect(it.notices).toHaveLength(1), WAIT);
    await it.end();
  });

  test('not for events that name fragments, which come to any member', async () => {
    const it = await merging({ a: segmented(3) });
    const named = pendingEvent(0, 'a', { fragments: [2] });
    it.covered('a', batchOf([named, named]));
    await sleep(QUIET_MS);
    expect(it.lines('mergesPlanned')).toEqual([]);
    it.covered('a', batchOf([named, pendingEvent(1, 'a')]));
    await nothingDue(it, 'a');
    expect(it.notices).toHaveLength(1);
    await it.end();
  });
});

describe('a merge that did not land', () => {
  test.each(['build_failed', 'build_stale'] as const)(
    'because of %s is tried again, while other tables are merged',
    async (code) => {
      const before = (table: string, count: number) => {
        if (table === 'a' && count <= 2) throw new SegmentdError(code, 'no');
      };
      const settings = { ...testContext().settings, retry: { initialMs: 20, maxMs: 20 } };
      const it = await merging({ a: segmented(3), b: segmented(3) }, { before, context: { settings } });
      it.covered('a');
      it.covered('b');
      await vi.waitFor(() => expect(it.notices).toHaveLength(2), WAIT);
      expect(it.builder.builds).toEqual(['a', 'b', 'a', 'a']);
      await it.end();
    },
  );

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

  test('by the subscriber begins nothing more', async () => {
    const gate = Promise.withResolvers<void>();
    const it = await merging({ a: segmented(9), b: segmented(3) }, { before: () => gate.promise });
    it.covered('a');
    it.covered('b');
    await vi.waitFor(() => expect(it.builder.active()).toBe(1), WAIT);
    it.unsubscribe();
    gate.resolve();
    await vi.waitFor(() => expect(it.notices).toHaveLength(1), WAIT);
    await sleep(QUIET_MS);
    expect(it.builder.builds).toEqual(['a']);
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
    const uploaded = it.folders.a?.has(`_indices/${uuidText(500)}`);
    expect([await it.folders.a?.versions(), uploaded, it.notices]).toEqual([[1], false, []]);
    expect([it.lines('mergeFailed'), it.lines('mergeFinished')]).toEqual([[], []]);
  });
});

describe('a table that went to another member', () => {
  test('is not merged any more, though its next merge was due, and is reported again when it comes back', async () => {
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

describe('a merge that an operator asks for', () => {
  test('is done without a batch, of what the policy leaves alone too, and once', async () => {
    const asked = new AskedWork<AskedMerge>();
    const it = await merging({ a: segmented(2) }, { schedule: { asked } });
    asked.ask(tableRef('a'), { to: 1, runs: null });
    await vi.waitFor(() => expect(asked.of('lake/a')).toBeUndefined(), WAIT);
    expect(it.lines('mergeStarted')).toMatchObject([{ table: 'lake/a', segments: 2, reason: 'asked' }]);
    expect(await it.segments('a')).toHaveLength(1);
    await it.end();
    expect(it.builder.builds).toEqual(['a']);
  });

  test('lets fresh data go first', async () => {
    const asked = new AskedWork<AskedMerge>();
    const it = await merging({ a: segmented(2, { missing: 1 }) }, { schedule: { asked, pauseLagMs: 0 } });
    asked.ask(tableRef('a'), { to: 1, runs: null });
    await sleep(QUIET_MS);
    expect([it.builder.builds, asked.of('lake/a')]).toMatchObject([[], { to: 1 }]);
    await it.end();
  });

  test('is forgotten when it fails, and when the table is paused or another member has it', async () => {
    const asked = new AskedWork<AskedMerge>();
    const released: ((table: string) => void)[] = [];
    const failing = () => {
      throw new SegmentdError('build_failed', 'no');
    };
    const context = { onReleased: (listener: (table: string) => void) => void released.push(listener) };
    const it = await merging(
      { a: segmented(2), b: segmented(2), c: segmented(2, { missing: 1 }) },
      { before: failing, schedule: { asked, pauseLagMs: 0 }, context },
    );
    it.context.pauses.pause('lake/b', 'me');
    for (const table of ['a', 'b', 'c']) asked.ask(tableRef(table), { to: 1, runs: null });
    await vi.waitFor(
      () => expect(['a', 'b'].map((name) => asked.of(`lake/${name}`))).toEqual([undefined, undefined]),
      WAIT,
    );
    expect(it.builder.builds).toEqual(['a']);
    expect(asked.of('lake/c')).toBeDefined();
    for (const listener of released) listener('lake/c');
    expect(asked.of('lake/c')).toBeUndefined();
    await it.end();
  });
});
