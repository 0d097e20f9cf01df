import { expect, test } from 'vitest';
import { kindOf, labelOf } from '../../../../../src/lance/plan/index-kind.ts';
import type { KindOfEntry } from '../../../../../src/lance/plan/kinds/kind.ts';
import {
  IVF_FLAT,
  IVF_HNSW_PQ,
  IVF_PQ,
  IVF_RQ,
  isVectorIndex,
  VECTOR_KINDS,
  vectorSearchOf,
} from '../../../../../src/lance/plan/kinds/vector.ts';
import type { WireField } from '../../manifest-fixture.ts';
import { message } from '../../manifest-fixture.ts';

const URL = '/lance.index.pb.VectorIndexDetails';
const entry = (fields: readonly WireField[], typeUrl = URL): KindOfEntry => ({
  typeUrl,
  fields: [1],
  details: message([6, message([1, typeUrl], [2, message(...fields)])]),
});
const hint = (key: string, value: string) => [9, message([1, key], [2, value])] as const;
const FLAT = [8, message()] as const;
const PQ = [4, message([1, 8], [2, 4])] as const;
const GRAPHS = [3, message([1, 20], [2, 300], [3, 7])] as const;
const vectors = (logicalType: string) => ({ id: 1, parentId: -1, name: 'v', logicalType });

test.each([
  ['IVF_FLAT', [FLAT], { metric: 'l2' }],
  ['IVF_FLAT', [[1, 3], FLAT], { metric: 'hamming' }],
  ['IVF_PQ', [[1, 1], PQ], { metric: 'cosine', num_sub_vectors: 4, num_bits: 8 }],
  [
    'IVF_RQ',
    [
      [1, 2],
      [6, message([1, 4])],
    ],
    { metric: 'dot', num_bits: 4 },
  ],
  ['IVF_HNSW_SQ', [GRAPHS, [5, message([1, 8])]], { metric: 'l2', m: 20, ef_construction: 300 }],
  ['IVF_HNSW_PQ', [GRAPHS, PQ], { metric: 'l2', num_sub_vectors: 4, m: 20, ef_construction: 300 }],
] as const)('%s of %#', (label, fields, parameters) => {
  const it = entry(fields as unknown as readonly WireField[]);
  expect([kindOf(it)?.label, kindOf(it)?.parametersOf(it)]).toEqual([label, parameters]);
});

test.each([
  ['IVF_SQ', [[5, message([1, 8])]]],
  ['IVF_HNSW_FLAT', [GRAPHS, FLAT]],
  ['Vector', []],
] as const)('%s is known by name, and not maintained', (label, fields) => {
  const it = entry(fields as unknown as readonly WireField[]);
  expect([kindOf(it), labelOf(it), isVectorIndex(it)]).toEqual([null, label, true]);
});

test('the empty details of old writers, and damaged ones, tell no kind', () => {
  expect(kindOf(entry([], '/lance.table.VectorIndexDetails'))).toBe(null);
  const damaged = { typeUrl: URL, fields: [1], details: Uint8Array.of(0x32, 0x7f, 1) };
  expect([kindOf(damaged), labelOf(damaged), vectorSearchOf(damaged)]).toEqual([null, 'Vector', null]);
  expect(vectorSearchOf({ ...damaged, typeUrl: '/lance.table.BTreeIndexDetails' })).toBe(null);
});

test.each([
  [[[2, 4096], FLAT], /target_partition_size of 4096/],
  [[[1, 9], FLAT], /metric that is not known/],
  [[[11, 1], FLAT], /a field 11 that is not known/],
  [[[6, message([1, 1], [2, 1])]], /another rotation/],
  [[GRAPHS, [4, message([1, 4], [2, 4])]], /IVF_HNSW_PQ of 4 bits/],
  [[[3, message([1, 20], [2, 300], [3, 6])], PQ], /6 levels/],
  [[PQ, hint('lance.skip_transpose', 'true')], /lance.skip_transpose=true/],
  [[PQ, hint('lance.pq.kmeans_redos', '2')], /lance.pq.kmeans_redos=2/],
  [[PQ, hint('lance.new', '1')], /lance.new=1/],
] as const)('details %# say what LanceDB for Node cannot be told', (fields, problem) => {
  const it = entry(fields as unknown as readonly WireField[]);
  expect(() => kindOf(it)?.parametersOf(it)).toThrow(problem);
});

test('how long a build may train, and in what portions, makes no other index', () => {
  const hints = ['lance.ivf.max_iters', 'lance.sq.sample_rate', 'lance.ivf.shuffle_partition_batches'];
  expect(
    IVF_PQ.parametersOf(entry([PQ, ...hints.map((key) => hint(key, '9'))] as unknown as readonly WireField[])),
  ).toEqual({
    metric: 'l2',
    num_sub_vectors: 4,
    num_bits: 8,
  });
});

test.each([
  [IVF_PQ, 'fixed_size_list:float:16', {}, null],
  [IVF_PQ, 'fixed_size_list:halffloat:16', { metric: 'dot', num_bits: 4, num_sub_vectors: 2 }, null],
  [IVF_FLAT, 'fixed_size_list:uint8:16', { metric: 'hamming' }, null],
  [IVF_FLAT, 'fixed_size_list:uint8:16', {}, /no IVF_FLAT of metric l2/],
  [IVF_FLAT, 'fixed_size_list:float:16', { metric: 'hamming' }, /no IVF_FLAT of metric hamming/],
  [IVF_RQ, 'fixed_size_list:uint8:16', { metric: 'hamming' }, /no IVF_RQ/],
  [IVF_PQ, 'fixed_size_list:int8:16', {}, /over fixed_size_list of/],
  [IVF_PQ, 'list', {}, /has type list/],
  [IVF_PQ, 'string', {}, /has type string/],
  [IVF_PQ, 'fixed_size_list:float:16', { num_sub_vectors: 3 }, /3 sub-vectors do not divide/],
  [IVF_HNSW_PQ, 'fixed_size_list:float:16', { num_sub_vectors: 32 }, /32 sub-vectors do not divide/],
  [IVF_PQ, 'fixed_size_list:float:16', { num_bits: 6 }, /6 bits/],
  [IVF_PQ, 'fixed_size_list:float:16', { num_bits: 4, num_sub_vectors: 1 }, /odd/],
] as const)('$0.label over %s with %j: %s', (kind, type, parameters, problem) => {
  const said = kind.problemOf(vectors(type), [], parameters);
  if (problem) expect(said).toMatch(problem);
  else expect(said).toBe(null);
});

test('LanceDB is told each parameter by its own name', () => {
  const parameters = {
    metric: 'dot',
    num_sub_vectors: 4,
    num_bits: 8,
    num_partitions: 3,
    max_iters: 9,
    sample_rate: 7,
  };
  expect(IVF_PQ.engineCall(parameters, 1000)).toEqual({
    method: 'ivfPq',
    options: {
      ...{ distanceType: 'dot', numSubVectors: 4, numBits: 8, numPartitions: 3 },
      ...{ maxIterations: 9, sampleRate: 7 },
    },
  });
});

test('partitions and training are those of the index that is there, unless they are asked for', () => {
  const it = {
    ...entry([
      FLAT,
      hint('lance.ivf.max_iters', '9'),
      hint('lance.ivf.sample_rate', 'x'),
    ] as unknown as readonly WireField[]),
    files: [{ path: 'index.idx', bytes: 2657 }],
  };
  const segments = { entries: [it] as never, rowsOf: () => 100_000, allRows: 400_000 };
  const field = vectors('fixed_size_list:float:64');
  const per = IVF_FLAT.perSegment;
  expect(per?.whole({}, segments, field)).toEqual({ max_iters: 9, num_partitions: 18 });
  expect(per?.whole({ num_partitions: 256 }, segments, field)).toEqual({ max_iters: 9, num_partitions: 256 });
  expect(per?.share({ num_partitions: 256 }, 100_000, 400_000)).toEqual({ num_partitions: 128 });
});

test('each kind waits for rows, and none takes less than its codes are trained with', () => {
  expect(VECTOR_KINDS.map(({ label, leastRows, waitsForRows }) => [label, leastRows, waitsForRows])).toEqual([
    ['IVF_FLAT', 1, true],
    ['IVF_PQ', 256, true],
    ['IVF_RQ', 1, true],
    ['IVF_HNSW_SQ', 1, true],
    ['IVF_HNSW_PQ', 256, true],
  ]);
  const field = vectors('fixed_size_list:float:256');
  for (const kind of VECTOR_KINDS) expect(kind.buildBytes(field, 1_000_000)).toBeGreaterThan(1_000_000 * 1024);
  expect(IVF_PQ.lacksRows?.('KMeans cannot train 1 centroids with 0 vectors')).toBe(true);
  expect(IVF_PQ.lacksRows?.('Resources exhausted')).toBe(false);
});
