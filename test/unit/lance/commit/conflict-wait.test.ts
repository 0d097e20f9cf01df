import { describe, expect, test } from 'vitest';
import { conflictBackoffMs } from '../../../../src/lance/commit/conflict-wait.ts';
import { simulateBackfill } from '../../../../testing/commit-contention.ts';

const longest = (conflicts: number, attemptMs: number, firstMs = 20) =>
  conflictBackoffMs(conflicts, { firstMs, attemptMs }, () => 1);

describe('the wait after a conflict', () => {
  test.each([
    [1, 20],
    [2, 40],
    [3, 80],
    [6, 640],
    [7, 1_000],
    [1_000, 1_000],
  ])('doubles, and where commits are fast ends at a second: after %i conflicts %i ms at most', (conflicts, ms) => {
    expect(longest(conflicts, 25)).toBe(ms);
  });

  test.each([
    [1, 3],
    [2, 6],
    [9, 768],
    [10, 1_000],
  ])(
    'begins with an attempt that takes less than it would, here 3 ms: after %i conflicts %i ms at most',
    (conflicts, ms) => {
      expect(longest(conflicts, 3)).toBe(ms);
    },
  );

  test.each([
    [3, 1_000],
    [40, 1_280],
    [150, 4_800],
    [900, 28_800],
    [1_000, 30_000],
    [60_000, 30_000],
  ])('goes on with the length of an attempt, here %i ms, up to half a minute: %i ms', (attemptMs, ms) => {
    expect(longest(50, attemptMs)).toBe(ms);
  });

  test('is a random part of that, so that writers that met once spread out', () => {
    expect(conflictBackoffMs(2, { firstMs: 20, attemptMs: 25 }, () => 0)).toBe(0);
    expect(conflictBackoffMs(2, { firstMs: 20, attemptMs: 25 }, () => 0.25)).toBe(10);
    expect(longest(9, 25, 0)).toBe(0);
  });
});

/** A table of ten thousand fragments, each commit 150 ms and more; workers build for a fifth of the time that all commits take. */
const crowd = (workers: number) =>
  simulateBackfill({
    workers,
    partitions: workers,
    parts: 4 * workers,
    rowsPerPart: 2_000_000,
    batchRows: 5_000_000,
    lingers: false,
    build: { fixedMs: 20, perRowMs: 0.0004 },
    store: { lookMs: 20, readMs: 30, writeMs: 50, bytesPerMs: 100_000 },
    manifest: { bytes: 900_000, bytesPerPart: 800 },
    maxAttempts: 100,
    waitMs: (conflicts, attemptMs, random) => conflictBackoffMs(conflicts, { firstMs: 20, attemptMs }, random),
    retry: { initialMs: 500, maxMs: 60_000 },
    seed: 1,
  });

// With a second at most, most of a thousand workers' builds meet twenty conflicts, and are thrown away and built again.
test.each([
  [64, 8],
  [1_024, 25],
])('%i workers all land on a slow store without throwing a build away', (workers, conflicts) => {
  const outcome = crowd(workers);
  expect(outcome).toMatchObject({ givenUp: 0 });
  expect(outcome.commits).toBeGreaterThanOrEqual(workers);
  expect(outcome.conflicts / outcome.commits).toBeLessThan(conflicts);
});
