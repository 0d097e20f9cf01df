/** The order of a run, and what ends it. */
import { describe, expect, test } from 'vitest';
import type { Optimized, optimizeTable } from '../../../src/lance/engine/optimize-table.ts';
import type { Verification, verifyTable } from '../../../src/lance/inspect/verify-table.ts';
import { DEFAULT_POLICY } from '../../../src/lance/plan/row-ids.ts';
import { LanceTable } from '../../../src/lance/table/table.ts';
import { SegmentdError } from '../../../src/lib/errors.ts';
import type { MaintainParts } from '../../../src/maintain/maintain-table.ts';
import { maintainTable } from '../../../src/maintain/maintain-table.ts';
import { localStore } from '../../../src/store/local-store.ts';
import { tableFolder } from '../lance/table-fixture.ts';
import { testContext } from '../stages/context-fixture.ts';

const DAY_MS = 86_400_000;
const DONE: Optimized = { fragmentsRemoved: 2, fragmentsAdded: 1, versionsRemoved: 3, bytesFreed: 40, peakBytes: 500 };

/** A run over a table of `fragments` fragments under one segment; `steps` says what was done, in order. */
async function maintained(
  fragments: number,
  more: { findings?: Verification['findings']; fails?: SegmentdError } = {},
) {
  const ids = Array.from({ length: fragments }, (_, id) => id);
  const folder = await tableFolder({
    version: 4,
    fragments: ids.map((id) => ({ id })),
    indexes: [{ uuid: 1, fragments: ids }],
  });
  const table = new LanceTable(localStore(folder.root));
  const steps: string[] = [];
  const optimize: typeof optimizeTable = async (_, { cleanupOlderThanMs, maxMemoryBytes }) => {
    if (more.fails) throw more.fails;
    const keptDays = Math.round((Date.now() - cleanupOlderThanMs) / DAY_MS);
    steps.push(cleanupOlderThanMs === 0 ? `compact in ${maxMemoryBytes}` : `clean up beyond ${keptDays} days`);
    return DONE;
  };
  const verify: typeof verifyTable = async ({ uri }, samples) => {
    steps.push(`verify with ${samples}`);
    const { findings = [] } = more;
    return { uri, version: 4, segments: 1, files: 2, answers: 12, answers_left_out: 0, findings };
  };
  const context = testContext();
  const parts: MaintainParts = {
    settings: { keepVersionsMs: 7 * DAY_MS, maxMemoryBytes: 1_000 },
    policy: DEFAULT_POLICY,
    maxSegmentRows: 1e9,
    merge: {
      builder: context.builder,
      commit: { maxAttempts: 1, initialBackoffMs: 1, writer: context.settings.writer },
      properties: {},
      withSlot: (land) => land(),
    },
    optimize,
    verify,
  };
  return { steps, result: maintainTable(table, parts) };
}

test('a compaction is proven before old versions go', async () => {
  const { steps, result } = await maintained(3);
  expect(await result).toEqual({
    ...{ version: 4, segmentsMerged: 0, answers: 12, fragmentsRemoved: 4, fragmentsAdded: 2 },
    ...{ versionsRemoved: 6, bytesFreed: 80, peakBytes: 500 },
  });
  expect(steps).toEqual(['compact in 1000', 'verify with 10', 'clean up beyond 7 days']);
});

test('without anything to compact the files are looked for, and then there is the cleanup alone', async () => {
  const { steps, result } = await maintained(1);
  expect(await result).toMatchObject({ versionsRemoved: 3 });
  expect(steps).toEqual(['verify with 0', 'clean up beyond 7 days']);
});

describe('old versions stay', () => {
  test('when an answer differs after the compaction', async () => {
    const finding = {
      code: 'answer_wrong',
      index: 'id_idx',
      segment: null,
      message: 'id = 7: 0 rows by the index',
    } as const;
    const { steps, result } = await maintained(3, { findings: [finding] });
    await expect(result).rejects.toMatchObject({
      code: 'optimize_unproven',
      message: expect.stringContaining('id_idx: id = 7: 0 rows by the index'),
    });
    expect(steps.at(-1)).toBe('verify with 10');
  });

  test('when the compaction failed', async () => {
    const { steps, result } = await maintained(3, { fails: new SegmentdError('optimize_memory', 'too much') });
    await expect(result).rejects.toMatchObject({ code: 'optimize_memory' });
    expect(steps).toEqual([]);
  });
});
