/** Large merges as a process of their own: what it makes, that it lets others go first, and what its end leaves. */
import { execFile, execFileSync } from 'node:child_process';
import { readdir, rm } from 'node:fs/promises';
import { getPriority } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Index } from '@lancedb/lancedb';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { applyBuild } from '../../../src/lance/commit/apply-build.ts';
import { startEngineProcess } from '../../../src/lance/engine/engine-process.ts';
import { recordEngineMetrics } from '../../../src/lance/engine/engine-recorder.ts';
import { makeIndexesApart } from '../../../src/lance/engine/merge-process.ts';
import { lanceSegmentBuilder } from '../../../src/lance/engine/segment-builder.ts';
import { verifyTable } from '../../../src/lance/inspect/verify-table.ts';
import { DEFAULT_POLICY } from '../../../src/lance/plan/row-ids.ts';
import type { BuildPurpose } from '../../../src/lance/segment.ts';
import { LanceTable } from '../../../src/lance/table/table.ts';
import { planMerges } from '../../../src/merge/merge-plan.ts';
import { localStore } from '../../../src/store/local-store.ts';
import { idsWhere, index, realTable } from '../../../testing/lance-table.ts';
import { people } from '../../../testing/people.ts';
import { tempDir } from '../../../testing/temp-dir.ts';

const CHILD = fileURLToPath(new URL('../../../src/lance/engine/merge-child.ts', import.meta.url));
const COMMIT = { maxAttempts: 20, initialBackoffMs: 5, writer: { library: 'segmentd', version: '0.0.0-test' } };

/** Numbers of the processes that build merges for this one. */
function mergeChildren(): number[] {
  const table = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,stat=,args='], { encoding: 'utf8' });
  return table.split('\n').flatMap((line) => {
    const [pid, parent, state = '', ...args] = line.trim().split(/\s+/);
    const isOurs = Number(parent) === process.pid && !state.startsWith('Z') && args.join(' ').includes(CHILD);
    return isOurs ? [Number(pid)] : [];
  });
}

const untilNoChildren = () => vi.waitUntil(() => mergeChildren().length === 0);

beforeEach(async () => {
  await untilNoChildren();
});

/** A table with an index of two segments of so many rows each, and the merge of them; with a builder that builds large ones apart. */
async function mergeable(rows: number) {
  const real = await realTable(people(0, rows));
  await real.table.createIndex('id', { config: Index.btree() });
  await real.table.add(people(rows, rows));
  await index(real.uri);
  const table = new LanceTable(localStore(real.uri));
  const manifest = await table.latest();
  const all = manifest.indexes.map(({ uuid }) => uuid);
  const { requests, remove } = planMerges(manifest, DEFAULT_POLICY, () => ({
    drop: [],
    runs: [{ uuids: all, reason: 'tier', rows: 2 * rows }],
    segments: 1,
  }));
  const stop = new AbortController();
  onTestFinished(() => stop.abort());
  const builder = lanceSegmentBuilder(await tempDir(), { mergesApart: true, signal: stop.signal });
  const build = (purpose: BuildPurpose) => builder.build(manifest, table.place(), requests, purpose);
  return { ...real, real, table, remove, build, stop };
}

test('a large merge is made at a low priority and lands like the others; what is small or fresh is made here', async () => {
  const read = await recordEngineMetrics();
  const { real, table, remove, build } = await mergeable(25_000);
  {
    await using _ = await build('fresh');
  }
  const small = await mergeable(100);
  {
    await using _ = await small.build('merge');
  }
  expect(mergeChildren()).toEqual([]);
  const counted = () => (read?.() ?? []).reduce((sum, { kind, value }) => sum + (kind === 'counter' ? value : 0), 0);
  const before = counted();
  {
    await using made = await build('merge');
    const children = mergeChildren();
    expect(children.map((pid) => getPriority(pid))).toEqual([10]);
    // What its engine has read and written counts here, in the series that there are.
    expect(counted()).toBeGreaterThan(before);
    const series = (read?.() ?? []).map(({ name, labels }) => `${name} ${Object.entries(labels).sort()}`);
    expect(series.length).toBe(new Set(series).size);
    expect(counted()).toBe(counted());
    const done = await applyBuild(table, made, { replaces: remove, properties: {} }, COMMIT);
    expect(done.kind).toBe('committed');
    // The same process makes the next one.
    await using _ = await build('merge');
    expect(mergeChildren()).toEqual(children);
  }
  expect((await table.latest()).indexes).toHaveLength(1);
  expect((await verifyTable(table, 20)).findings).toEqual([]);
  expect(await idsWhere(real.table, 'id = 40000')).toEqual([40_000]);
});

describe('nothing is left of a merge', () => {
  test('whose process ends, and the next one is built by another', async () => {
    const { build, uri } = await mergeable(25_000);
    const failing = build('merge');
    const failed = expect(failing).rejects.toMatchObject({
      code: 'build_failed',
      message: expect.stringContaining('its process ended with SIGKILL'),
    });
    const [pid] = await vi.waitUntil(() => (mergeChildren().length > 0 ? mergeChildren() : false));
    process.kill(pid as number, 'SIGKILL');
    await failed;
    const segments = await readdir(join(uri, '_indices'));
    expect(segments).toHaveLength(2);
    await using made = await build('merge');
    expect([made.segments.length, mergeChildren().includes(pid as number)]).toEqual([1, false]);
  });

  test('that is stopped, and none is begun after that', async () => {
    const { build, stop } = await mergeable(25_000);
    const stopped = expect(build('merge')).rejects.toThrow('was stopped');
    await vi.waitUntil(() => mergeChildren().length > 0);
    stop.abort();
    await stopped;
    await expect(build('merge')).rejects.toThrow();
    await untilNoChildren();
  });

  test('of a table whose data files are gone, which is told as by a build here', async () => {
    const { build, uri } = await mergeable(25_000);
    for (const name of await readdir(join(uri, 'data'))) await rm(join(uri, 'data', name));
    await expect(build('merge')).rejects.toMatchObject({ code: 'build_stale' });
  });
});

test('a process that cannot be started is told of, and ends nothing else', async () => {
  const script = fileURLToPath(new URL('few-files.ts', import.meta.url));
  const args = ['-c', 'ulimit -n 200 && exec "$@"', 'sh', process.execPath, script];
  const { stdout } = await promisify(execFile)('sh', args);
  expect(JSON.parse(stdout)).toEqual(Array(2).fill(expect.stringContaining('EMFILE')));
  expect(await startEngineProcess('such-a-file').ended).toContain('Cannot find module');
});

test('the process ends some time after its last work', async () => {
  const make = makeIndexesApart(undefined, 0);
  const nowhere = { database: await tempDir(), name: 'none', storageOptions: {}, indexes: [] };
  await expect(make(nowhere)).rejects.toThrow(/not found/i);
  await untilNoChildren();
  await expect(make(nowhere)).rejects.toThrow(/not found/i);
});
