import { expect, test } from 'vitest';
import { durationMs } from '../../../src/lib/duration.ts';

test.each([
  ['500ms', 500],
  ['30s', 30_000],
  ['0s', 0],
  ['1.5s', 1_500],
  ['5m', 300_000],
  ['2h', 7_200_000],
])('%s is %d ms', (text, ms) => {
  expect(durationMs(text)).toBe(ms);
});

test.each(['', '30', 's', '-1s', '1 s', '1w', '1e3s', '30s ', '1.s', '9999999999s'])('%j is none', (text) => {
  expect(durationMs(text)).toBe(null);
});
