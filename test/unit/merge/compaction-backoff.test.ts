import { expect, test } from 'vitest';
import type { FailedCompactions } from '../../../src/lance/table/failed-compactions.ts';
import {
  CompactionBackoff,
  excludingCompactable,
  isCompactionCandidate,
} from '../../../src/merge/compaction-backoff.ts';
import type { MergeCandidate } from '../../../src/merge/policy/candidates.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const T0 = 1_700_000_000_000;

/** A table in which the compactions that these versions began failed, the last of them at `atMs`. */
function failed(versions: readonly number[], atMs = T0): FailedCompactions {
  const unused = versions.map((version) => ({ version, readVersion: version - 2, atMs, firstId: 0, lastId: 0 }));
  return { version: 1000, maxFragmentId: 0, lastOurs: 999, unused };
}

/** The backoff of one table, whose jitter is known. */
function backoff(random = 0.5) {
  const all = new CompactionBackoff(undefined, () => random);
  return {
    may: (versions: readonly number[], nowMs: number, atMs = nowMs) =>
      all.mayTouchCandidates('t', failed(versions, atMs), nowMs),
  };
}

test('one failed compaction is chance, two in a row are a backoff of a minute', () => {
  const { may } = backoff();
  expect(may([], T0)).toBe(true);
  expect(may([10], T0)).toBe(true);
  expect(may([10, 12], T0)).toBe(false);
  expect(may([10, 12], T0 + MINUTE - 1)).toBe(false);
  expect(may([10, 12], T0 + MINUTE)).toBe(true);
});

test('each further failure doubles the backoff, up to an hour', () => {
  const { may } = backoff();
  let now = T0;
  const lengths: number[] = [];
  for (let version = 12; version <= 30; version += 2) {
    const row = [version - 2, version];
    expect(may(row, now, now)).toBe(false);
    let length = 0;
    while (!may(row, now + length, now)) length += MINUTE;
    lengths.push(length / MINUTE);
    now += length;
  }
  expect(lengths).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60, 60]);
});

test('a failure during a backoff begins the next one', () => {
  const { may } = backoff();
  may([10, 12], T0);
  expect(may([10, 12, 14], T0 + 30 * SECOND)).toBe(false);
  expect(may([10, 12, 14], T0 + 30 * SECOND + 2 * MINUTE - 1)).toBe(false);
  expect(may([10, 12, 14], T0 + 30 * SECOND + 2 * MINUTE)).toBe(true);
});

test('maintenance that lands ends the backoff, and the next one is short again', () => {
  const { may } = backoff();
  may([10, 12], T0);
  may([10, 12, 14], T0);
  expect(may([], T0 + SECOND)).toBe(true);
  expect(may([20], T0 + SECOND)).toBe(true);
  expect(may([20, 22], T0 + SECOND)).toBe(false);
  expect(may([20, 22], T0 + SECOND + MINUTE)).toBe(true);
});

test('failures of long ago count no more, and later ones begin anew', () => {
  const { may } = backoff();
  expect(may([10, 12], T0 + 2 * HOUR + 1, T0)).toBe(true);
  expect(may([10, 12], T0, T0)).toBe(false);
  may([10, 12, 14], T0, T0);
  expect(may([10, 12, 14], T0 + 3 * HOUR, T0)).toBe(true);
  may([10, 12, 14, 16], T0 + 3 * HOUR);
  expect(may([10, 12, 14, 16], T0 + 3 * HOUR + MINUTE)).toBe(true);
});

test('backoffs vary by a fifth', () => {
  for (const [random, length] of [
    [0, 48 * SECOND],
    [1, 72 * SECOND],
  ] as const) {
    const { may } = backoff(random);
    may([10, 12], T0);
    expect(may([10, 12], T0 + length - 1, T0)).toBe(false);
    expect(may([10, 12], T0 + length, T0)).toBe(true);
  }
});

test('each table has its own backoff, and what was seen of it is remembered', () => {
  const all = new CompactionBackoff();
  const inARow = failed([10, 12]);
  expect(all.seen('a')).toBeNull();
  expect(all.mayTouchCandidates('a', inARow, T0)).toBe(false);
  expect(all.mayTouchCandidates('b', failed([]), T0)).toBe(true);
  expect(all.seen('a')).toBe(inARow);
  expect(['a', 'b', 'c'].map((id) => all.remainingMs(id, T0) > 0)).toEqual([true, false, false]);
  const newer = { ...inARow, version: 1001 };
  all.mayTouchCandidates('a', newer, T0);
  expect(all.seen('a')).toBe(newer);
});

test('not more than 10,000 tables are remembered, those asked about last', () => {
  const all = new CompactionBackoff();
  for (let at = 0; at < 10_000; at++) all.mayTouchCandidates(`t${at}`, failed([]), T0);
  all.mayTouchCandidates('t0', failed([]), T0);
  all.mayTouchCandidates('one more', failed([]), T0);
  expect([all.seen('t0') === null, all.seen('t1') === null, all.seen('t2') === null]).toEqual([false, true, false]);
});

const segment = (fragments: number, rowsPerFragment: number, uuid = 'u'): MergeCandidate => ({
  ...{ uuid, bytes: null, ageMs: null, stale: 0 },
  rows: fragments * rowsPerFragment,
  positions: Uint32Array.from({ length: fragments }, (_, at) => at),
});

test.each([
  ['one small fragment', segment(1, 100), false],
  ['two small fragments', segment(2, 100), true],
  ['fragments just too small for Lance', segment(3, 1024 * 1024 - 1), true],
  ['fragments of the size that Lance aims at', segment(3, 1024 * 1024), false],
  ['nothing that is alive', segment(0, 0), false],
])('whether a segment over %s may be compacted', (_, candidate, expected) => {
  expect(isCompactionCandidate(candidate)).toBe(expected);
});

test('while candidates are left alone the others may be merged, unless there are too many segments', () => {
  const segments = [segment(3, 2e6, 'large'), segment(2, 10, 'small'), segment(1, 10, 'a'), segment(1, 10, 'b')];
  expect(excludingCompactable(segments, 4).map(({ uuid }) => uuid)).toEqual(['large', 'a', 'b']);
  expect(excludingCompactable(segments, 3)).toBe(segments);
});
