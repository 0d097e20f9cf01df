/** One look at a table: what it reports, and when it lets a table be compacted. */
import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { AskedWork } from '../../../src/control/asked-work.ts';
import { ownUuid } from '../../../src/lance/codec/own-uuid.ts';
import { DEFAULT_POLICY } from '../../../src/lance/plan/row-ids.ts';
import { LanceTable } from '../../../src/lance/table/table.ts';
import { SegmentdError } from '../../../src/lib/errors.ts';
import { versionFileName } from '../../../src/lib/manifest-name.ts';
import type { LookRoom } from '../../../src/maintain/look-after.ts';
import { lookAfter, newLookMemory } from '../../../src/maintain/look-after.ts';
import type { MaintainSettings } from '../../../src/maintain/maintain-settings.ts';
import type { Maintained, maintainTable } from '../../../src/maintain/maintain-table.ts';
import { MergeAlong } from '../../../src/merge/merge-along.ts';
import { localStore } from '../../../src/store/local-store.ts';
import type { ManifestSpec } from '../lance/manifest-fixture.ts';
import { message } from '../lance/manifest-fixture.ts';
import { tableFolder } from '../lance/table-fixture.ts';
import { SCHEDULE } from '../merge/merging-fixture.ts';
import { tableRef, testContext } from '../stages/context-fixture.ts';

const DAY_MS = 86_400_000;
const DAYS_AGO_S = Date.now() / 1000 - 2 * 86_400;
const OFF: MaintainSettings = {
  ...{ everyMs: null, smallFragments: null, deletedFraction: null },
  ...{ keepVersionsMs: 7 * DAY_MS, maxMemoryBytes: 1e9 },
};
const COVERED: ManifestSpec = {
  version: 3,
  fragments: [{ id: 0 }, { id: 1 }],
  indexes: [{ uuid: 1, fragments: [0, 1] }],
};
const MAINTAINED: Maintained = {
  ...{ version: 3, segmentsMerged: 0, answers: 12, fragmentsRemoved: 2, fragmentsAdded: 1 },
  ...{ versionsRemoved: 4, bytesFreed: 50, peakBytes: 600 },
};

/** A table that is looked after, with `settings`; `runs` are the times that it was compacted, `refreshed` those that it was planned anew. */
async function looking(
  settings: Partial<MaintainSettings>,
  { spec = COVERED, run = async () => MAINTAINED }: { spec?: ManifestSpec; run?: typeof maintainTable } = {},
) {
  const folder = await tableFolder(spec);
  const lance = new LanceTable(localStore(folder.root));
  const context = testContext({ tables: { open: () => lance, policy: () => DEFAULT_POLICY } });
  context.states.observed('lake/a', 3, []);
  const counts = { runs: 0, refreshed: 0 };
  const along = new MergeAlong(context, SCHEDULE);
  const asked = new AskedWork<true>();
  const ending = new AbortController();
  const room: LookRoom = {
    ...{ context, along, merges: SCHEDULE, signal: ending.signal, busy: false },
    schedule: {
      asked,
      settings: () => ({ ...OFF, ...settings }),
      refresh: () => {
        counts.refreshed += 1;
      },
      maintain: async (...parts) => {
        counts.runs += 1;
        return run(...parts);
      },
    },
  };
  const memory = newLookMemory();
  return {
    ...{ folder, context, counts, room, along, asked, ending, memory },
    /** A look as if some time had passed since the last one. */
    look: async (laterMs = DAY_MS) => {
      for (const key of ['lookedMs', 'measuredMs', 'orphansMs'] as const) memory[key] -= laterMs;
      return lookAfter(room, tableRef('a'), memory);
    },
    lines: (event: string) => context.lines.filter((line) => line.event === event),
  };
}

const NEEDS = { smallFragments: 2 };

test('a table that another member took over during a look is not compacted', async () => {
  const { look, memory, counts, asked } = await looking(NEEDS);
  asked.ask(tableRef('a'), true);
  const looked = look();
  memory.released = true;
  expect(await looked).toEqual({ when: 'requested' });
  expect(counts.runs).toBe(0);
});

describe('while batches are at work', () => {
  async function besideBatch() {
    const it = await looking({});
    const { promise, resolve } = Promise.withResolvers<void>();
    const batch = it.context.slots.run(() => promise);
    return { ...it, end: () => Promise.resolve(resolve()).then(() => batch) };
  }

  test('a look waits', async () => {
    const { look, lines, end } = await besideBatch();
    expect(await look()).toEqual({ when: 'later', afterMs: 1_000 });
    expect(lines('tableCost')).toEqual([]);
    await end();
    await look();
    expect(lines('tableCost')).toHaveLength(1);
  });

  test('but not for ever', async () => {
    const { look, lines, memory, end } = await besideBatch();
    await look();
    memory.waitingMs -= 29_000;
    await look();
    expect(lines('tableCost')).toEqual([]);
    memory.waitingMs -= 1_000;
    await look();
    expect(lines('tableCost')).toHaveLength(1);
    await end();
  });

  test('and one that an operator asks for does not wait', async () => {
    const { look, lines, asked, end } = await besideBatch();
    asked.ask(tableRef('a'), true);
    await look();
    expect(lines('tableCost')).toHaveLength(1);
    await end();
  });
});

describe('what a table costs', () => {
  test('is reported every few minutes, though nothing is compacted', async () => {
    const { look, lines, counts } = await looking({});
    await look();
    expect(lines('tableCost')).toMatchObject([{ table: 'lake/a', versions: 1, smallFragments: 2, indexDeadBytes: 0 }]);
    await look(60_000);
    expect(lines('tableCost')).toHaveLength(1);
    await look(300_000);
    expect(lines('tableCost')).toHaveLength(2);
    expect(counts).toEqual({ runs: 0, refreshed: 0 });
  });

  test('is not reported once the table is gone: its series would come back', async () => {
    const { look, lines, context } = await looking({});
    context.states.forget('lake/a');
    await look();
    expect(lines('tableCost')).toEqual([]);
    context.states.observed('lake/a', 3, []);
    await look(60_000);
    expect(lines('tableCost')).toHaveLength(1);
  });

  test('is not looked at with every batch', async () => {
    const { look, lines } = await looking({});
    await look();
    expect(await look(0)).toMatchObject({ when: 'later' });
    expect(lines('tableCost')).toHaveLength(1);
  });

  test('is not looked at while the table is paused, or while it must not be written', async () => {
    const paused = await looking({});
    paused.context.pauses.pause('lake/a', 'me');
    expect(await paused.look()).toEqual({ when: 'requested' });
    const declined = await looking({}, { spec: { ...COVERED, writerFlags: 1n << 40n } });
    expect(await declined.look()).toEqual({ when: 'requested' });
    expect([paused.lines('tableCost'), declined.lines('tableCost')]).toEqual([[], []]);
  });
});

test('what a killed process left is taken away, and said', async () => {
  const { folder, look, lines } = await looking({});
  const path = `_indices/${ownUuid()}`;
  await mkdir(join(folder.root, path), { recursive: true });
  await writeFile(join(folder.root, path, 'page_data.lance'), 'xyz');
  await utimes(join(folder.root, path, 'page_data.lance'), DAYS_AGO_S, DAYS_AGO_S);
  await look();
  expect(folder.has(path)).toBe(false);
  expect(lines('orphansRemoved')).toMatchObject([{ table: 'lake/a', segments: 1, staged: 0, bytes: 3 }]);
});

describe('a table that is due', () => {
  test('is compacted, planned anew, and left alone for a while', async () => {
    const { look, lines, counts } = await looking(NEEDS);
    await look();
    expect(counts).toEqual({ runs: 1, refreshed: 1 });
    expect(lines('maintenanceStarted')).toMatchObject([{ reason: 'small_fragments', version: 3 }]);
    expect(lines('maintenanceFinished')).toMatchObject([{ fragmentsRemoved: 2, versionsRemoved: 4, bytesFreed: 50 }]);
    await look(60_000);
    expect(counts.runs).toBe(1);
  });

  test('waits while an index misses something', async () => {
    const spec = { ...COVERED, indexes: [{ uuid: 1, fragments: [0] }] };
    const { look, counts } = await looking(NEEDS, { spec });
    expect(await look()).toMatchObject({ when: 'later' });
    expect(counts.runs).toBe(0);
  });

  test('waits while another one is compacted, or a merge of it runs', async () => {
    const { look, counts, room, along } = await looking(NEEDS);
    room.busy = true;
    expect(await look()).toMatchObject({ when: 'later' });
    room.busy = false;
    along.begin('lake/a');
    expect(await look()).toMatchObject({ when: 'later' });
    along.end('lake/a');
    expect(counts.runs).toBe(0);
    await look();
    expect(counts.runs).toBe(1);
    // A merge may begin again.
    expect(along.begin('lake/a')).toBe(true);
  });

  test('waits a quarter of an hour after a compaction by somebody else', async () => {
    const rewritten = (atMs: number) => ({
      ...COVERED,
      transaction: message([1, 2], [2, 'theirs'], [104, message()]),
      more: [[7, message([1, Math.floor(atMs / 1000)])] as const],
    });
    const fresh = await looking(NEEDS, { spec: rewritten(Date.now()) });
    expect(await fresh.look()).toMatchObject({ when: 'later' });
    expect(fresh.counts.runs).toBe(0);
    const old = await looking(NEEDS, { spec: rewritten(Date.now() - 16 * 60_000) });
    await old.look();
    expect(old.counts.runs).toBe(1);
  });

  test('by schedule, once its oldest version is older than versions are kept, and the time between two runs', async () => {
    const spec = { ...COVERED, more: [[7, message([1, Math.floor(Date.now() / 1000)])] as const] };
    const { look, counts, folder, memory } = await looking({ everyMs: DAY_MS }, { spec });
    await look();
    expect(counts.runs).toBe(0);
    const manifest = join(folder.root, '_versions', versionFileName('V2', 3));
    const old = DAYS_AGO_S - 6 * 86_400;
    await utimes(manifest, old, old);
    memory.measuredMs = 0;
    await look();
    expect(counts.runs).toBe(1);
  });
});

describe('a run that an operator asks for', () => {
  /** A schedule that makes no run due for years. */
  const SELDOM = { everyMs: 10_000 * DAY_MS };

  test('is made at once, whatever the schedule says, and once', async () => {
    const { look, lines, counts, asked } = await looking(SELDOM);
    await look();
    asked.ask(tableRef('a'), true);
    await look(0);
    expect([counts.runs, asked.of('lake/a')]).toEqual([1, undefined]);
    expect(lines('maintenanceStarted')).toMatchObject([{ reason: 'asked' }]);
    await look(0);
    expect(counts.runs).toBe(1);
  });

  test('waits for its turn, and for the indexes to cover the table', async () => {
    const busy = await looking(SELDOM);
    busy.room.busy = true;
    busy.asked.ask(tableRef('a'), true);
    expect(await busy.look()).toMatchObject({ when: 'later' });
    busy.room.busy = false;
    await busy.look(0);
    expect(busy.counts.runs).toBe(1);

    const missing = await looking(SELDOM, { spec: { ...COVERED, indexes: [{ uuid: 1, fragments: [0] }] } });
    missing.asked.ask(tableRef('a'), true);
    expect(await missing.look()).toEqual({ when: 'later', afterMs: 10_000 });
    expect([missing.counts.runs, missing.asked.of('lake/a')]).toEqual([0, true]);
  });

  test('is forgotten when it fails, and where the table is paused, declined or without housekeeping', async () => {
    const run = async () => {
      throw new SegmentdError('optimize_conflict', 'no');
    };
    const failing = await looking(SELDOM, { run });
    const paused = await looking(SELDOM);
    paused.context.pauses.pause('lake/a', 'me');
    const declined = await looking(SELDOM, { spec: { ...COVERED, writerFlags: 1n << 40n } });
    const off = await looking({});
    for (const it of [failing, paused, declined, off]) {
      it.asked.ask(tableRef('a'), true);
      await it.look();
      expect(it.asked.of('lake/a')).toBeUndefined();
    }
    expect([failing, paused, declined, off].map(({ counts }) => counts.runs)).toEqual([1, 0, 0, 0]);
  });
});

describe('a run that failed', () => {
  test.each([
    ['optimize_conflict', 'rejected'],
    ['optimize_memory', 'failed'],
  ] as const)('with %s is %s, and tried again after a while that grows', async (code, outcome) => {
    const run = async () => {
      throw new SegmentdError(code, 'no');
    };
    const { look, lines, counts, along, room } = await looking(NEEDS, { run });
    const first = await look();
    const second = await look();
    expect([first.when, second.when]).toEqual(['backoff', 'backoff']);
    expect(lines('maintenanceFailed')[0]).toMatchObject({ table: 'lake/a', outcome, code });
    expect(counts).toEqual({ runs: 2, refreshed: 2 });
    expect([along.begin('lake/a'), room.busy]).toEqual([true, false]);
  });

  test('because the process ends is no failure', async () => {
    const it = await looking(NEEDS, {
      run: async () => {
        it.ending.abort();
        throw new SegmentdError('optimize_failed', 'was stopped');
      },
    });
    expect(await it.look()).toEqual({ when: 'requested' });
    expect(it.lines('maintenanceFailed')).toEqual([]);
  });

  test('because of a bug ends the process', async () => {
    const run = async () => {
      throw new TypeError('a bug');
    };
    await expect((await looking(NEEDS, { run })).look()).rejects.toThrow(TypeError);
  });
});
