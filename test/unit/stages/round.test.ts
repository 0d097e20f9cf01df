/** The stages plan, build, commit and ack together, over a table on disk and a builder that makes small files. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { lastValueFrom, of, toArray } from 'rxjs';
import { beforeEach, expect, test } from 'vitest';
import type { SegmentBuilder } from '../../../src/lance/segment.ts';
import { LanceTable } from '../../../src/lance/table/table.ts';
import { SegmentdError } from '../../../src/lib/errors.ts';
import { ack } from '../../../src/stages/ack.ts';
import { build } from '../../../src/stages/build.ts';
import { commit } from '../../../src/stages/commit.ts';
import { plan } from '../../../src/stages/plan.ts';
import { endRound } from '../../../src/stages/retry.ts';
import type { Settleable } from '../../../src/stages/work.ts';
import { localStore } from '../../../src/store/local-store.ts';
import { tempDir } from '../../../testing/temp-dir.ts';
import { indexEntry, message, uuidText } from '../lance/manifest-fixture.ts';
import type { TableFolder } from '../lance/table-fixture.ts';
import { tableFolder } from '../lance/table-fixture.ts';
import type { TestContext } from './context-fixture.ts';
import { batchOf, pendingEvent, testContext } from './context-fixture.ts';

let folder: TableFolder;
let disposed: number;
beforeEach(async () => {
  const fragments = [0, 1, 2].map((id) => ({ id }));
  folder = await tableFolder({ version: 3, fragments, indexes: [{ uuid: 1, fragments: [0] }] });
  disposed = 0;
});

/** Builds segments of three bytes; `before` may do something to the table, or fail. */
async function builder(before: () => Promise<unknown> = async () => undefined): Promise<SegmentBuilder> {
  const scratch = await tempDir();
  let count = 0;
  return {
    async build(manifest, _uri, requests) {
      await before();
      const segments = await Promise.all(
        requests.map(async (request) => {
          const number = 500 + count++;
          const into = join(scratch, `${number}`);
          await mkdir(into);
          await writeFile(join(into, 'page_data.lance'), 'xyz');
          const metadata = indexEntry({ uuid: number, fragments: [...request.fragments] });
          const files = [{ path: 'page_data.lance', bytes: 3 }];
          return { ...request, uuid: uuidText(number), metadata, files, folder: into, buildMs: 1 };
        }),
      );
      const dispose = async () => {
        disposed += 1;
      };
      return { manifest, segments, [Symbol.asyncDispose]: dispose };
    },
  };
}

const contextWith = (segmentBuilder: SegmentBuilder, more: Parameters<typeof testContext>[0] = {}): TestContext =>
  testContext({ table: new LanceTable(localStore(folder.root)), builder: segmentBuilder, ...more });

async function round(
  context: TestContext,
  batch = batchOf([pendingEvent(0)]),
  overtaken = new Set<string>(),
): Promise<Settleable> {
  const done = await lastValueFrom(
    of(batch).pipe(plan(context), build(context), commit(context, overtaken), endRound(context, batch), toArray()),
  );
  expect(done).toHaveLength(1);
  return done[0] as Settleable;
}
const events = (context: TestContext) => context.lines.map(({ event }) => event);

test('what is missing is built and committed, and events up to the version that was read are covered', async () => {
  const context = contextWith(await builder());
  const overtaken = new Set<string>();
  const done = await round(context, batchOf([pendingEvent(0)]), overtaken);
  expect(done).toMatchObject({ kind: 'covered', coveredVersion: 3, tableVersion: 4, committed: true });
  expect(overtaken).toEqual(new Set());
  expect(await folder.versions()).toEqual([3, 4]);
  expect(disposed).toBe(1);
  expect(events(context)).toEqual(
    expect.arrayContaining(['planned', 'buildStarted', 'buildFinished', 'commitFinished']),
  );
  const { transaction } = await new LanceTable(localStore(folder.root)).latest();
  expect(transaction?.properties.get('segmentd.events')).toBe('appends/0/0-0');
});

test('a table that is covered is not written', async () => {
  const context = contextWith(await builder());
  await round(context);
  expect(await round(context)).toMatchObject({ kind: 'covered', coveredVersion: 4, tableVersion: 4, committed: false });
  expect(await folder.versions()).toEqual([3, 4]);
});

test('a table to which somebody else committed between the plan and the commit is named', async () => {
  const fragments = [0, 1, 2, 3].map((id) => ({ id }));
  const append = () => folder.write({ version: 4, fragments, indexes: [{ uuid: 1, fragments: [0] }] });
  const overtaken = new Set<string>();
  const done = await round(contextWith(await builder(append)), batchOf([pendingEvent(0)]), overtaken);
  expect(done).toMatchObject({ kind: 'covered', coveredVersion: 3, tableVersion: 5 });
  expect(overtaken).toEqual(new Set(['lake/t']));
});

test('a declined table is not built', async () => {
  await folder.write({ version: 4, readerFlags: 64n, writerFlags: 64n });
  const context = contextWith({ build: () => Promise.reject(new Error('built')) });
  expect(await round(context)).toMatchObject({ kind: 'declined', error: { code: 'table_data_overlays' } });
});

test('a table that is indexed as far as it can be read is declined for the rest, once, however often the readable part grows', async () => {
  const fragmentsOf = (minors: readonly number[]) =>
    minors.map((minor, id) => ({ id, files: [{ path: `f${id}.lance`, fields: [0, 1], minor }] }));
  const mixed = { readerFlags: 256n, writerFlags: 256n };
  const context = contextWith(await builder());
  const append = async (minors: readonly number[]) => {
    const { version, indexes } = await new LanceTable(localStore(folder.root)).latest();
    const kept = indexes.map(({ raw }) => raw);
    await folder.write({ version: version + 1, fragments: fragmentsOf(minors), indexes: kept, ...mixed });
    const batch = batchOf([pendingEvent(version)]);
    const outcomes = [];
    for (;;) {
      const done = await round(context, batch);
      await lastValueFrom(of(done).pipe(ack(context)), { defaultValue: null });
      outcomes.push(done.kind);
      if (done.kind !== 'requeue') return outcomes;
    }
  };
  expect(await append([2, 2, 3])).toEqual(['requeue', 'declined']);
  expect(await append([2, 2, 3, 2])).toEqual(['requeue', 'declined']);
  expect(context.states.of('lake/t').declined?.code).toBe('table_newer_data_files');
  // A compaction has written the fragment anew.
  expect(await append([2, 2, 2, 2])).toEqual(['covered']);
  const said = events(context).filter((event) => event === 'tableDeclined' || event === 'tableServed');
  expect(said).toEqual(['tableDeclined', 'tableServed']);
});

test('an index that is left alone is told once, by name and reason, and the others are built', async () => {
  const zones = {
    uuid: 7,
    name: 'zones_idx',
    details: message([1, '/lance.table.ZoneMapIndexDetails']),
    fragments: [0],
  };
  await folder.write({ version: 4, fragments: [{ id: 0 }, { id: 1 }], indexes: [{ uuid: 1, fragments: [0] }, zones] });
  const context = contextWith(await builder());
  for (let times = 0; times < 2; times++) expect(await round(context)).toMatchObject({ kind: 'covered' });
  const said = context.lines.filter(({ event }) => event === 'indexesLeftAlone');
  expect(said).toMatchObject([{ table: 'lake/t', left: [{ index: 'zones_idx', code: 'index_kind_unsupported' }] }]);
  expect(context.states.of('lake/t').left_alone).toMatchObject([{ index: 'zones_idx' }]);
  // It was dropped.
  await folder.write({ version: 6, fragments: [{ id: 0 }, { id: 1 }], indexes: [{ uuid: 1, fragments: [0, 1] }] });
  await round(context);
  expect(context.lines.findLast(({ event }) => event === 'indexesLeftAlone')).toMatchObject({ left: [] });
});

test('what does not fit one round is requeued, as progress', async () => {
  const { settings } = testContext();
  const limits = { maxRows: 1e6, maxFragments: 1 };
  const context = contextWith(await builder(), { settings: { ...settings, limits } });
  const batch = batchOf([pendingEvent(0)], { replanCount: 3 });
  expect(await round(context, batch)).toMatchObject({ kind: 'requeue', batch: { replanCount: 0, committed: true } });
  expect(await round(context, batch)).toMatchObject({ kind: 'covered' });
});

test('fragments that went away under the build are requeued, and counted', async () => {
  const shrink = () => folder.write({ version: 4, fragments: [{ id: 0 }, { id: 2 }], indexes: [{ uuid: 1 }] });
  const context = contextWith(await builder(shrink));
  expect(await round(context)).toMatchObject({ kind: 'requeue' });
  expect(context.lines.find(({ event }) => event === 'fragmentsDropped')).toMatchObject({ fragments: 1 });
  expect(disposed).toBe(1);
});

test('a stale build is requeued without progress', async () => {
  const stale = () => Promise.reject(new SegmentdError('build_stale', 'gone'));
  const context = contextWith(await builder(stale));
  expect(await round(context)).toMatchObject({ kind: 'requeue', batch: { replanCount: 1, committed: false } });
  expect(context.lines.find(({ event }) => event === 'buildFinished')).toMatchObject({ outcome: 'stale' });
});

test('a build over a file that the table names and does not have declines the table', async () => {
  await rm(join(folder.root, 'data', 'f1.lance'));
  const stale = () => Promise.reject(new SegmentdError('build_stale', 'gone'));
  const context = contextWith(await builder(stale));
  expect(await round(context)).toMatchObject({ kind: 'declined', error: { code: 'table_data_file_missing' } });
  expect(context.lines.map(({ event }) => event)).not.toContain('replanned');
});

test('a build that fails is a temporary error', async () => {
  const failing = () => Promise.reject(new SegmentdError('build_failed', 'no memory'));
  const context = contextWith(await builder(failing));
  await expect(round(context)).rejects.toMatchObject({ code: 'build_failed', retry: 'backoff' });
  expect(context.lines.find(({ event }) => event === 'buildFinished')).toMatchObject({ outcome: 'failed' });
});

test('an index dropped under the build is requeued, and its files are gone', async () => {
  const drop = () => folder.write({ version: 4, fragments: [0, 1, 2].map((id) => ({ id })), indexes: [] });
  const context = contextWith(await builder(drop));
  expect(await round(context)).toMatchObject({ kind: 'requeue', batch: { replanCount: 1 } });
  expect(context.lines.find(({ event }) => event === 'replanned')).toMatchObject({ cause: 'index_dropped' });
  expect(folder.has(`_indices/${uuidText(500)}`)).toBe(false);
  expect(disposed).toBe(1);
});

test.each<[string, string]>([
  ['store_full', 'store_full'],
  ['store_unavailable', 'commit_unknown'],
])('a put that fails with %s ends the round with %s, and what was built is deleted', async (code, thrown) => {
  const store = localStore(folder.root);
  const put = async (_key: string, _parts: readonly Uint8Array[], after?: Promise<unknown>) => {
    await after;
    throw new SegmentdError(code as 'store_full', 'no');
  };
  const context = contextWith(await builder(), { table: new LanceTable({ ...store, putIfAbsent: put }) });
  await expect(round(context)).rejects.toMatchObject({ code: thrown, retry: 'backoff' });
  expect(disposed).toBe(1);
});

test('after the signal to stop nothing is uploaded, and what was built is deleted', async () => {
  const stop = new AbortController();
  const context = contextWith(await builder(async () => stop.abort(new Error('stopping'))), { signal: stop.signal });
  await expect(round(context)).rejects.toThrow('stopping');
  expect([disposed, folder.has('_indices'), await folder.versions()]).toEqual([1, false, [3]]);
});

test('a commit that waits after a conflict gives up when the process must end', async () => {
  const stop = new AbortController();
  const lose = async () => {
    stop.abort(new Error('stopping'));
    const fragments = [0, 1, 2].map((id) => ({ id }));
    await folder.write({ version: 4, fragments, indexes: [{ uuid: 1, fragments: [0] }] });
    return { outcome: 'exists' as const };
  };
  const { settings } = testContext();
  const context = contextWith(await builder(), {
    table: new LanceTable({ ...localStore(folder.root), putIfAbsent: lose }),
    signal: stop.signal,
    settings: { ...settings, commit: { maxAttempts: 3, initialBackoffMs: 1e9 } },
  });
  await expect(round(context)).rejects.toMatchObject({ code: 'commit_contended' });
  expect([disposed, folder.has(`_indices/${uuidText(500)}`)]).toEqual([1, false]);
});

test('a table that went away is waited for like a version that is not there yet', async () => {
  const context = contextWith(await builder());
  await rm(folder.root, { recursive: true });
  expect(await round(context)).toMatchObject({ kind: 'requeue' });
});

test('fragments of a finished backfill are built when they are missing again', async () => {
  const context = contextWith(await builder());
  const backfill = { id: 'job', first: 0, last: 2 };
  expect(await round(context)).toMatchObject({ kind: 'covered' });
  expect(await round(context, batchOf([pendingEvent(0, 't', { fragments: [0, 1, 2], backfill })]))).toMatchObject({
    kind: 'covered',
  });
  // The index was made anew over the first fragment alone.
  const fragments = [0, 1, 2].map((id) => ({ id }));
  await folder.write({ version: 5, fragments, indexes: [{ uuid: 9, fragments: [0] }] });
  expect(await round(context, batchOf([pendingEvent(1)]))).toMatchObject({ kind: 'covered', committed: true });
  const { indexes } = await new LanceTable(localStore(folder.root)).latest();
  expect(indexes.flatMap((index) => [...(index.fragments ?? [])]).sort()).toEqual([0, 1, 2]);
});

test('what has too little to index by itself is held, once, and the rest is covered', async () => {
  const inner = await builder();
  let builds = 0;
  const context = contextWith({
    async build(manifest, place, requests) {
      builds += 1;
      const build = await inner.build(manifest, place, []);
      return { ...build, withheld: requests };
    },
  });
  const first = await round(context);
  expect(first).toMatchObject({ kind: 'requeue', batch: { replanCount: 1 } });
  const second = await round(context);
  expect(second).toMatchObject({ kind: 'covered', committed: false });
  expect((second as Extract<Settleable, { kind: 'covered' }>).indexes).toMatchObject([
    { heldRows: 200, missingRows: 0 },
  ]);
  expect([builds, disposed, await folder.versions()]).toEqual([1, 1, [3]]);
  // With what comes along it is tried again.
  const fragments = [0, 1, 2, 3].map((id) => ({ id }));
  await folder.write({ version: 4, fragments, indexes: [{ uuid: 1, fragments: [0] }] });
  await round(context);
  expect(builds).toBe(2);
});
