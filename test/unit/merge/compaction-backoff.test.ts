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

/** A table in which these versions were lost, the last of them at `atMs`. */
function lost(versions: readonly number[], atMs = T0): FailedCompactions {
  const unused = versions.map((version) => ({ version, readVersion: version - 2, atMs, firstId: 0, lastId: 0 }));
  return { version: 1000, maxFragmentId: 0, lastOurs: 999, unused };
}

/** Pauses of one table whose jitter is known. */
function pauses(random = 0.5) {
  const all = new CompactionBackoff(undefined, () => random);
  return {
    may: (versions: readonly number[], nowMs: number, atMs = nowMs) =>
      all.mayTouchCandidates('t', lost(versions, atMs), nowMs),
  };
}

test('one lost race is chance, two in a row are a pause of a minute', () => {
  const { may } = pauses();
  expect(may([], T0)).toBe(true);
  expect(may([10], T0)).toBe(true);
  expect(may([10, 12], T0)).toBe(false);
  expect(may([10, 12], T0 + MINUTE - 1)).toBe(false);
  expect(may([10, 12], T0 + MINUTE)).toBe(true);
});

test('each further loss doubles the pause, up to an hour', () => {
  const { may } = pauses();
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

test('a loss during a pause begins the next one', () => {
  const { may } = pauses();
  may([10, 12], T0);
  expect(may([10, 12, 14], T0 + 30 * SECOND)).toBe(false);
  expect(may([10, 12, 14], T0 + 30 * SECOND + 2 * MINUTE - 1)).toBe(false);
  expect(may([10, 12, 14], T0 + 30 * SECOND + 2 * MINUTE)).toBe(true);
});

test('maintenance that lands ends it, and the next pause is short again', () => {
  const { may } = pauses();
  may([10, 12], T0);
  may([10, 12, 14], T0);
  expect(may([], T0 + SECOND)).toBe(true);
  expect(may([20], T0 + SECOND)).toBe(true);
  expect(may([20, 22], T0 + SECOND)).toBe(false);
  expect(may([20, 22], T0 + SECOND + MINUTE)).toBe(true);
});

test('losses of long ago are no reason, and later ones begin anew', () => {
  const { may } = pauses();
  expect(may([10, 12], T0 + 2 * HOUR + 1, T0)).toBe(true);
  expect(may([10, 12], T0, T0)).toBe(false);
  may([10, 12, 14], T0, T0);
  expect(may([10, 12, 14], T0 + 3 * HOUR, T0)).toBe(true);
  may([10, 12, 14, 16], T0 + 3 * HOUR);
  expect(may([10, 12, 14, 16], T0 + 3 * HOUR + MINUTE)).toBe(true);
});

test('pauses vary by a fifth', () => {
  for (const [random, length] of [
    [0, 48 * SECOND],
    [1, 72 * SECOND],
  ] as const) {
    const { may } = pauses(random);
    may([10, 12], T0);
    expect(may([10, 12], T0 + length - 1, T0)).toBe(false);
    expect(may([10, 12], T0 + length, T0)).toBe(true);
  }
});

test('tables are paused by themselves, and what was seen of each is remembered', () => {
  const all = new CompactionBackoff();
  const races = lost([10, 12]);
  expect(all.seen('a')).toBeNull();
  expect(all.mayTouchCandidates('a', races, T0)).toBe(false);
  expect(all.mayTouchCandidates('b', lost([]), T0)).toBe(true);
  expect(all.seen('a')).toBe(races);
  expect(['a', 'b', 'c'].map((id) => all.remainingMs(id, T0) > 0)).toEqual([true, false, false]);
  const newer = { ...races, version: 1001 };
  all.mayTouchCandidates('a', newer, T0);
  expect(all.seen('a')).toBe(newer);
});

test('not more than 10,000 tables are remembered, those asked about last', () => {
  const all = new CompactionBackoff();
  for (let at = 0; at < 10_000; at++) all.mayTouchCandidates(`t${at}`, lost([]), T0);
  all.mayTouchCandidates('t0', lost([]), T0);
  all.mayTouchCandidates('one more', lost([]), T0);
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
])('a segment over %s', (_, candidate, tail) => {
  expect(isCompactionCandidate(candidate)).toBe(tail);
});

test('without the tail the others may be merged, unless there are too many segments', () => {
  const segments = [segment(3, 2e6, 'large'), segment(2, 10, 'tail'), segment(1, 10, 'a'), segment(1, 10, 'b')];
  expect(excludingCompactable(segments, 4).map(({ uuid }) => uuid)).toEqual(['large', 'a', 'b']);
  expect(excludingCompactable(segments, 3)).toBe(segments);
});
