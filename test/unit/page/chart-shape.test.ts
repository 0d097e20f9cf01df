import { expect, test } from 'vitest';
import { lineOf, TIMES, topOf } from '../../../src/page/chart-shape.js';

test.each([
  [[], 1],
  [[0, 0.2], 1],
  [[1.01], 2],
  [[528], 1_000],
  [[2_000], 2_000],
  [[50.1], 100],
])('the axis for %j ends at %d', (values, top) => expect(topOf(values)).toBe(top));

test('a value holds until the next one, and the last until now', () => {
  const points = [
    { at: 1_000, value: 0 },
    { at: 2_000, value: 10 },
    { at: 4_000, value: 5 },
  ];
  const line = lineOf(points, { width: 100, height: 50, to: 5_000 });
  expect(line).toEqual({ path: 'M0 50H25V0H75V25H100', top: 10, from: 1_000, to: 5_000 });
});

test('a point from ahead of the clock stays on the chart', () => {
  const points = [
    { at: 1_000, value: 1 },
    { at: 9_000, value: 1 },
  ];
  expect(lineOf(points, { width: 100, height: 50, to: 5_000 })?.path).toBe('M0 0H100V0H100');
});

test('no point, no line', () => {
  expect(lineOf([], { width: 100, height: 50, to: 0 })).toBeNull();
});

test.each([
  [[528], 600],
  [[3_601], 7_200],
  [[86_401], 100_000],
])('an axis of time for %j ends at %d s', (values, top) => expect(topOf(values, TIMES)).toBe(top));
