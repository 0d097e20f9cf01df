import { expect, test } from 'vitest';
import { parseManifest } from '../../../src/lance/codec/manifest.ts';
import { DEFAULT_POLICY } from '../../../src/lance/plan/row-ids.ts';
import type { AskedMerge } from '../../../src/merge/asked-merge.ts';
import { planAsked, widest } from '../../../src/merge/asked-merge.ts';
import type { IndexSpec } from '../lance/manifest-fixture.ts';
import { manifestFile } from '../lance/manifest-fixture.ts';
import { SETTINGS } from './merging-fixture.ts';

/** What is merged next of segments that are given by number and fragments. */
function next(asked: AskedMerge, segments: Readonly<Record<number, readonly number[]>>) {
  const indexes: IndexSpec[] = Object.entries(segments).map(([uuid, fragments]) => ({ uuid: Number(uuid), fragments }));
  const fragments = Object.values(segments)
    .flat()
    .sort((a, b) => a - b)
    .map((id) => ({ id }));
  const plan = planAsked(parseManifest(manifestFile({ fragments, indexes })), DEFAULT_POLICY, asked, () => SETTINGS);
  return plan.merges.map(({ inputs, reason }) => [
    reason,
    ...inputs.map((uuid) => Number.parseInt(uuid.slice(-8), 16)),
  ]);
}

test('what the policy would merge in steps is merged at once', () => {
  const nine = Object.fromEntries(Array.from({ length: 9 }, (_, at) => [at + 1, [at]]));
  expect(next({ to: null, runs: null }, nine)).toEqual([['asked', 1, 2, 3, 4, 5, 6, 7, 8, 9]]);
  expect(next({ to: null, runs: null }, { 1: [0], 2: [1] })).toEqual([]);
});

test('a merge to one segment takes what was there when it began, and nothing that came since', () => {
  const asked: AskedMerge = { to: 1, runs: null };
  expect(next(asked, { 1: [0], 2: [1] })).toEqual([['asked', 1, 2]]);
  expect(next(asked, { 1: [0], 2: [1], 3: [2] })).toEqual([['asked', 1, 2]]);
  // It has landed; a batch came since.
  expect(next(asked, { 9: [0, 1], 3: [2] })).toEqual([]);
});

test('a merge of which a segment was replaced meanwhile is dropped', () => {
  const asked: AskedMerge = { to: 1, runs: null };
  next(asked, { 1: [0], 2: [1], 3: [2] });
  expect(next(asked, { 9: [0, 1], 3: [2] })).toEqual([]);
});

test('a merge whose result is merged again is not done by itself', () => {
  expect(
    widest([
      ['a', 'b'],
      ['c', 'd'],
      ['a', 'b', 'e'],
      ['f', 'g'],
    ]),
  ).toEqual([
    ['c', 'd'],
    ['a', 'b', 'e'],
    ['f', 'g'],
  ]);
});
