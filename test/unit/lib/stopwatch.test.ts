import { expect, test, vi } from 'vitest';
import { stopwatch } from '../../../src/lib/stopwatch.ts';

test('each call gives the milliseconds since the one before', () => {
  const now = vi.spyOn(performance, 'now');
  const times = [100, 130, 130, 1000.5];
  now.mockImplementation(() => times.shift() ?? 0);
  const lap = stopwatch();
  expect([lap(), lap(), lap()]).toEqual([30, 0, 870.5]);
  now.mockRestore();
});
