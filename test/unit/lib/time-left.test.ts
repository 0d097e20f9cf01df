import { expect, test } from 'vitest';
import { timeLeft } from '../../../src/lib/time-left.ts';

test('what is left shrinks to 0 and is whole milliseconds', () => {
  let nowMs = 10.25;
  const left = timeLeft(1_000, () => nowMs);
  expect(left()).toBe(1_000);
  nowMs += 399.9;
  expect(left()).toBe(600);
  nowMs += 10_000;
  expect(left()).toBe(0);
});
