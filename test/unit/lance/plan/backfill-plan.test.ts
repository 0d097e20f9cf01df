import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseManifest } from '../../../../src/lance/codec/manifest.ts';
import { cutBackfill, missingOfAny } from '../../../../src/lance/plan/backfill-plan.ts';
import { maintainedIndexes } from '../../../../src/lance/plan/index-plan.ts';
import { manifestFile } from '../manifest-fixture.ts';

const table = (rows: readonly number[], more: Parameters<typeof manifestFile>[0] = {}) =>
  parseManifest(manifestFile({ fragments: rows.map((count, id) => ({ id, rows: count })), ...more }));
const cut = (rows: readonly number[], rowsPerPart: number, maxFragments = 1e6) =>
  cutBackfill(table(rows), Uint32Array.from(rows.keys()), { rowsPerPart, maxFragments });
const sizes = (...args: Parameters<typeof cut>) => cut(...args).map(({ rows }) => rows);

test('parts have about the same rows, rather than full ones and a small rest', () => {
  expect(sizes(Array(10).fill(10), 40)).toEqual([30, 40, 30]);
  expect(sizes(Array(12).fill(10), 100)).toEqual([60, 60]);
  expect(sizes(Array(12).fill(10), 1000)).toEqual([120]);
  expect(sizes([], 10)).toEqual([]);
});

test('a fragment larger than a part is a part of its own', () => {
  expect(sizes([5, 500, 5, 5], 100)).toEqual([5, 500, 10]);
});

test('a part has no more fragments than a segment may have', () => {
  expect(cut([0, 0, 0, 0, 0], 10, 2).map(({ fragments }) => fragments)).toEqual([[0, 1], [2, 3], [4]]);
});

test('every fragment is in one part, in order, and no part of several fragments is too large', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(50), { maxLength: 80 }), fc.integer({ min: 1, max: 200 }), (rows, most) => {
      const parts = cut(rows, most);
      expect(parts.flatMap(({ fragments }) => fragments)).toEqual([...rows.keys()]);
      for (const { fragments, rows: count } of parts) {
        expect(count).toBe(fragments.reduce((sum, id) => sum + (rows[id] as number), 0));
        if (fragments.length > 1) expect(count).toBeLessThanOrEqual(most);
      }
    }),
  );
});

test('what any index misses counts, without what is left to others', () => {
  const manifest = table([1, 1, 1, 1], {
    indexes: [
      { uuid: 1, fragments: [0, 1] },
      { uuid: 2, name: 'name_idx', fields: [1], fragments: [0, 2] },
    ],
  });
  const states = maintainedIndexes(manifest, 'existing');
  expect([...missingOfAny(states)]).toEqual([1, 2, 3]);
  expect([...missingOfAny(states, (id) => id < 3)]).toEqual([3]);
});
