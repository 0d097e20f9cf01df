import fc from 'fast-check';
import { expect, test } from 'vitest';
import { distinctNumbers } from '../../../src/lib/distinct-numbers.ts';
import { seeded } from '../../../testing/seeded.ts';

test('they are as many as asked for, or as there are, and no two are the same', () => {
  const upTo = (max: number) => fc.integer({ min: 0, max });
  fc.assert(
    fc.property(upTo(60), upTo(100), fc.integer(), (count, below, seed) => {
      const numbers = distinctNumbers(count, below, seeded(seed));
      expect(numbers).toHaveLength(Math.min(count, below));
      expect(new Set(numbers).size).toBe(numbers.length);
      for (const number of numbers) expect([number >= 0, number < below]).toEqual([true, true]);
    }),
  );
});

test('a number that is drawn again gives way to another', () => {
  expect(distinctNumbers(3, 10, () => 0)).toEqual([0, 8, 9]);
  expect(distinctNumbers(3, 10, () => 1 - Number.EPSILON)).toEqual([7, 8, 9]);
  expect(distinctNumbers(10, 3, () => 0).sort((a, b) => a - b)).toEqual([0, 1, 2]);
});

test('every number comes up about as often as any other', () => {
  const random = seeded(1);
  const times = new Array<number>(5).fill(0);
  for (let draw = 0; draw < 10_000; draw++) {
    for (const number of distinctNumbers(2, 5, random)) times[number] = (times[number] ?? 0) + 1;
  }
  for (const count of times) expect(Math.abs(count - 4_000)).toBeLessThan(200);
});
