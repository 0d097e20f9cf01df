import { expect, test } from 'vitest';
import { latencySample } from '../../../src/lib/latency-sample.ts';

const NOW = Date.parse('2026-03-01T09:00:00Z');
const DAY = 86_400_000;

test.each([
  ['a moment ago', NOW - 1_500, 1.5],
  ['six days ago', NOW - 6 * DAY, 6 * 86_400],
  ['just now by a clock that is ahead', NOW + 30_000, 0],
])('a record of %s is a sample', (_when, timestampMs, seconds) => {
  expect(latencySample(timestampMs, NOW)).toBe(seconds);
});

test.each([
  ['0', 0],
  ['-1, which stands for no time', -1],
  ['a month ago', NOW - 31 * DAY],
  ['a month ahead', NOW + 31 * DAY],
  ['now in microseconds', NOW * 1_000],
  ['now in seconds', NOW / 1_000],
  ['not a number', Number.NaN],
])('a record time of %s is none', (_when, timestampMs) => {
  expect(latencySample(timestampMs, NOW)).toBeUndefined();
});
