import { expect, test } from 'vitest';
import { decodeVectorDetails, vectorLabel } from '../../../../src/lance/codec/vector-details.ts';
import { Cursor } from '../../../../src/lance/codec/wire.ts';
import type { WireField } from '../manifest-fixture.ts';
import { message } from '../manifest-fixture.ts';

const decode = (...fields: readonly WireField[]) => decodeVectorDetails(new Cursor(message(...fields)));

test('an empty message says nothing, not even the kind', () => {
  expect(decode()).toBe(null);
});

test('what is left out is zero: L2, and no compression', () => {
  expect(decode([9, message([1, 'lance.ivf.max_iters'], [2, '50'])])).toEqual({
    metric: 'l2',
    compression: { kind: 'flat' },
    hnsw: null,
    targetPartitionRows: null,
    targetPartitions: null,
    hints: new Map([['lance.ivf.max_iters', '50']]),
    unknown: [],
  });
});

test.each([
  ['IVF_FLAT', [[8, message()]], { kind: 'flat' }],
  ['IVF_PQ', [[4, message([1, 8], [2, 16])]], { kind: 'pq', bits: 8, subVectors: 16 }],
  ['IVF_SQ', [[5, message([1, 8])]], { kind: 'sq', bits: 8 }],
  ['IVF_RQ', [[6, message([1, 1])]], { kind: 'rq', bits: 1, rotation: 'fast' }],
  ['IVF_RQ', [[6, message([1, 1], [2, 1])]], { kind: 'rq', bits: 1, rotation: 'other' }],
] as const)('%s', (label, fields, compression) => {
  const details = decode([1, 1], [2, 4096], ...(fields as unknown as readonly WireField[]), [10, 7]);
  expect(details).toMatchObject({ metric: 'cosine', compression, targetPartitionRows: 4096, targetPartitions: 7 });
  expect(details && vectorLabel(details)).toBe(label);
  const graphs = decode([3, message([1, 20], [2, 300], [3, 7])], ...(fields as unknown as readonly WireField[]));
  expect(graphs?.hnsw).toEqual({ m: 20, efConstruction: 300, maxLevel: 7 });
  expect(graphs && vectorLabel(graphs)).toBe(label.replace('IVF_', 'IVF_HNSW_'));
});

test('fields and metrics that are not known are told', () => {
  expect(decode([1, 4])?.metric).toBe(null);
  expect(decode([7, message()], [4, message([1, 8], [3, 1])], [3, message([4, 1])], [11, 1])?.unknown).toEqual([
    '7',
    '4.3',
    '3.4',
    '11',
  ]);
});

test.each([
  ['eight bytes', [0x09, 1, 0, 0, 0, 0, 0, 0, 0]],
  ['cut short', [0x09, 1]],
  ['four bytes', [0x0d, 1, 0, 0, 0]],
  ['a text', [0x0a, 1, 0x41]],
  ['four bytes, of a PQ', [0x22, 5, 0x0d, 8, 0, 0, 0]],
])('a number that is written as %s is no metric and no parameter', (_what, bytes) => {
  expect(() => decodeVectorDetails(new Cursor(Uint8Array.from(bytes)))).toThrow(
    expect.objectContaining({ code: 'table_unreadable' }),
  );
});
