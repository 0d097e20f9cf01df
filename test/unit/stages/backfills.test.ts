import { expect, test } from 'vitest';
import { createBackfills } from '../../../src/stages/backfills.ts';

test('fragments of a job are left to others until it was not heard of for ten minutes', () => {
  let now = 0;
  const backfills = createBackfills(() => now);
  backfills.note('lake/t', { id: 'a', first: 10, last: 20 });
  const has = () => [9, 10, 20, 21].map((id) => backfills.has('lake/t', id));
  expect(has()).toEqual([false, true, true, false]);
  expect(backfills.has('lake/u', 15)).toBe(false);
  now = 600_000;
  expect(has()).toEqual([false, true, true, false]);
  backfills.note('lake/t', { id: 'a', first: 10, last: 20 });
  now = 1_200_000;
  expect(has()).toEqual([false, true, true, false]);
  now = 1_200_001;
  expect(has()).toEqual([false, false, false, false]);
});
