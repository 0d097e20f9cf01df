import fc from 'fast-check';
import { expect, test } from 'vitest';
import { pairedRatios, rounded, summarize } from '../../../../bench/harness/statistics.ts';

test('a summary has the median, the quartiles and the ends, in whatever order the values came', () => {
  const summary = { n: 8, median: 4, q1: 2, q3: 6, min: 1, max: 8 };
  expect(summarize([1, 2, 3, 4, 5, 6, 7, 8])).toEqual(summary);
  expect(summarize([8, 3, 1, 6, 5, 2, 7, 4])).toEqual(summary);
  expect(summarize([7])).toEqual({ n: 1, median: 7, q1: 7, q3: 7, min: 7, max: 7 });
  expect(() => summarize([])).toThrow('no values');
});

test('each figure of a summary was measured, and they ascend', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ noNaN: true }), { minLength: 1 }), (values) => {
      const { min, q1, median, q3, max } = summarize(values);
      const figures = [min, q1, median, q3, max];
      expect(figures).toEqual([...figures].sort((a, b) => a - b));
      for (const figure of figures) expect(values).toContain(figure);
    }),
  );
});

test('ratios are those of the pairs of a round: what slows a whole round down does not count', () => {
  expect(pairedRatios([2, 20, 4], [1, 10, 2])).toEqual([2, 2, 2]);
  // Both medians are the same, but never in one round.
  expect(pairedRatios([1, 2, 4], [4, 1, 2])).toEqual([0.25, 2, 2]);
});

test('a side that took part in fewer rounds is paired with the first ones', () => {
  expect(pairedRatios([10], [5, 1, 1])).toEqual([2]);
  expect(pairedRatios([10, 3, 3], [5])).toEqual([2]);
});

test('four digits are kept', () => {
  expect([1234567, 12.34567, 0.00123456].map(rounded)).toEqual([1235000, 12.35, 0.001235]);
});
