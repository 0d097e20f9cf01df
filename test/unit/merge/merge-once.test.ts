/** One run of a table: what it merges, what it leaves alone, and when the table runs again. */
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createPauses } from '../../../src/control/pauses.ts';
import { asyncLimit } from '../../../src/lib/async-limit.ts';
import type { ErrorCode } from '../../../src/lib/errors.ts';
import { declinesTable, ERRORS, SegmentdError } from '../../../src/lib/errors.ts';
import type { ManifestSpec } from '../lance/manifest-fixture.ts';
import { message, uuidText } from '../lance/manifest-fixture.ts';
import { remoteLike } from '../lance/remote-fixture.ts';
import { testContext } from '../stages/context-fixture.ts';
import { MADE_MS, merging, SETTINGS, segmented, WAIT } from './merging-fixture.ts';

const AGAIN = { when: 'again' };
const REQUESTED = { when: 'requested' };

describe('a run', () => {
  test('merges what is due, and the table runs again until nothing is', async () => {
    const it = await merging({ a: segmented(6) });
    expect([await it.once('a'), await it.once('a'), await it.once('a')]).toEqual([AGAIN, AGAIN, REQUESTED]);
    expect(await it.segments('a')).toEqual([uuidText(500), uuidText(510)]);
    expect(it.lines('mergesPlanned').map(({ pending }) => pending)).toEqual([2, 1, 0]);
  });

  test('builds as a merge, so that fresh data does not wait for its memory', async () => {
    const it = await merging({ a: segmented(6) });
    await it.once('a');
    expect([...it.builder.purposes]).toEqual(['merge']);
  });

  test('plans a version at which nothing is due once', async () => {
    const it = await merging({ a: segmented(2) });
    expect([await it.once('a'), await it.once('a')]).toEqual([REQUESTED, REQUESTED]);
    expect(it.lines('mergesPlanned')).toHaveLength(1);
    await it.folders.a?.write(segmented(2, { version: 2 }));
    await it.once('a');
    expect(it.lines('mergesPlanned')).toHaveLength(2);
  });

  test('plans as the settings of the schedule say', async () => {
    const settings = { ...SETTINGS, factor: 4, maxFactor: 4 };
    const it = await merging({ a: segmented(3) }, { schedule: { settings: () => settings } });
    expect(await it.once('a')).toEqual(REQUESTED);
    expect(it.builder.builds).toEqual([]);
  });

  test('with a concurrency of 0 counts what is due, not to its end, and merges nothing', async () => {
    const it = await merging({ a: segmented(60) }, { schedule: { concurrency: 0 } });
    expect(await it.once('a')).toEqual(REQUESTED);
    expect(it.lines('mergesPlanned')).toMatchObject([{ pending: 4, tiers: { 0: 0, 3: 60 } }]);
    expect([it.builder.builds, it.lines('mergeStarted'), await it.folders.a?.versions()]).toEqual([[], [], [1]]);
  });

  test('leaves a table alone while an operator has paused it', async () => {
    const pauses = createPauses();
    pauses.pause('lake/a', 'me');
    const it = await merging({ a: segmented(3) }, { context: { pauses } });
    expect(await it.once('a')).toEqual(REQUESTED);
    expect([it.lines('mergesPlanned'), it.builder.builds]).toEqual([[], []]);
    pauses.resume('lake/a');
    expect(await it.once('a')).toEqual(AGAIN);
  });

  test('takes a slot of fresh data for its commit alone, and leaves no files when it gets none', async () => {
    for (const aborts of [false, true]) {
      const slots = asyncLimit(1);
      const stop = new AbortController();
      const fresh = Promise.withResolvers<void>();
      const running = slots.run(() => fresh.promise);
      const it = await merging({ a: segmented(3) }, { context: { slots, signal: stop.signal } });
      const isUploaded = () => it.folders.a?.has(`_indices/${uuidText(500)}/page_data.lance`);
      const run = it.once('a');
      await vi.waitFor(() => expect(isUploaded()).toBe(true), WAIT);
      expect(await it.folders.a?.versions()).toEqual([1]);
      if (aborts) stop.abort();
      fresh.resolve();
      await running;
      expect(await run).toEqual(aborts ? REQUESTED : AGAIN);
      expect([await it.folders.a?.versions(), isUploaded()]).toEqual(aborts ? [[1], false] : [[1, 2], true]);
    }
  });
});

describe('fresh data that waits', () => {
  const HOUR_MS = 3_600_000;

  test('longer than the limit stops merges, and not before', async () => {
    const ageMs = Date.now() - MADE_MS;
    const tables = { a: segmented(3, { missing: 1 }) };
    const late = await merging(tables, { schedule: { pauseLagMs: ageMs - HOUR_MS } });
    expect(await late.once('a')).toEqual(REQUESTED);
    expect([late.lines('mergesPlanned'), late.builder.builds]).toMatchObject([[{ pending: 1 }], []]);
    // The batch that ends the gap.
    await late.folders.a?.write(segmented(4, { version: 2 }));
    expect(await late.once('a')).toEqual(AGAIN);

    const early = await merging(tables, { schedule: { pauseLagMs: ageMs + HOUR_MS } });
    expect(await early.once('a')).toEqual(AGAIN);
  });

  test('ages while versions come and go, those of the merges among them', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: MADE_MS });
    onTestFinished(() => void vi.useRealTimers());
    const it = await merging({ a: segmented(9, { missing: 1 }) }, { schedule: { pauseLagMs: 1_000 } });
    vi.setSystemTime(MADE_MS + 900);
    expect(await it.once('a')).toEqual(AGAIN);
    vi.setSystemTime(MADE_MS + 1_100);
    expect(await it.once('a')).toEqual(REQUESTED);
    expect(it.builder.builds).toEqual(['a']);
  });
});

describe('a merge that did not land', () => {
  const retry = { initialMs: 60_000, maxMs: 200_000 };
  const settings = { ...testContext().settings, retry };

  test.each<[string, 'build_failed' | 'build_stale', object]>([
    ['failed', 'build_failed', { outcome: 'failed', segmentsIn: 3, segmentsOut: 0, rows: 0, seconds: 0 }],
    ['was overtaken by a cleanup', 'build_stale', { outcome: 'rejected', cause: 'files_gone', rows: 0 }],
  ])('because it %s is tried after a backoff, longer each time until one lands', async (_what, code, finished) => {
    const before = (_table: string, count: number) => {
      if (count !== 4) throw new SegmentdError(code, 'no');
    };
    const it = await merging({ a: segmented(6) }, { before, context: { settings } });
    const expectBackoff = async (fullMs: number) => {
      const next = await it.once('a');
      expect(next).toEqual({ when: 'backoff', afterMs: expect.any(Number) });
      const { afterMs } = next as { afterMs: number };
      expect(afterMs).toBeGreaterThanOrEqual(0.75 * fullMs);
      expect(afterMs).toBeLessThanOrEqual(fullMs);
    };
    for (const fullMs of [60_000, 120_000, 200_000]) await expectBackoff(fullMs);
    expect(it.lines('mergeFinished')).toMatchObject([finished, finished, finished]);
    // Repeated failures are told of now and then only.
    expect(it.lines('mergeFailed')).toMatchObject(code === 'build_failed' ? [{ table: 'lake/a', code }] : []);
    expect(await it.once('a')).toEqual(AGAIN);
    await expectBackoff(60_000);
  });

  test('waits a few seconds at most while an index has more segments than its bound', async () => {
    const before = () => {
      throw new SegmentdError('build_failed', 'no');
    };
    const schedule = { settings: () => ({ ...SETTINGS, maxSegments: 4 }) };
    const it = await merging({ over: segmented(5), at: segmented(4) }, { before, context: { settings }, schedule });
    expect(await it.once('over')).toEqual({ when: 'backoff', afterMs: 3_000 });
    const next = (await it.once('at')) as { afterMs: number };
    expect(next.afterMs).toBeGreaterThanOrEqual(45_000);
  });

  test('because another took one of its inputs away is planned anew', async () => {
    const theirs = segmented(4, { version: 2 });
    const before = async (_table: string, count: number) => {
      const [, ...rest] = theirs.indexes ?? [];
      if (count === 1) await it.folders.a?.write({ ...theirs, indexes: [{ uuid: 77, fragments: [0] }, ...rest] });
    };
    const it = await merging({ a: segmented(3) }, { before });
    expect([await it.once('a'), await it.once('a')]).toMatchObject([{ when: 'backoff' }, AGAIN]);
    expect(it.lines('mergeFinished')).toMatchObject([
      { outcome: 'rejected', cause: 'input_gone' },
      { outcome: 'landed' },
    ]);
    expect(it.notices).toMatchObject([{ version: 3, segments: [{ replaced: [77, 2, 3].map(uuidText) }] }]);
    expect(await it.segments('a')).toEqual([uuidText(510), uuidText(4)]);
    expect(it.folders.a?.has(`_indices/${uuidText(500)}`)).toBe(false);
    expect(it.lines('mergeBuilt').map(({ rows }) => rows)).toEqual([300, 300]);
  });

  test('because the table is declined is not tried again and not logged: the batches have logged it', async () => {
    const it = await merging({ a: segmented(3, { more: { readerFlags: 64n, writerFlags: 64n } }) });
    expect(await it.once('a')).toEqual(REQUESTED);
    expect(it.context.lines).toEqual([]);
  });

  test('because of a bug is an error of the run', async () => {
    const before = () => {
      throw new TypeError('a bug');
    };
    const it = await merging({ a: segmented(3) }, { before });
    await expect(it.once('a')).rejects.toThrow(TypeError);
  });

  test('because the process ends while it waits after a conflict does not count as failed', async () => {
    const stop = new AbortController();
    const it = await merging({ a: segmented(3) }, { context: { signal: stop.signal } });
    const { store } = it.context.tables.open('/lake/a.lance');
    const putIfAbsent = vi.spyOn(store, 'putIfAbsent').mockImplementation(async (_key, _parts, after) => {
      await after;
      await it.folders.a?.write(segmented(3, { version: putIfAbsent.mock.calls.length + 1 }));
      stop.abort();
      return { outcome: 'exists' };
    });
    expect(await it.once('a')).toEqual(REQUESTED);
    expect([putIfAbsent.mock.calls.length, it.lines('mergeFinished'), it.lines('mergeFailed')]).toEqual([1, [], []]);
    expect(it.folders.a?.has(`_indices/${uuidText(500)}`)).toBe(false);
  });
});

describe('beside compactions of others that keep failing because of segmentd', () => {
  const OURS = ['segmentd', '0.0.0'] as const;
  const THEIRS = ['lance', '12.0.0'] as const;

  /** A version made just now, with three segments over two small fragments each: what others may be compacting. */
  function compactable(version: number, maxFragmentId: number, more: ManifestSpec = {}): ManifestSpec {
    const fields = [
      [7, message([1, Math.floor(Date.now() / 1000)])],
      [11, maxFragmentId],
    ] as const;
    const fragments = [0, 1, 2, 3, 4, 5].map((id) => ({ id }));
    const indexes = [0, 1, 2].map((at) => ({ uuid: at + 1, fragments: [2 * at, 2 * at + 1] }));
    return { version, fragments, indexes, more: fields, ...more };
  }

  const reserved = (readVersion: number) => ({
    writer: THEIRS,
    transaction: message([1, readVersion], [2, 'theirs'], [107, message([1, 1])]),
  });

  /** Compactions that set a fragment id aside and lost to a commit of segmentd. */
  async function afterFailures(failures: 1 | 2, options: Parameters<typeof merging>[1] = {}) {
    const it = await merging({ a: compactable(1, 5) }, options);
    await it.folders.a?.write(compactable(2, 6, reserved(1)));
    await it.folders.a?.write(compactable(3, 6, { writer: OURS }));
    if (failures === 1) return it;
    await it.folders.a?.write(compactable(4, 7, reserved(3)));
    await it.folders.a?.write(compactable(5, 7, { writer: OURS }));
    return it;
  }

  test('the history is not read for merges that touch no candidate', async () => {
    const it = await merging({ a: segmented(3) });
    for (let version = 2; version <= 4; version++) await it.folders.a?.write(segmented(3, { version }));
    const read = vi.spyOn(it.context.tables.open('/lake/a.lance'), 'at');
    expect(await it.once('a')).toEqual(AGAIN);
    expect(read).not.toHaveBeenCalled();
  });

  test('one that failed holds up nothing', async () => {
    const it = await afterFailures(1);
    expect(await it.once('a')).toEqual(AGAIN);
    expect(it.notices).toMatchObject([{ segments: [{ replaced: [1, 2, 3].map(uuidText) }] }]);
  });

  /** Beside the candidates, three segments over one fragment each. */
  function appended(): ManifestSpec {
    const { fragments = [], indexes = [], ...rest } = compactable(6, 10, { writer: OURS });
    const fresh = [8, 9, 10];
    return {
      ...rest,
      fragments: [...fragments, ...fresh.map((id) => ({ id }))],
      indexes: [...indexes, ...fresh.map((id) => ({ uuid: id, fragments: [id] }))],
    };
  }

  test('after two in a row their candidates are left alone for now, while what is appended is merged as it comes', async () => {
    const it = await afterFailures(2);
    expect(await it.once('a')).toEqual({ when: 'later', afterMs: 30_000 });
    expect([it.lines('mergesPlanned'), it.builder.builds]).toMatchObject([[{ pending: 1 }], []]);
    await it.folders.a?.write(appended());
    expect(await it.once('a')).toEqual(AGAIN);
    expect(it.notices).toMatchObject([{ segments: [{ replaced: [8, 9, 10].map(uuidText) }] }]);
    expect(await it.once('a')).toMatchObject({ when: 'later' });
    expect(it.builder.builds).toEqual(['a']);
  });

  test('in an object store what is appended is left to the next batch then, too', async () => {
    const it = await afterFailures(2, { storeOf: (root) => remoteLike(root).store });
    await it.folders.a?.write(appended());
    expect([await it.once('a'), await it.once('a')]).toEqual([{ when: 'later', afterMs: 10_000 }, AGAIN]);
    expect(it.notices).toMatchObject([{ segments: [{ replaced: [8, 9, 10].map(uuidText) }] }]);
  });

  test('a single fragment of which more than a tenth is deleted is such a candidate too', async () => {
    for (const [deleted, next] of [
      [13, AGAIN],
      [14, { when: 'later' }],
    ] as const) {
      const it = await afterFailures(2);
      const single = {
        fragments: [{ id: 0, rows: 130, deleted }, { id: 1 }, { id: 2 }],
        indexes: [0, 1, 2].map((id) => ({ uuid: id + 1, fragments: [id] })),
        ...{ readerFlags: 1n, writerFlags: 1n },
      };
      await it.folders.a?.write(compactable(6, 7, { writer: OURS, ...single }));
      expect(await it.once('a')).toMatchObject(next);
    }
  });
});

describe('a table that cannot be served', () => {
  const codes = (Object.keys(ERRORS) as ErrorCode[]).filter(declinesTable);

  test.each(codes)('ends its run and nothing else, before the build and in the commit: %s', async (code) => {
    for (const readsBefore of [0, 1]) {
      const it = await merging({ a: segmented(6) });
      const table = it.context.tables.open('/lake/a.lance');
      const latest = table.latest.bind(table);
      let reads = 0;
      table.latest = () => (++reads > readsBefore ? Promise.reject(new SegmentdError(code, 'no')) : latest());
      expect(await it.once('a')).toEqual(REQUESTED);
      expect(it.notices).toEqual([]);
    }
  });

  test.each(['internal', 'broker_denied'] as const)('is not what %s says: that ends the process', async (code) => {
    const before = () => {
      throw new SegmentdError(code, 'bug');
    };
    const it = await merging({ a: segmented(6) }, { before });
    await expect(it.once('a')).rejects.toMatchObject({ code });
  });
});
