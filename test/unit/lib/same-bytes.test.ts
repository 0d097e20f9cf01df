import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sameBytes } from '../../../src/lib/same-bytes.ts';

test('says what a comparison of all bytes says', () => {
  const bytes = fc.option(fc.uint8Array({ maxLength: 4, max: 2 }));
  fc.assert(
    fc.property(bytes, bytes, (a, b) => {
      const isSame = a === null || b === null ? a === b : a.join() === b.join();
      expect(sameBytes(a, b)).toBe(isSame);
    }),
    { numRuns: 2_000 },
  );
});

test('sees a difference anywhere', () => {
  const all = Uint8Array.from({ length: 9 }, (_, at) => at);
  for (const at of all.keys()) expect(sameBytes(all, all.with(at, 77)), `byte ${at}`).toBe(false);
  expect([sameBytes(all, all.slice()), sameBytes(all, all), sameBytes(all, all.subarray(1))]).toEqual([
    true,
    true,
    false,
  ]);
});
