import { expect, test } from 'vitest';
import { gapStarts } from '../../../src/lib/gap-starts.ts';

const gap = (lagSeconds: number, missingFragments = 1) => ({ name: 'id_idx', missingFragments, lagSeconds });

test('the begin of a gap moves back, never forward, until the gap is closed', () => {
  const first = gapStarts(undefined, [gap(2)], 10_000);
  expect([...first]).toEqual([['id_idx', 8_000]]);
  expect(gapStarts(first, [gap(0)], 20_000).get('id_idx')).toBe(8_000);
  expect(gapStarts(first, [gap(15)], 20_000).get('id_idx')).toBe(5_000);
  expect(gapStarts(first, [gap(0, 0)], 20_000).size).toBe(0);
});
