import { describe, expect, test } from 'vitest';
import { compactable, mergesForCompaction } from '../../../src/maintain/compactable.ts';
import type { MergeCandidate } from '../../../src/merge/policy/candidates.ts';

const TARGET = 1024 * 1024;

/** Fragments of these rows, of which some are deleted. */
const fragments = (rows: readonly number[], deleted: readonly number[] = []) => ({
  length: rows.length,
  rows: Uint32Array.from(rows),
  deleted: Uint32Array.from(rows, (_, at) => deleted[at] ?? 0),
});

describe('a compaction would take', () => {
  test.each([
    ['nothing of one fragment', [5], [], { taken: 0, left: 0 }],
    ['neighbours that are short', [5, 6, 7], [], { taken: 3, left: 1 }],
    ['none that stand alone between full ones', [TARGET, 5, TARGET, 6], [], { taken: 0, left: 0 }],
    ['two runs', [5, 6, TARGET, 7, 8], [], { taken: 4, left: 2 }],
    ['as many results as their rows need', [700_000, 700_000, 700_000], [], { taken: 3, left: 3 }],
    ['a full fragment of which much is deleted', [TARGET - 200_000, TARGET], [200_000], { taken: 1, left: 1 }],
    ['one that is short and much deleted once, with its neighbours', [5, 6], [5, 0], { taken: 2, left: 1 }],
  ] as const)('%s', (_, rows, deleted, expected) => {
    expect(compactable(fragments(rows, deleted))).toEqual(expected);
  });
});

/** Segments over the fragments at these positions; `rows` are those of the fragments. */
function plan(rows: readonly number[], positions: readonly (readonly number[])[], maxRows = 1e9) {
  const candidates: MergeCandidate[] = positions.map((at, number) => ({
    uuid: `${number}`,
    rows: at.reduce((sum, it) => sum + (rows[it] as number), 0),
    positions: Uint32Array.from(at),
  }));
  const manifest = { fragments: fragments(rows) } as unknown as Parameters<typeof mergesForCompaction>[0];
  const { runs, segments } = mergesForCompaction(manifest, maxRows)(candidates, 'btree');
  return { runs: runs.map(({ uuids }) => uuids.join('+')), segments };
}

describe('merged first are', () => {
  test('segments side by side over short fragments, each row once', () => {
    expect(plan([1, 2, 3, 4], [[0], [1], [2], [3]])).toEqual({ runs: ['0+1+2+3'], segments: 1 });
  });

  test('none over a full fragment, which no compaction touches', () => {
    expect(plan([TARGET, 1, 2, TARGET, 3], [[0], [1], [2], [3], [4]])).toEqual({ runs: ['1+2'], segments: 4 });
  });

  test('not those that a fragment without a segment keeps apart', () => {
    expect(plan([1, 2, 3, 4, 5], [[0], [1], [3], [4]])).toEqual({ runs: ['0+1', '2+3'], segments: 2 });
  });

  test('interleaved ones as a whole', () => {
    expect(plan([1, 2, 3], [[0, 2], [1]])).toEqual({ runs: ['0+1'], segments: 1 });
  });

  test('no more rows than a segment may have', () => {
    expect(plan([4, 4, 4, 4], [[0], [1], [2], [3]], 8)).toEqual({ runs: ['0+1', '2+3'], segments: 2 });
  });

  test('nothing where one segment covers all of them', () => {
    expect(plan([1, 2, 3], [[0, 1, 2]])).toEqual({ runs: [], segments: 1 });
  });
});
