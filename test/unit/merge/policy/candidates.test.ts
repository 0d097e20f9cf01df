import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { MergeCandidate } from '../../../../src/merge/policy/candidates.ts';
import { eachRange, joinRange, sortCandidates } from '../../../../src/merge/policy/candidates.ts';
import { allRuns, inARow, laidOut, layouts, live, segment } from './segments-fixture.ts';

/** The names of the segments of each range, in the order of the visits. */
function ranges(candidates: readonly MergeCandidate[], maxInputs = Infinity): string[] {
  const { segments } = sortCandidates(candidates);
  const visited: string[] = [];
  for (let from = 0; from < segments.length; from++) {
    eachRange(segments, from, maxInputs, (range) => {
      visited.push(joinRange(segments, range).uuids.join(' '));
      return 'more';
    });
  }
  return visited;
}

describe('sorting', () => {
  test('puts segments in table order, and wholly stale ones aside', () => {
    const { segments, drop } = sortCandidates([segment('gone', 0, []), ...inARow(1, 2, 3).reverse()]);
    expect(segments.map(({ uuids: [uuid], first }) => [uuid, first])).toEqual([
      ['0', 0],
      ['1', 1],
      ['2', 2],
    ]);
    expect(drop).toEqual(['gone']);
  });

  test('keeps one of an index whose segments are all stale, for with it the index would go', () => {
    const stale = ['a', 'b', 'c'].map((uuid) => segment(uuid, 0, []));
    expect(sortCandidates(stale).drop).toEqual(['b', 'c']);
    expect(sortCandidates(stale.slice(0, 1)).drop).toEqual([]);
  });
});

describe('the ranges that may be merged', () => {
  test('are neighbours, shortest first from each segment', () => {
    expect(ranges(inARow(1, 1, 1))).toEqual(['0 1', '0 1 2', '1 2']);
    expect(ranges(inARow(1, 1, 1), 2)).toEqual(['0 1', '1 2']);
  });

  test('end at a fragment without a segment', () => {
    expect(ranges(inARow(1, 1, null, 1, 1))).toEqual(['0 1', '3 4']);
  });

  test('part no segments that lie interleaved', () => {
    expect(ranges(laidOut('ABABC'))).toEqual(['A B', 'A B C']);
    expect(ranges(laidOut('ABCA'))).toEqual(['A B C', 'B C']);
    expect(ranges(laidOut('AB.A'))).toEqual([]);
  });

  test('are no more from a segment once one is enough', () => {
    const { segments } = sortCandidates(inARow(1, 1, 1, 1));
    const inputs: number[] = [];
    eachRange(segments, 0, Infinity, (range) => {
      inputs.push(range.inputs);
      return range.inputs === 3 ? 'enough' : 'more';
    });
    expect(inputs).toEqual([2, 3]);
  });

  test('are all there are, each once', () => {
    fc.assert(
      fc.property(layouts, fc.integer({ min: 2, max: 12 }), (segments, maxInputs) => {
        const names = (runs: readonly (readonly string[])[]) => runs.map((run) => [...run].sort().join(' ')).sort();
        const all = allRuns(segments, maxInputs).map((run) => run.map(({ uuid }) => uuid));
        expect(names(ranges(segments, maxInputs).map((it) => it.split(' ')))).toEqual(names(all));
      }),
    );
  });
});

test('what a merge makes lies where its inputs lay, with all their rows', () => {
  fc.assert(
    fc.property(layouts, (candidates) => {
      const { segments } = sortCandidates(candidates);
      segments.forEach((_, from) => {
        eachRange(segments, from, Infinity, (range) => {
          const { uuids, rows, first, last, fragments } = joinRange(segments, range);
          const inputs = live(candidates).filter(({ uuid }) => uuids.includes(uuid));
          const positions = inputs.flatMap((it) => Array.from(it.positions));
          expect([inputs.length, rows]).toEqual([range.inputs, inputs.reduce((sum, it) => sum + it.rows, 0)]);
          expect([first, last, fragments]).toEqual([Math.min(...positions), Math.max(...positions), positions.length]);
          return 'more';
        });
      });
    }),
  );
});
