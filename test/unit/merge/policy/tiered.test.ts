import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { MergeCandidate } from '../../../../src/merge/policy/candidates.ts';
import type { MergeSettings } from '../../../../src/merge/policy/tiered.ts';
import {
  DEFAULT_MERGE,
  DEFAULT_MERGE_REMOTE,
  defaultMerge,
  planAhead,
  tierOf,
  tiersOf,
} from '../../../../src/merge/policy/tiered.ts';
import { allRuns, inARow, isUnbroken, laidOut, layouts, live, named, segment } from './segments-fixture.ts';

const SETTINGS: MergeSettings = {
  floorRows: 10,
  factor: 4,
  maxFactor: 12,
  maxSegmentRows: 1000,
  maxSegments: 100,
};

/** The next merge, or null when nothing is due. */
const next = (segments: readonly MergeCandidate[], settings: MergeSettings) =>
  planAhead(segments, settings, 1).runs[0] ?? null;
const run = (segments: readonly MergeCandidate[], settings: Partial<MergeSettings> = {}) =>
  next(segments, { ...SETTINGS, ...settings });
const inputs = (...args: Parameters<typeof run>) => run(...args)?.uuids ?? null;

test('full-text indexes have as few segments on a disk as in an object store, and others as many as a BTREE', () => {
  for (const kind of ['btree', 'bitmap', 'label_list', 'fm'] as const) {
    expect([defaultMerge(false, kind), defaultMerge(true, kind)]).toEqual([DEFAULT_MERGE, DEFAULT_MERGE_REMOTE]);
  }
  expect([defaultMerge(false, 'fts'), defaultMerge(true, 'fts')]).toEqual([DEFAULT_MERGE_REMOTE, DEFAULT_MERGE_REMOTE]);
});

describe('tiers', () => {
  test('grow by the factor from the floor, up to what no merge can make half as large again', () => {
    const tiers = [0, 9, 10, 39, 40, 159, 160, 639, 640, 666, 667, 5000].map((rows) => tierOf(rows, SETTINGS));
    expect(tiers).toEqual([0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 'mature', 'mature']);
  });

  test('are a closed set', () => {
    expect(tiersOf(SETTINGS)).toEqual([0, 1, 2, 3, 4, 'mature']);
    fc.assert(fc.property(fc.nat(2000), (rows) => tiersOf(SETTINGS).includes(tierOf(rows, SETTINGS))));
  });
});

describe('a merge is due', () => {
  test('when a tier has as many neighbours as the factor, and not one earlier', () => {
    expect(run(inARow(20, 20, 20))).toBe(null);
    expect(run(inARow(20, 20, 20, 20))).toEqual({ uuids: named(0, 1, 2, 3), rows: 80, reason: 'tier' });
  });

  test('and takes along what is smaller, between them and beside them', () => {
    expect(inputs(inARow(500, 3, 20, 5, 20, 20, 1, 2, 20, 4))).toEqual(named(1, 2, 3, 4, 5, 6, 7, 8, 9));
  });

  test('but not over what is larger', () => {
    expect(run(inARow(20, 20, 50, 20, 20))).toBe(null);
  });

  test('in the lowest tier first', () => {
    expect(inputs(inARow(20, 20, 20, 20, 500, 1, 1, 1, 1))).toEqual(named(5, 6, 7, 8));
  });

  test('of the oldest first, and of no more inputs than allowed', () => {
    const many = inARow(...Array.from({ length: 30 }, () => 20));
    expect(inputs(many)).toEqual(named(...Array.from({ length: 12 }, (_, at) => at)));
    expect(inputs(many, { maxFactor: 5 })).toEqual(named(0, 1, 2, 3, 4));
  });

  test('in one go with the tier above, when the result is what that still lacks', () => {
    expect(inputs(inARow(40, 40, 40, 11, 11, 11, 11))).toEqual(named(0, 1, 2, 3, 4, 5, 6));
    expect(inputs(inARow(11, 11, 11, 11, 40, 40, 40))).toEqual(named(0, 1, 2, 3, 4, 5, 6));
    expect(inputs(inARow(160, 160, 160, 40, 40, 40, 11, 11, 11, 11))).toHaveLength(10);
  });

  test('alone when the result is not', () => {
    expect(inputs(inARow(40, 40, 11, 11, 11, 11))).toEqual(named(2, 3, 4, 5));
    // 39 rows are of the tier they come from.
    expect(inputs(inARow(40, 40, 40, 10, 10, 10, 9))).toEqual(null);
    expect(inputs(inARow(40, 40, 40, 9, 9, 9, 9))).toEqual(named(3, 4, 5, 6));
    expect(inputs(inARow(300, 300, 300, 40, 40, 40, 40))).toEqual(named(3, 4, 5, 6));
    expect(inputs(inARow(270, 270, 270, 40, 40, 40, 40, 40))).toEqual(named(3, 4, 5, 6, 7));
    expect(inputs(inARow(40, 40, 40, 11, 11, 11, 11, 11), { maxFactor: 7 })).toEqual(named(3, 4, 5, 6, 7));
  });

  test('for segments below the floor however they differ', () => {
    expect(inputs(inARow(9, 1, 0, 3))).toEqual(named(0, 1, 2, 3));
  });

  test('of two when the result is mature', () => {
    expect(run(inARow(350, 320))).toEqual({ uuids: named(0, 1), rows: 670, reason: 'tier' });
    expect(run(inARow(350, 300))).toBe(null);
  });
});

describe('no merge', () => {
  test('makes less than 1.5 times its largest input', () => {
    expect(inputs(inARow(500, 249))).toBe(null);
    expect(inputs(inARow(500, 250))).toEqual(named(0, 1));
  });

  test('makes a segment larger than allowed', () => {
    expect(inputs(inARow(300, 300, 300, 300))).toEqual(named(0, 1, 2));
    expect(inputs(inARow(600, 600, 600, 600))).toBe(null);
    // Nothing at all, though it counts as the floor, makes a mature segment no larger.
    expect(inputs(inARow(700, 0), { floorRows: 350 })).toBe(null);
  });

  test('takes a mature segment', () => {
    expect(run(inARow(900, 900, 900, 900, 900))).toBe(null);
    expect(inputs(inARow(700, 1, 1, 1, 1, 700))).toEqual(named(1, 2, 3, 4));
  });

  test('takes a mature segment unless such segments are more than half of the bound', () => {
    const five = inARow(900, 900, 900, 900, 900);
    expect(run(five, { maxSegments: 10 })).toBe(null);
    expect(run(five, { maxSegments: 9 })).toEqual({ uuids: named(0, 1), rows: 1800, reason: 'tier' });
    expect(inputs(inARow(1900, 1900, 1900, 1900, 1900), { maxSegments: 9 })).toEqual(named(0, 1));
  });

  test('crosses a fragment without a segment', () => {
    expect(run(inARow(20, 20, null, 20, 20))).toBe(null);
    expect(inputs(inARow(20, 20, null, 20, 20, 20, 20))).toEqual(named(3, 4, 5, 6));
  });

  test('parts segments that lie interleaved', () => {
    expect(inputs(laidOut('ABABCD'))).toEqual(['A', 'B', 'C', 'D']);
    expect(inputs(laidOut('AEABABECD'), { factor: 5 })).toEqual(['A', 'E', 'B', 'C', 'D']);
    expect(run(laidOut('ABA.BCD'))).toBe(null);
  });

  test('needs what lies around it', () => {
    expect(inputs(laidOut('ABCDEA'))).toEqual(['A', 'B', 'C', 'D', 'E']);
    expect(inputs(laidOut('ABCDEA.'), { maxFactor: 4 })).toEqual(['B', 'C', 'D', 'E']);
    expect(inputs(laidOut('ABCDE.A'))).toEqual(['B', 'C', 'D', 'E']);
  });
});

describe('more segments than the bound', () => {
  const bound = (segments: readonly MergeCandidate[], maxSegments = 2) => run(segments, { maxSegments });

  test('force the merge that removes most segments for its rows', () => {
    expect(bound(inARow(600, 150, 40))).toEqual({ uuids: named(1, 2), rows: 190, reason: 'bound' });
    expect(bound(inARow(150, 20, 20, 20), 3)?.uuids).toEqual(named(1, 2, 3));
    expect(bound(inARow(150, 20, 20, 20), 4)).toBe(null);
    expect(bound(inARow(40, 40, 40, 11, 11), 4)?.uuids).toEqual(named(0, 1, 2, 3, 4));
  });

  test('force one that grows too little only when no other is left', () => {
    expect(bound(inARow(640, 20, 200, 200))?.uuids).toEqual(named(1, 2, 3));
    expect(bound(inARow(640, 200, null, 200, 30), 3)?.uuids).toEqual(named(3, 4));
  });

  test('force one that is too large last of all', () => {
    expect(bound(inARow(900, 300, null, 600, 200), 3)?.uuids).toEqual(named(3, 4));
    expect(bound(inARow(900, 300, null, 600), 2)?.uuids).toEqual(named(0, 1));
  });

  test('stay where gaps leave no choice', () => {
    expect(bound(inARow(20, null, 20, null, 20))).toBe(null);
  });

  test('do not count what is wholly stale', () => {
    expect(bound([...inARow(20, 20), segment('gone', 0, [])])).toBe(null);
  });
});

describe('segments that are wholly stale', () => {
  test('are dropped, whatever else there is to do', () => {
    const stale = segment('stale', 0, []);
    expect(planAhead([stale, ...inARow(20)], SETTINGS)).toEqual({ drop: ['stale'], runs: [], segments: 1 });
    expect(planAhead([...inARow(20, 20, 20, 20), stale], SETTINGS)).toMatchObject({
      drop: ['stale'],
      runs: [{ rows: 80 }],
    });
  });
});

describe('what lies ahead', () => {
  test('is each merge in order, by the segments that are there now', () => {
    const segments = [...inARow(160, 160, 160, 40, 40, 11, 11, 11, 11, 11), segment('gone', 0, [])];
    expect(planAhead(segments, { ...SETTINGS, maxFactor: 6 })).toEqual({
      drop: ['gone'],
      runs: [{ uuids: named(5, 6, 7, 8, 9), rows: 55, reason: 'tier' }],
      segments: 6,
    });
    expect(planAhead(inARow(40, 40, 40, 9, 9, 9, 9, 40), { ...SETTINGS, factor: 4 })).toMatchObject({
      runs: [
        { uuids: named(3, 4, 5, 6), rows: 36 },
        { uuids: named(0, 1, 2, 3, 4, 5, 6, 7), rows: 196 },
      ],
      segments: 1,
    });
  });
});

const settings: fc.Arbitrary<MergeSettings> = fc
  .record({
    floorRows: fc.integer({ min: 1, max: 100 }),
    factor: fc.integer({ min: 2, max: 6 }),
    more: fc.nat(10),
    maxSegmentRows: fc.integer({ min: 200, max: 3000 }),
    maxSegments: fc.integer({ min: 1, max: 20 }),
  })
  .map(({ factor, more, ...rest }) => ({ ...rest, factor, maxFactor: factor + more }));

describe('for all segments and settings', () => {
  test('a run is of neighbours, within its limits', () => {
    fc.assert(
      fc.property(layouts, settings, (segments, limits) => {
        const due = next(segments, limits);
        if (!due) return;
        const taken = segments.filter(({ uuid }) => due.uuids.includes(uuid));
        expect(isUnbroken(taken)).toBe(true);
        expect(taken.length).toBe(due.uuids.length);
        expect(taken.length).toBeGreaterThan(1);
        expect(taken.length).toBeLessThanOrEqual(limits.maxFactor);
        const rows = taken.reduce((sum, it) => sum + it.rows, 0);
        expect(due.rows).toBe(rows);
        const firsts = due.uuids.map((uuid) => taken.find((it) => it.uuid === uuid)?.positions[0] as number);
        expect(firsts).toEqual([...firsts].sort((a, b) => a - b));
        if (due.reason === 'bound') {
          expect(live(segments).length).toBeGreaterThan(limits.maxSegments);
          return;
        }
        const sizes = taken.map((it) => Math.max(it.rows, limits.floorRows));
        expect(sizes.reduce((sum, size) => sum + size, 0)).toBeGreaterThanOrEqual(1.5 * Math.max(...sizes));
        const isMature = (it: MergeCandidate) => tierOf(it.rows, limits) === 'mature';
        if (2 * live(segments).filter(isMature).length > limits.maxSegments) return;
        expect(rows).toBeLessThanOrEqual(limits.maxSegmentRows);
        expect(taken.filter(isMature)).toEqual([]);
      }),
      { numRuns: 2000 },
    );
  });

  test('the order they come in does not matter', () => {
    fc.assert(
      fc.property(layouts, settings, fc.nat(), (segments, limits, seed) => {
        const mixed = live(segments)
          .map((it, at) => [Math.imul(at + 1, seed | 1) >>> 8, it] as const)
          .sort(([a], [b]) => a - b)
          .map(([, it]) => it);
        expect(planAhead(mixed, limits)).toEqual(planAhead(live(segments), limits));
      }),
    );
  });

  test('merging comes to an end: within the bound wherever neighbours allow, with nothing left to do', () => {
    fc.assert(
      fc.property(layouts, settings, (segments, limits) => {
        let current = live(segments);
        const { runs, segments: foreseen } = planAhead(segments, limits);
        expect(planAhead(segments, limits, 2).runs).toEqual(runs.slice(0, 2));
        for (let step = 0; ; step++) {
          const due = next(current, limits);
          if (!due) {
            expect(step).toBe(runs.length);
            break;
          }
          const taken = current.filter(({ uuid }) => due.uuids.includes(uuid));
          const positions = taken.flatMap((it) => Array.from(it.positions)).sort((a, b) => a - b);
          current = [...current.filter((it) => !taken.includes(it)), segment(`m${step}`, due.rows, positions)];
          expect(runs[step]).toMatchObject({ rows: due.rows, reason: due.reason });
        }
        expect(current.length).toBe(foreseen);
        if (current.length > limits.maxSegments) expect(allRuns(current, limits.maxFactor)).toEqual([]);
        expect(current.reduce((sum, { rows }) => sum + rows, 0)).toBe(
          segments.reduce((sum, { rows }) => sum + rows, 0),
        );
      }),
      { numRuns: 1000 },
    );
  });
});
