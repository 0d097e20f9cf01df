import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ago, clock, count, counted, day, duration, percent, readAgo, until } from '../../../src/page/words.js';

describe('percent', () => {
  test.each([
    [1, '100.00 %'],
    [0.9999999, '99.99 %'],
    [1 - Number.EPSILON, '99.99 %'],
    [0.99987, '99.98 %'],
    [0.2899, '28.99 %'],
    [0.07, '7.00 %'],
    [0, '0.00 %'],
    [null, 'no index'],
  ])('of %s is %s', (coverage, words) => expect(percent(coverage)).toBe(words));

  test('never shows more than is covered, nor 0.01 % less', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e9 }), fc.double({ min: 0, max: 1, noNaN: true }), (rows, part) => {
        const covered = Math.floor(rows * part);
        const shown = Math.round(Number.parseFloat(percent(covered / rows)) * 100);
        // In whole numbers, to be exact: shown / 10,000 <= covered / rows < (shown + 1) / 10,000.
        const exact = BigInt(covered) * 10_000n;
        expect(BigInt(shown) * BigInt(rows) <= exact && exact < BigInt(shown + 1) * BigInt(rows)).toBe(true);
      }),
    );
  });
});

test.each([
  [-1, '0 s'],
  [0, '0 s'],
  [0.04, '< 0.1 s'],
  [3.19, '3.1 s'],
  [59.9, '59 s'],
  [528.2, '8 min 48 s'],
  [3_600, '1 h'],
  [3_660, '1 h 1 min'],
  [90_000, '1 d 1 h'],
])('duration of %s s is %s', (seconds, words) => expect(duration(seconds)).toBe(words));

test('ages are rounded down, and a clock that is ahead gives none below zero', () => {
  const at = '2026-01-02T03:04:05.000Z';
  const now = Date.parse(at);
  const shown = [-5, 0.9, 1, 119, 120, 7_199, 7_200, 172_799, 172_800].map((seconds) => ago(at, now + seconds * 1000));
  expect(shown).toEqual([
    'now',
    'now',
    '1 s ago',
    '119 s ago',
    '2 min ago',
    '119 min ago',
    '2 h ago',
    '47 h ago',
    '2 d ago',
  ]);
});

test('what is to come is rounded up, and what is over is now', () => {
  const at = '2026-01-02T03:04:05.000Z';
  const now = Date.parse(at);
  expect([1_000, 0, -1, -41_001].map((ms) => until(at, now + ms))).toEqual(['now', 'now', 'in 1 s', 'in 42 s']);
});

test('numbers have commas, nouns agree, and nothing is a dash', () => {
  expect([count(1_234_567), count(null), counted(1, 'row'), counted(2, 'try', 'tries')]).toEqual([
    ...['1,234,567', '–', '1 row', '2 tries'],
  ]);
});

test('a time of day has its zone, and its date unless that is today', () => {
  const at = new Date(2026, 0, 2, 3, 4, 5).getTime();
  expect(clock(at, at + 1_000)).toMatch(/^03:04:05 [A-Z]\S+$/);
  expect(clock(at, new Date(2026, 0, 3).getTime())).toMatch(/^2026-01-02 03:04:05 [A-Z]\S+$/);
  expect(day(at)).toBe('2026-01-02');
});

test('when a table was read is told from two minutes on', () => {
  const at = '2026-01-02T03:04:05.000Z';
  const now = Date.parse(at);
  expect([0, 119_999, 120_000, 300_000].map((ms) => readAgo(at, now + ms))).toEqual([
    ...['', '', 'read 2 min ago', 'read 5 min ago'],
  ]);
});
