/** Small merges of remote tables that land with a batch: the stages together, over a folder that behaves like an object store. */
import { lastValueFrom, of } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { createPauses } from '../../../src/control/pauses.ts';
import type { Manifest } from '../../../src/lance/codec/manifest.ts';
import { LanceTable } from '../../../src/lance/table/table.ts';
import { SegmentdError } from '../../../src/lib/errors.ts';
import type { PendingEvent } from '../../../src/model.ts';
import { pipeline } from '../../../src/pipeline.ts';
import { build } from '../../../src/stages/build.ts';
import { commit } from '../../../src/stages/commit.ts';
import { plan } from '../../../src/stages/plan.ts';
import { endRound } from '../../../src/stages/retry.ts';
import type { Settleable } from '../../../src/stages/work.ts';
import { localStore } from '../../../src/store/local-store.ts';
import type { ManifestSpec } from '../lance/manifest-fixture.ts';
import { uuidText } from '../lance/manifest-fixture.ts';
import { remoteLike } from '../lance/remote-fixture.ts';
import { batchOf, consumerRecord, pendingEvent, tableRef } from '../stages/context-fixture.ts';
import type { Merging } from './merging-fixture.ts';
import { merging, SCHEDULE, SETTINGS, segmented } from './merging-fixture.ts';

const AGAIN = { when: 'again' };
const REQUESTED = { when: 'requested' };
const LEFT = { when: 'later', afterMs: 10_000 };

/** Three segments that are to become one, and a fragment that none covers. */
const DUE = segmented(3, { missing: 1 });

/** Three segments over two small fragments each are to become one, and a fragment is covered by none. */
const CANDIDATES: ManifestSpec = {
  fragments: [0, 1, 2, 3, 4, 5, 6].map((id) => ({ id })),
  indexes: [0, 1, 2].map((at) => ({ uuid: at + 1, fragments: [2 * at, 2 * at + 1] })),
};

/** One table `a` in an object store, whose fresh data is never late. */
const remote = (spec: ManifestSpec = DUE, { schedule = {}, ...more }: Parameters<typeof merging>[1] = {}) =>
  merging(
    { a: spec },
    {
      storeOf: (root) => remoteLike(root).store,
      schedule: { pauseLagMs: Number.MAX_SAFE_INTEGER, ...schedule },
      ...more,
    },
  );

async function round(
  { context, along }: Merging,
  events: readonly PendingEvent[] = [pendingEvent(0, 'a')],
): Promise<Settleable> {
  const batch = batchOf(events);
  return lastValueFrom(
    of(batch).pipe(plan(context, along.offer), build(context), commit(context), endRound(context, batch)),
  );
}

const latest = (it: Merging): Promise<Manifest> => new LanceTable(localStore(it.folders.a?.root as string)).latest();

/** The segments of each index in the latest version, as the fragments that they cover. */
async function coverage(it: Merging): Promise<Record<string, number[][]>> {
  const { indexes } = await latest(it);
  const names = [...new Set(indexes.map(({ name }) => name))];
  const of = (name: string) =>
    indexes.filter((index) => index.name === name).map(({ fragments }) => [...(fragments ?? [])]);
  return Object.fromEntries(names.map((name) => [name, of(name)]));
}

const told = (it: Merging, event: string) => it.lines(event, 'a');
const offered = (it: Merging) => told(it, 'mergeStarted').length > 0;

describe('a batch of a remote table', () => {
  test('lands in one version with the merge that is due', async () => {
    const it = await remote();
    const done = await round(it);
    expect(done).toMatchObject({
      ...{ kind: 'covered', committed: true, coveredVersion: 1, tableVersion: 2 },
      indexes: [{ name: 'id_idx', missingFragments: 0, coverage: 1, segments: 2 }],
    });
    expect(await it.folders.a?.versions()).toEqual([1, 2]);
    const { indexes, transaction } = await latest(it);
    expect(indexes.map(({ uuid, fragments }) => [uuid, [...(fragments ?? [])]])).toEqual([
      [uuidText(500), [3]],
      [uuidText(501), [0, 1, 2]],
    ]);
    expect(transaction).toMatchObject({ operation: 'CreateIndex' });
    expect(Object.fromEntries(transaction?.properties ?? [])).toMatchObject({
      'segmentd.merged': '3',
      'segmentd.events': 'appends/0/0-0',
    });
  });

  test('is told of apart from its merge', async () => {
    const it = await remote();
    await round(it);
    const { version, transaction } = await latest(it);
    const both = { table: 'lake/a', version, transaction: transaction?.uuid };
    expect(it.notices).toMatchObject([
      {
        ...{ type: 'segment.merged', ...both },
        segments: [
          {
            index: 'id_idx',
            uuid: uuidText(501),
            fragments: [0, 1, 2],
            rows: 300,
            replaced: [1, 2, 3].map(uuidText),
          },
        ],
      },
      {
        ...{ type: 'segment.committed', ...both },
        segments: [{ index: 'id_idx', uuid: uuidText(500), fragments: [3], rows: 100 }],
      },
    ]);
    expect(told(it, 'buildStarted')).toMatchObject([{ fragments: 1, rows: 100 }]);
    expect(told(it, 'buildFinished')).toMatchObject([{ outcome: 'ok', rows: 100, bytes: 3 }]);
    expect(told(it, 'mergeStarted')).toMatchObject([{ index: 'id_idx', segments: 3, rows: 300, reason: 'tier' }]);
    expect(told(it, 'mergeBuilt')).toMatchObject([{ rows: 300 }]);
    expect(told(it, 'mergeFinished')).toMatchObject([
      { outcome: 'landed', segmentsIn: 3, segmentsOut: 1, rows: 300, bytesOut: 3 },
    ]);
    expect([told(it, 'commitFinished').length, [...it.builder.purposes]]).toEqual([1, ['fresh']]);
  });

  test('merges each index for itself', async () => {
    const { indexes = [], ...rest } = DUE;
    const second = { uuid: 9, name: 'name_idx', fields: [1], fragments: [0, 1, 2] };
    const it = await remote({ ...rest, indexes: [...indexes, second] });
    expect(await round(it)).toMatchObject({
      indexes: [
        { name: 'id_idx', missingFragments: 0, segments: 2 },
        { name: 'name_idx', missingFragments: 0, segments: 2 },
      ],
    });
    expect(await coverage(it)).toEqual({
      id_idx: [[3], [0, 1, 2]],
      name_idx: [[0, 1, 2], [3]],
    });
    expect(it.notices).toMatchObject([
      { type: 'segment.merged', segments: [{ index: 'id_idx' }] },
      { type: 'segment.committed', segments: [{ index: 'id_idx' }, { index: 'name_idx' }] },
    ]);
  });

  test('does not count what a merge covers as covered anew', async () => {
    const it = await remote(segmented(3, { missing: 2 }));
    // Of the two missing fragments another event names one.
    it.context.backfills.note('lake/a', { id: 'job', first: 4, last: 4 });
    expect(await round(it)).toMatchObject({
      kind: 'covered',
      indexes: [{ missingFragments: 1, missingRows: 100, segments: 2 }],
    });
    expect(await coverage(it)).toEqual({ id_idx: [[3], [0, 1, 2]] });
  });

  test('lands with the merge of what others are not compacting', async () => {
    const { fragments = [], indexes = [] } = CANDIDATES;
    const singles = [6, 7, 8];
    const it = await remote({
      fragments: [...fragments, { id: 7 }, { id: 8 }, { id: 9 }],
      indexes: [...indexes, ...singles.map((id) => ({ uuid: 10 + id, fragments: [id] }))],
    });
    expect(await round(it)).toMatchObject({ kind: 'covered', indexes: [{ segments: 5 }] });
    expect(await coverage(it)).toEqual({ id_idx: [[0, 1], [2, 3], [4, 5], [9], singles] });
  });

  test('has no merges with it that nobody asked for', async () => {
    const it = await remote(segmented(2, { missing: 1 }));
    expect(await round(it)).toMatchObject({ kind: 'covered', indexes: [{ segments: 3 }] });
    expect(offered(it)).toBe(false);
  });
});

describe('a batch has no merges with it', () => {
  const paused = createPauses();
  paused.pause('lake/a', 'me');
  const over = { settings: () => ({ ...SETTINGS, maxSegments: 2 }) };
  const large = (rows: number): ManifestSpec => ({
    fragments: [0, 1, 2].map((id) => ({ id, rows: rows / 3 })).concat({ id: 3, rows: 1 }),
    indexes: [0, 1, 2].map((id) => ({ uuid: id + 1, fragments: [id] })),
  });
  const roomy = { settings: () => ({ ...SETTINGS, maxSegmentRows: 1e9 }) };
  const flags = { readerFlags: 2n, writerFlags: 2n };
  const rebuilt = {
    open: undefined as never,
    policy: () => ({ wanted: 'existing', stableRowIds: 'rebuild' }) as const,
  };

  test.each<[string, () => Promise<Merging>]>([
    ['on a disk', () => remote(DUE, { storeOf: localStore })],
    ['while the table is paused', () => remote(DUE, { context: { pauses: paused } })],
    ['where merging is switched off', () => remote(DUE, { schedule: { concurrency: 0 } })],
    ['while an index has more segments than its bound', () => remote(DUE, { schedule: over })],
    ['of what others may be compacting', () => remote(CANDIDATES)],
    ['of more than a million rows', () => remote(large(1_000_002), { schedule: roomy })],
  ])('%s', async (_, make) => {
    const it = await make();
    expect(await round(it)).toMatchObject({ kind: 'covered', committed: true });
    expect([offered(it), (await latest(it)).version]).toEqual([false, 2]);
  });

  test('but of a million', async () => {
    const it = await remote(large(999_999), { schedule: roomy });
    expect(await round(it)).toMatchObject({ kind: 'covered', indexes: [{ segments: 2 }] });
  });

  test('when it does not fit one commit', async () => {
    const it = await remote(segmented(3, { missing: 2 }));
    const limits = { maxRows: 1e6, maxFragments: 1 };
    const context = { ...it.context, settings: { ...it.context.settings, limits } };
    expect(await round({ ...it, context })).toMatchObject({ kind: 'requeue' });
    expect(offered(it)).toBe(false);
  });

  test('when its events name fragments', async () => {
    const it = await remote();
    expect(await round(it, [pendingEvent(0, 'a', { fragments: [3] })])).toMatchObject({ kind: 'covered' });
    expect([offered(it), await coverage(it)]).toEqual([false, { id_idx: [[0], [1], [2], [3]] }]);
  });

  test('when it replaces all that there is', async () => {
    const it = await remote({ ...DUE, ...flags });
    const { open } = it.context.tables;
    expect(await round({ ...it, context: { ...it.context, tables: { ...rebuilt, open } } })).toMatchObject({
      kind: 'covered',
      indexes: [{ segments: 1 }],
    });
    expect(offered(it)).toBe(false);
  });
});

describe('merges that cannot land with their batch', () => {
  /** Another writer replaces an input under the first build. */
  async function beaten(): Promise<Merging> {
    const before = async (_table: string, count: number) => {
      const [, ...rest] = DUE.indexes ?? [];
      if (count === 1)
        await it.folders.a?.write({ ...DUE, version: 2, indexes: [{ uuid: 77, fragments: [0] }, ...rest] });
    };
    const it: Merging = await remote(DUE, { before });
    return it;
  }

  test('are left out of the next round', async () => {
    const it = await beaten();
    expect(await round(it)).toMatchObject({ kind: 'requeue', batch: { replanCount: 1, committed: false } });
    expect(told(it, 'replanned')).toMatchObject([{ cause: 'input_gone' }]);
    expect(told(it, 'mergeFinished')).toMatchObject([{ outcome: 'rejected', cause: 'input_gone', segmentsIn: 3 }]);
    expect([it.folders.a?.has(`_indices/${uuidText(500)}`), it.folders.a?.has(`_indices/${uuidText(501)}`)]).toEqual([
      false,
      false,
    ]);
    expect(await round(it)).toMatchObject({ kind: 'covered', tableVersion: 3, indexes: [{ segments: 4 }] });
    expect(it.notices).toMatchObject([{ type: 'segment.committed', segments: [{ fragments: [3] }] }]);
    expect([told(it, 'mergeStarted').length, told(it, 'mergeFinished').length]).toEqual([1, 1]);
  });

  test('are done alone, at once, and after that may go along again', async () => {
    const it = await beaten();
    await round(it);
    await round(it);
    expect(await it.once('a')).toEqual(AGAIN);
    expect(await coverage(it)).toEqual({ id_idx: [[0, 1, 2], [3]] });
    await it.folders.a?.write({ ...segmented(3, { missing: 1 }), version: 5 });
    expect(await it.context.tables.open(tableRef('a').uri).latest()).toMatchObject({ version: 5 });
    expect(await round(it)).toMatchObject({ kind: 'covered', tableVersion: 6, indexes: [{ segments: 2 }] });
  });

  test.each<[string, 'build_failed' | 'build_stale', object]>([
    ['fails', 'build_failed', { outcome: 'failed' }],
    ['is overtaken by a cleanup', 'build_stale', { outcome: 'rejected', cause: 'files_gone' }],
  ])('because their build %s do not hold the batch up', async (_, code, finished) => {
    const before = (_table: string, count: number) => {
      if (count === 1) throw new SegmentdError(code, 'no');
    };
    const it = await remote(DUE, { before });
    expect(await round(it)).toMatchObject({ kind: 'covered', tableVersion: 2, indexes: [{ segments: 4 }] });
    expect(told(it, 'mergeFinished')).toMatchObject([{ ...finished, segmentsIn: 3, segmentsOut: 0 }]);
    expect([told(it, 'buildStarted').length, told(it, 'buildFinished').length, told(it, 'mergeBuilt')]).toEqual([
      1,
      1,
      [],
    ]);
    expect(await it.once('a')).toEqual(AGAIN);
  });

  test('because of a bug end the process', async () => {
    const before = () => {
      throw new TypeError('a bug');
    };
    const it = await remote(DUE, { before });
    await expect(round(it)).rejects.toMatchObject({ code: 'internal' });
    expect(it.builder.builds).toHaveLength(1);
  });

  test('because the store refuses are left out of the next try', async () => {
    let refuses = true;
    const storeOf = (root: string) => {
      const { store } = remoteLike(root);
      const putIfAbsent: typeof store.putIfAbsent = async (key, parts, after) => {
        await after;
        if (refuses) throw new SegmentdError('store_full', 'no');
        return store.putIfAbsent(key, parts);
      };
      return { ...store, putIfAbsent };
    };
    const it = await remote(DUE, { storeOf });
    await expect(round(it)).rejects.toMatchObject({ code: 'store_full' });
    expect(told(it, 'mergeFinished')).toMatchObject([{ outcome: 'failed' }]);
    refuses = false;
    expect(await round(it)).toMatchObject({ kind: 'covered', indexes: [{ segments: 4 }] });
  });

  test('because the process ends do not count as failed', async () => {
    const stop = new AbortController();
    const it = await remote(DUE, { before: () => stop.abort(new Error('stopping')), context: { signal: stop.signal } });
    await expect(round(it)).rejects.toThrow('stopping');
    expect([told(it, 'mergeBuilt').length, told(it, 'mergeFinished')]).toEqual([1, []]);
  });

  test('because the process ends under their build are not built again without', async () => {
    const stop = new AbortController();
    const before = () => {
      stop.abort(new Error('stopping'));
      throw new SegmentdError('build_failed', 'stopped');
    };
    const it = await remote(DUE, { before, context: { signal: stop.signal } });
    await expect(round(it)).rejects.toMatchObject({ code: 'build_failed' });
    expect(it.builder.builds).toHaveLength(1);
  });
});

describe('one merge of a table at a time', () => {
  test('while one runs alone, a batch lands without', async () => {
    const building = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const before = (_table: string, count: number) => {
      if (count > 1) return;
      begun.resolve();
      return building.promise;
    };
    const it = await remote(DUE, { before });
    expect(await it.once('a')).toEqual(LEFT);
    const alone = it.once('a');
    await begun.promise;
    expect(await round(it)).toMatchObject({ kind: 'covered', tableVersion: 2, indexes: [{ segments: 4 }] });
    building.resolve();
    expect(await alone).toEqual(AGAIN);
    expect(await coverage(it)).toEqual({ id_idx: [[0, 1, 2], [3]] });
    expect(told(it, 'mergeFinished')).toMatchObject([{ outcome: 'landed' }]);
  });

  test('while a batch has one with it, none begins alone', async () => {
    const it: Merging = await remote(DUE, {
      before: async () => {
        runs.push(await it.once('a'), await it.once('a'));
      },
    });
    const runs: unknown[] = [];
    expect(await round(it)).toMatchObject({ kind: 'covered', tableVersion: 2, indexes: [{ segments: 2 }] });
    expect(runs).toEqual([LEFT, REQUESTED]);
    expect(it.builder.builds).toHaveLength(1);
  });
});

test('the pipeline brings a batch and the merge of its table together', async () => {
  const it = await remote();
  const context = { ...it.context, decodeRecord: () => [{ table: tableRef('a') }] };
  const record = consumerRecord(0);
  const merges = { ...SCHEDULE, pauseLagMs: Number.MAX_SAFE_INTEGER };
  await lastValueFrom(pipeline(of(record), context, { merges }), { defaultValue: null });
  expect(record.acks()).toBe(1);
  expect(await coverage(it)).toEqual({ id_idx: [[3], [0, 1, 2]] });
  expect(it.notices).toMatchObject([{ type: 'segment.merged' }, { type: 'segment.committed' }]);
  expect(it.context.states.of('lake/a')).toMatchObject({ version: 2, missing_fragments: 0, segments: 2 });
  // The run after the batch shows the tiers as they are now.
  expect(told(it, 'mergesPlanned').at(-1)).toMatchObject({ pending: 0, tiers: { 3: 1, 4: 1 } });
});

describe('a run in the background', () => {
  test('leaves a merge to the next batch for ten seconds, once at each version', async () => {
    const it = await remote();
    expect([await it.once('a'), it.builder.builds]).toEqual([LEFT, []]);
    await round(it, [pendingEvent(0, 'a', { fragments: [3] })]);
    expect([await it.once('a'), await it.once('a')]).toEqual([LEFT, AGAIN]);
    expect(await coverage(it)).toEqual({ id_idx: [[0, 1, 2], [3]] });
    expect(await it.once('a')).toEqual(REQUESTED);
  });

  test('leaves none while an index has more segments than its bound', async () => {
    const it = await remote(DUE, { schedule: { settings: () => ({ ...SETTINGS, maxSegments: 2 }) } });
    expect(await it.once('a')).toEqual(AGAIN);
  });

  test('leaves none of what others may be compacting', async () => {
    const it = await remote(CANDIDATES);
    expect(await it.once('a')).toEqual(AGAIN);
  });

  test('leaves none on a disk', async () => {
    const it = await remote(DUE, { storeOf: localStore });
    expect(await it.once('a')).toEqual(AGAIN);
  });
});
