import fc from 'fast-check';
import { expect, test } from 'vitest';
import { backoffMs } from '../../../src/lib/backoff.ts';

test('waits double up to their limit', () => {
  const wait = (failures: number, random: number) => backoffMs({ initialMs: 100, maxMs: 500 }, failures, () => random);
  expect([1, 2, 3, 4, 5_000].map((failures) => wait(failures, 0))).toEqual([100, 200, 400, 500, 500]);
  expect([1, 2, 3, 4, 5_000].map((failures) => wait(failures, 1))).toEqual([75, 150, 300, 375, 375]);
});

test('a wait is at least three quarters of the full one and never longer', () => {
  const initial = fc.integer({ min: 1, max: 5_000 });
  const more = fc.integer({ min: 1, max: 1e6 });
  const failures = fc.integer({ min: 1, max: 2_000 });
  const unit = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(initial, more, failures, unit, (initialMs, above, count, random) => {
      const maxMs = initialMs + above;
      const full = Math.min(maxMs, initialMs * 2 ** (count - 1));
      const wait = backoffMs({ initialMs, maxMs }, count, () => random);
      expect(wait).toBeLessThanOrEqual(full);
      expect(wait).toBeGreaterThanOrEqual(Math.floor(full * 0.75));
    }),
  );
});
