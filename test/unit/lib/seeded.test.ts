import { expect, test } from 'vitest';
import { seeded } from '../../../src/lib/seeded.ts';

test('the same seed gives the same numbers, all from 0 to 1', () => {
  const numbersOf = (seed: number) => Array.from({ length: 1_000 }, seeded(seed));
  const numbers = numbersOf(7);
  expect(numbersOf(7)).toEqual(numbers);
  expect(numbersOf(8)).not.toEqual(numbers);
  expect(Math.min(...numbers)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...numbers)).toBeLessThan(1);
  expect(numbers.reduce((sum, each) => sum + each, 0) / 1_000).toBeCloseTo(0.5, 1);
});
