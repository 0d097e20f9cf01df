import fc from 'fast-check';
import { expect, test } from 'vitest';
import { thousands } from '../../../../src/commands/terminal/thousands.ts';

test.each([
  [0, '0'],
  [999, '999'],
  [1_000, '1,000'],
  [-1_234_567, '-1,234,567'],
  [20_000_000, '20,000,000'],
  [1_234.5, '1,234.5'],
  [0.12, '0.12'],
  [Number.POSITIVE_INFINITY, '∞'],
])('%d is written %s', (value, text) => {
  expect(thousands(value)).toBe(text);
});

test('as the locale writes it, but for a zero below zero', () => {
  const whole = fc.maxSafeInteger();
  const hundredths = fc.integer({ min: -(10 ** 9), max: 10 ** 9 }).map((value) => value / 100);
  fc.assert(
    fc.property(fc.oneof(whole, hundredths), (value) => {
      expect(thousands(value)).toBe((value + 0).toLocaleString('en-US'));
    }),
  );
});
