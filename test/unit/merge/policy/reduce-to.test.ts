import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { MergeCandidate } from '../../../../src/merge/policy/candidates.ts';
import { planMergeTo } from '../../../../src/merge/policy/reduce-to.ts';
import { allRuns, inARow, isUnbroken, laidOut, layouts, live, named, segment } from './segments-fixture.ts';

describe('merging to a number of segments', () => {
  const groups = (segments: readonly MergeCandidate[], to: number) =>
    planMergeTo(segments, to).runs.map(({ uuids }) => uuids.join(' '));

  test('makes one of all, mature ones too, in one merge', () => {
    const segments = [...inARow(900, 5, 5000, 1), segment('gone', 0, [])];
    expect(planMergeTo(segments, 1)).toEqual({
      drop: ['gone'],
      runs: [{ uuids: named(0, 1, 2, 3), rows: 5906, reason: 'asked' }],
      segments: 1,
    });
  });

  test('writes as few rows as it can', () => {
    expect(groups(inARow(100, 1, 1, 100, 1, 1, 100), 5)).toEqual(['1 2', '4 5']);
    expect(groups(inARow(100, 1, 1, 100, 1, 1, 100), 7)).toEqual([]);
    expect(groups(inARow(400, 300, 200, 100, 50), 3)).toEqual(['2 3 4']);
    // To lengthen a merge adds only what it did not write yet.
    expect(groups(inARow(5, 5, 5, 6), 2)).toEqual(['0 1 2']);
    expect(groups(laidOut('ABCABCDE'), 3)).toEqual(['A B C']);
  });

  test('stops at gaps and keeps interleaved segments together', () => {
    expect(groups(inARow(1, 1, null, 1, 1), 1)).toEqual(['0 1', '3 4']);
    expect(groups(laidOut('ABAB.CDCE.D'), 1)).toEqual(['A B']);
    expect(groups(laidOut('ABABC'), 2)).toEqual(['A B']);
    expect(groups(inARow(1), 1)).toEqual([]);
  });
});

test('what an operator asks for is done in runs that share nothing', () => {
  fc.assert(
    fc.property(layouts, fc.integer({ min: 1, max: 10 }), (segments, to) => {
      const { runs, segments: left } = planMergeTo(segments, to);
      const uuids = runs.flatMap((it) => it.uuids);
      expect(new Set(uuids).size).toBe(uuids.length);
      expect(left).toBe(live(segments).length - uuids.length + runs.length);
      for (const { uuids: taken } of runs) {
        expect(isUnbroken(segments.filter(({ uuid }) => taken.includes(uuid)))).toBe(true);
      }
      if (left <= to) return;
      const after = [
        ...live(segments).filter(({ uuid }) => !uuids.includes(uuid)),
        ...runs.map((it, at) => {
          const taken = segments.filter(({ uuid }) => it.uuids.includes(uuid));
          return segment(
            `m${at}`,
            it.rows,
            taken.flatMap((one) => Array.from(one.positions)).sort((a, b) => a - b),
          );
        }),
      ];
      expect(allRuns(after, Infinity)).toEqual([]);
    }),
  );
});
