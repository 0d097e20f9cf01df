/** LanceDB's optimize as a process of its own: what it does, and what is left of a table when it is ended. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { optimizeTable } from '../../../src/lance/engine/optimize-table.ts';
import { lanceSegmentBuilder } from '../../../src/lance/engine/segment-builder.ts';
import { verifyTable } from '../../../src/lance/inspect/verify-table.ts';
import { DEFAULT_POLICY } from '../../../src/lance/plan/row-ids.ts';
import { recentCompaction } from '../../../src/lance/table/compaction-history.ts';
import { LanceTable } from '../../../src/lance/table/table.ts';
import { readTableCost } from '../../../src/lance/table/table-cost.ts';
import type { SegmentdError } from '../../../src/lib/errors.ts';
import { maintainTable } from '../../../src/maintain/maintain-table.ts';
import { localStore } from '../../../src/store/local-store.ts';
import type { RealTable } from '../../../testing/lance-table.ts';
import { idsWhere, index, latest, realTable } from '../../../testing/lance-table.ts';
import { localPlace } from '../../../testing/local-place.ts';
import { LONG } from '../../../testing/long.ts';
import { people } from '../../../testing/people.ts';
import { tempDir } from '../../../testing/temp-dir.ts';

const ROWS = 200;
const ORDER = { cleanupOlderThanMs: 0, maxMemoryBytes: 2 ** 31 };
const CHILD = fileURLToPath(new URL('../../../src/lance/engine/optimize-child.ts', import.meta.url));
const OPTIMIZING = fileURLToPath(new URL('optimizing.ts', import.meta.url));

/** A table of fragments that each have a segment of their own. */
async function segmented(fragments: number, rows = ROWS): Promise<RealTable> {
  const real = await realTable(people(0, rows));
  await index(real.uri, { wanted: [{ column: 'id' }] });
  for (let at = 1; at < fragments; at++) {
    await real.table.add(people(at * rows, rows));
    await index(real.uri);
  }
  return real;
}

const open = ({ uri }: RealTable) => new LanceTable(localStore(uri));

/** Every row is there once, and found by its index. */
async function isWhole(real: RealTable, rows: number): Promise<void> {
  expect(await real.table.countRows()).toBe(rows);
  expect((await verifyTable(open(real), 20)).findings).toEqual([]);
  for (const id of [0, Math.floor(rows / 2), rows - 1]) expect(await idsWhere(real.table, `id = ${id}`)).toEqual([id]);
}

test('a run makes one fragment, one segment and one version of many', async () => {
  const real = await segmented(8);
  const table = open(real);
  const before = await latest(real.uri);
  const done = await maintainTable(table, {
    settings: { keepVersionsMs: 0, maxMemoryBytes: ORDER.maxMemoryBytes },
    policy: DEFAULT_POLICY,
    maxSegmentRows: 1e9,
    merge: {
      builder: lanceSegmentBuilder(await tempDir()),
      commit: { maxAttempts: 20, initialBackoffMs: 5, writer: { library: 'segmentd', version: '0.0.0-test' } },
      properties: {},
      withSlot: (land) => land(),
    },
  });
  expect(done).toMatchObject({ segmentsMerged: 8, fragmentsRemoved: 8, fragmentsAdded: 1 });
  expect([done.answers > 10, done.versionsRemoved > before.version, done.bytesFreed > 0]).toEqual([true, true, true]);
  const manifest = await latest(real.uri);
  const cost = await readTableCost(table, manifest);
  expect([manifest.fragments.length, manifest.indexes.length, cost.versions]).toEqual([1, 1, 1]);
  expect(cost.indexDeadBytes).toBe(0);
  await isWhole(real, 8 * ROWS);
  // It counts as somebody else's for whoever does not know that it was their own.
  expect(await recentCompaction(table, 0, () => false)).toMatchObject({ kind: 'landed', version: manifest.version });
  expect(await recentCompaction(table, 0, (version) => version > before.version)).toBeNull();
});

test('ended at any point, it leaves the table whole', { timeout: 300_000 }, async () => {
  const real = await segmented(4);
  let rows = 4 * ROWS;
  const begun = performance.now();
  await optimizeTable(localPlace(real.uri), ORDER);
  const tookMs = performance.now() - begun;
  const rounds = LONG ? 40 : 4;
  const fates: boolean[] = [];
  for (let round = 0; round < rounds; round++) {
    rows = await appendThree(real, rows);
    const { version } = await latest(real.uri);
    // From before it has begun to when it has ended: the first is ended on a machine of any speed.
    const killed = AbortSignal.timeout(Math.round((tookMs * round) / (rounds - 2)));
    const order = { ...ORDER, cleanupOlderThanMs: round % 2 === 0 ? 0 : Date.now() };
    const landed = await optimizeTable(localPlace(real.uri), order, killed).then(
      () => true,
      (error: unknown) => {
        expect(error).toMatchObject({ code: 'optimize_failed', message: expect.stringContaining('was stopped') });
        return false;
      },
    );
    fates.push(landed);
    expect((await latest(real.uri)).version).toBeGreaterThanOrEqual(version);
    await isWhole(real, rows);
  }
  expect(fates).toContain(false);
  await optimizeTable(localPlace(real.uri), ORDER);
  await isWhole(real, rows);
});

test('beyond its memory it is ended, and nothing has changed', async () => {
  const real = await segmented(3);
  const before = await latest(real.uri);
  await expect(optimizeTable(localPlace(real.uri), { ...ORDER, maxMemoryBytes: 2 ** 20 })).rejects.toMatchObject({
    code: 'optimize_memory',
    message: expect.stringMatching(/took \d+ MiB, more than 1 MiB/),
  });
  expect((await latest(real.uri)).version).toBe(before.version);
});

/** Appends fragments that one segment covers together: they may be compacted as they are. */
async function appendThree({ table, uri }: RealTable, from: number, rows = ROWS): Promise<number> {
  for (let at = 0; at < 3; at++) await table.add(people(from + at * rows, rows));
  await index(uri);
  return from + 3 * rows;
}

test('a delete that is faster is a conflict, and another day', { timeout: 60_000 }, async () => {
  const real = await segmented(1);
  const many = 50_000;
  let [rows, deleted, conflict]: [number, number, SegmentdError | null] = [ROWS, 0, null];
  for (let tries = 0; tries < 5 && !conflict; tries++) {
    rows = await appendThree(real, rows, many);
    let isOver = false;
    const running = optimizeTable(localPlace(real.uri), ORDER)
      .catch((error: SegmentdError) => {
        conflict = error;
      })
      .finally(() => {
        isOver = true;
      });
    for (; !isOver; deleted++) await real.table.delete(`id = ${rows - 2 * many - deleted}`);
    await running;
  }
  expect(conflict).toMatchObject({ code: 'optimize_conflict' });
  expect(await real.table.countRows()).toBe(rows - deleted);
  expect((await verifyTable(open(real), 20)).findings).toEqual([]);
});

test('a table that is not there is said to be so', async () => {
  const nowhere = `${await tempDir()}/none.lance`;
  await expect(optimizeTable(localPlace(nowhere), ORDER)).rejects.toMatchObject({
    code: 'optimize_failed',
    message: expect.stringContaining('none'),
  });
});

test('started by anything else it does nothing, and ends', async () => {
  const child = spawn(process.execPath, [CHILD], { stdio: 'ignore' });
  expect(await once(child, 'exit')).toEqual([0, null]);
});

test('it ends with the process that started it', { timeout: 60_000 }, async () => {
  const real = await segmented(1, 60_000);
  const rows = await appendThree(real, 60_000, 60_000);
  const parent = spawn(process.execPath, [OPTIMIZING, real.uri], { stdio: 'ignore' });
  onTestFinished(() => void parent.kill('SIGKILL'));
  const child = await childOf(parent.pid as number);
  parent.kill('SIGKILL');
  await once(parent, 'exit');
  for (let waits = 0; waits < 100 && isAlive(child); waits++) await sleep(20);
  expect(isAlive(child)).toBe(false);
  await isWhole(real, rows);
});

/** The process that another one has started, once it has; Linux tells. */
async function childOf(pid: number): Promise<number> {
  for (;;) {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    if (children !== '') return Number(children.split(' ')[0]);
    await sleep(5);
  }
}

/** One that nobody has asked for the end of is there as a zombie, without memory. */
const isAlive = (pid: number) =>
  existsSync(`/proc/${pid}/status`) && /VmRSS/.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
