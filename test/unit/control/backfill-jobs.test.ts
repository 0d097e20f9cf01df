import { expect, test } from 'vitest';
import { createBackfills } from '../../../src/control/backfill-jobs.ts';

test('fragments of a job are left to other members until it had no event for ten minutes', () => {
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

test('a job is done when the table misses nothing in its range, and delegates no fragment from then on', () => {
  const backfills = createBackfills();
  backfills.note('lake/t', { id: 'a', first: 10, last: 20 });
  backfills.note('lake/u', { id: 'b', first: 10, last: 20 });
  backfills.keep('lake/t', () => Uint32Array.of(3, 20, 40));
  expect(backfills.has('lake/t', 15)).toBe(true);
  backfills.keep('lake/t', () => Uint32Array.of(3, 21));
  expect([backfills.has('lake/t', 15), backfills.has('lake/u', 15)]).toEqual([false, true]);
});
