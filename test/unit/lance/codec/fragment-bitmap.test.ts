import fc from 'fast-check';
import { RoaringBitmap32 } from 'roaring-wasm';
import { expect, test } from 'vitest';
import { decodeFragmentBitmap, encodeFragmentBitmap } from '../../../../src/lance/codec/fragment-bitmap.ts';
import { SegmentdError } from '../../../../src/lib/errors.ts';

const ids = fc.array(fc.oneof(fc.nat({ max: 200_000 }), fc.nat({ max: 2 ** 32 - 1 })), { maxLength: 300 });

test('what is encoded comes back sorted and without repetitions', () => {
  fc.assert(
    fc.property(ids, (list) => {
      const sorted = [...new Set(list)].sort((a, b) => a - b);
      expect(Array.from(decodeFragmentBitmap(encodeFragmentBitmap(list)))).toEqual(sorted);
    }),
  );
});

test('dense bitmaps, which are kept as bit sets, come back too', () => {
  const dense = Array.from({ length: 70_000 }, (_, at) => at * 2);
  expect(Array.from(decodeFragmentBitmap(encodeFragmentBitmap(dense)))).toEqual(dense);
});

test('the bytes are portable Roaring as in its specification, without run containers', () => {
  // cookie 12346, one container, key 0, cardinality - 1, its offset, then the values: all little-endian.
  expect(Buffer.from(encodeFragmentBitmap([1, 2, 3])).toString('hex')).toBe(
    `${'3a300000'}${'01000000'}${'0000'}${'0200'}${'10000000'}${'010002000300'}`,
  );
  const run = Array.from({ length: 5000 }, (_, at) => at);
  expect(encodeFragmentBitmap(run)[0]).toBe(0x3a);
});

test('bitmaps with run containers, which other writers may use, are read', () => {
  const bitmap = new RoaringBitmap32(Array.from({ length: 10_000 }, (_, at) => at + 5));
  bitmap.runOptimize();
  const bytes = bitmap.serialize('portable').slice();
  bitmap.dispose();
  expect(bytes[0]).toBe(0x3b);
  expect(bytes.length).toBeLessThan(100);
  const read = decodeFragmentBitmap(bytes);
  expect([read.length, read[0], read.at(-1)]).toEqual([10_000, 5, 10_004]);
});

test('any bytes at all are read or refused, and the next bitmap is read as ever', () => {
  const good = encodeFragmentBitmap([1, 5]);
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 40 }), mutated(good)), (bytes) => {
      try {
        decodeFragmentBitmap(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(SegmentdError);
        expect(error).toMatchObject({ code: 'table_index_unreadable' });
      }
      expect(Array.from(decodeFragmentBitmap(good))).toEqual([1, 5]);
    }),
    { numRuns: 500 },
  );
});

function mutated(bytes: Uint8Array): fc.Arbitrary<Uint8Array> {
  return fc.tuple(fc.nat(bytes.length - 1), fc.nat(255), fc.nat(bytes.length)).map(([at, byte, cut]) => {
    const copy = bytes.slice(0, cut);
    if (at < copy.length) copy[at] = byte;
    return copy;
  });
}
