import { expect, test } from 'vitest';
import { decodeInvertedDetails } from '../../../../src/lance/codec/inverted-details.ts';
import { Cursor } from '../../../../src/lance/codec/wire.ts';
import { message } from '../manifest-fixture.ts';

const decode = (bytes: Uint8Array) => decodeInvertedDetails(new Cursor(bytes));

/** As lance 12 writes those of an index without options. */
const PLAIN = Buffer.from('0a0673696d706c651209224' + '56e676c6973682220282801300138014001480350036080017802', 'hex');

test('details as LanceDB 0.39 writes them', () => {
  expect(decode(PLAIN)).toEqual({
    baseTokenizer: 'simple',
    language: 'English',
    withPosition: false,
    maxTokenLength: 40,
    lowerCase: true,
    stem: true,
    removeStopWords: true,
    asciiFolding: true,
    minNgramLength: 3,
    maxNgramLength: 3,
    prefixOnly: false,
    blockSize: 128,
    code: null,
    granularity: 0,
    postingFormat: 2,
    unknown: [],
  });
});

test('what is absent means what it means to Lance', () => {
  expect(decode(new Uint8Array())).toMatchObject({
    baseTokenizer: '',
    maxTokenLength: null,
    stem: false,
    blockSize: 128,
    code: null,
    granularity: 0,
    postingFormat: null,
  });
  expect(decode(message([13, '']))).toMatchObject({
    code: { splitIdentifiers: false, splitOnNumerics: true, preserveOriginal: true, indexOperators: false },
  });
});

test.each([
  [3, 1, { withPosition: true }],
  [4, 0, { maxTokenLength: 0 }],
  [4, 4_294_967_295, { maxTokenLength: 4_294_967_295 }],
  [11, 1, { prefixOnly: true }],
  [12, 256, { blockSize: 256 }],
  [
    13,
    message([1, 1], [2, 0], [3, 0], [4, 1]),
    {
      code: { splitIdentifiers: true, splitOnNumerics: false, preserveOriginal: false, indexOperators: true },
    },
  ],
  [14, 1, { granularity: 1 }],
  [15, 3, { postingFormat: 3 }],
] as const)('field %d', (field, value, expected) => {
  expect(decode(message([field, value]))).toMatchObject({ ...expected, unknown: [] });
});

test.each([
  [16, 'lines', [16]],
  [19, 1, [19]],
  // Not of the type that it should have.
  [3, 'x', [3]],
  [1, 7, [1]],
  [13, message([5, 1]), [13]],
] as const)('field %d as %j is not known', (field, value, unknown) => {
  expect(decode(message([field, value])).unknown).toEqual(unknown);
});
