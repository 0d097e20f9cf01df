import { expect, test } from 'vitest';
import { coveredOf } from '../../../src/page/cells.js';

test('without numbers a table has no index only when it was surveyed', () => {
  const read = { coverage: null, segments: 0, observed_at: '2026-01-01T00:00:00.000Z' };
  expect(coveredOf(read)).toBe('no index');
  expect(coveredOf({ ...read, coverage: 0.5 })).toBe('50.00 %');
  expect(coveredOf({ ...read, segments: null })).toBe('not known');
  expect(coveredOf({ ...read, observed_at: null })).toBe('not known');
});
