/** Indexes over vectors: built over what is missing with the parameters and the partitions of what is there, and searched beside it. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Table } from '@lancedb/lancedb';
import { Index } from '@lancedb/lancedb';
import { describe, expect, test } from 'vitest';
import { viewBuilder } from '../../../src/lance/engine/segment-builder.ts';
import { verifyTable } from '../../../src/lance/inspect/verify-table.ts';
import { kindOf } from '../../../src/lance/plan/index-kind.ts';
import { maintainedIndexes, surveyIndexes } from '../../../src/lance/plan/index-plan.ts';
import { DEFAULT_POLICY } from '../../../src/lance/plan/row-ids.ts';
import { LanceTable } from '../../../src/lance/table/table.ts';
import type { IndexParameters, KindName } from '../../../src/lib/index-kinds.ts';
import { planMerges } from '../../../src/merge/merge-plan.ts';
import { mergeTable } from '../../../src/merge/merge-table.ts';
import { planMergeTo } from '../../../src/merge/policy/reduce-to.ts';
import { localStore } from '../../../src/store/local-store.ts';
import { claim } from '../../../testing/claim-fragments.ts';
import { segmentd } from '../../../testing/cli.ts';
import { index, latest, realTable } from '../../../testing/lance-table.ts';
import { seeded } from '../../../testing/seeded.ts';
import { tempDir } from '../../../testing/temp-dir.ts';
import { normal, vectorRows } from '../../../testing/vector-rows.ts';

const DIMENSIONS = 16;
const ROWS = 300;
const MIN_ROWS = 1;

const values = (seed: number, rows: number) => {
  const next = normal(seeded(seed));
  return Float32Array.from({ length: rows * DIMENSIONS }, next);
};
const rowsFrom = (from: number, rows = ROWS, isNull?: (row: number) => boolean) =>
  vectorRows(from, values(from + 1, rows), { dimensions: DIMENSIONS, ...(isNull && { isNull }) });

const wanted = (kind: KindName, parameters: IndexParameters = {}) => [{ column: 'vector', kind, parameters }];
const keep = (uri: string, kind: KindName, parameters: IndexParameters = {}, minRows = MIN_ROWS) =>
  index(uri, { wanted: wanted(kind, parameters), minRows });
const parametersIn = async (uri: string) =>
  (await latest(uri)).indexes.map((entry) => kindOf(entry)?.parametersOf(entry));
const findings = async (uri: string) => (await verifyTable(new LanceTable(localStore(uri)), 10)).findings;

/** Ids of the ten nearest to a vector that is in no row. */
async function nearest(table: Table, seed: number, by: 'index' | 'scan', column = 'vector'): Promise<number[]> {
  const query = table.query().nearestTo(values(seed, 1)).column(column).select(['id', '_distance']).limit(10);
  const answer = await (by === 'index' ? query.nprobes(1000) : query.bypassVectorIndex()).toArray();
  return answer.map(({ id }) => Number(id));
}

async function merge(uri: string, kind: KindName, segments = 1): Promise<string> {
  const table = new LanceTable(localStore(uri));
  const manifest = await table.latest();
  const policy = { ...DEFAULT_POLICY, wanted: wanted(kind), minRows: MIN_ROWS };
  const plan = planMerges(manifest, policy, (candidates) => planMergeTo(candidates, segments));
  const done = await mergeTable(table, manifest, plan, {
    builder: viewBuilder(await tempDir()),
    commit: { maxAttempts: 5, initialBackoffMs: 5, writer: { library: 'segmentd', version: '0.0.0-test' } },
    properties: {},
    withSlot: (land) => land(),
  });
  return done.kind;
}

/** Each with what LanceDB is told and what its details say of it. */
const CASES: readonly (readonly [kind: KindName, made: Index, parameters: IndexParameters])[] = [
  ['ivf_flat', Index.ivfFlat({ numPartitions: 3 }), { metric: 'l2' }],
  ['ivf_flat', Index.ivfFlat({ distanceType: 'cosine' }), { metric: 'cosine' }],
  ['ivf_flat', Index.ivfFlat({ distanceType: 'dot', maxIterations: 7, sampleRate: 99 }), { metric: 'dot' }],
  ['ivf_pq', Index.ivfPq({ numSubVectors: 8 }), { metric: 'l2', num_sub_vectors: 8, num_bits: 8 }],
  [
    'ivf_pq',
    Index.ivfPq({ numSubVectors: 4, numBits: 4, distanceType: 'cosine' }),
    { metric: 'cosine', num_sub_vectors: 4, num_bits: 4 },
  ],
  ['ivf_rq', Index.ivfRq({ numBits: 1 }), { metric: 'l2', num_bits: 1 }],
  ['ivf_rq', Index.ivfRq({ numBits: 4, distanceType: 'dot' }), { metric: 'dot', num_bits: 4 }],
  ['ivf_hnsw_sq', Index.hnswSq({ m: 7, efConstruction: 33 }), { metric: 'l2', m: 7, ef_construction: 33 }],
  [
    'ivf_hnsw_pq',
    Index.hnswPq({ m: 8, efConstruction: 40, numSubVectors: 2, distanceType: 'cosine' }),
    { metric: 'cosine', num_sub_vectors: 2, m: 8, ef_construction: 40 },
  ],
];

test.each(CASES)(
  'an %s that LanceDB made gets segments of the same parameters (%#)',
  async (kind, config, parameters) => {
    const { uri, table } = await realTable(rowsFrom(0));
    await table.createIndex('vector', { config, name: 'v' });
    expect(await parametersIn(uri)).toEqual([parameters]);
    await table.add(rowsFrom(ROWS));
    await keep(uri, kind, parameters);
    expect(await parametersIn(uri)).toEqual([parameters, parameters]);
    const { indexes } = await latest(uri);
    expect(new Set(indexes.map(({ typeUrl, indexVersion }) => `${typeUrl} ${indexVersion}`)).size).toBe(1);
    expect(await findings(uri)).toEqual([]);
  },
);

test('answers stay those of a scan, whatever is appended, deleted, updated, compacted and merged', async () => {
  const { uri, table } = await realTable(rowsFrom(0));
  await keep(uri, 'ivf_flat', { num_partitions: 3 });
  const own = async () => maintainedIndexes(await latest(uri), 'existing', MIN_ROWS)[0]?.whole.num_partitions;
  // As read from the size of the file.
  expect(await own()).toBe(3);
  const check = async (segments: number) => {
    expect((await latest(uri)).indexes).toHaveLength(segments);
    for (const seed of [91, 92, 93])
      expect(await nearest(table, seed, 'index')).toEqual(await nearest(table, seed, 'scan'));
    expect(await findings(uri)).toEqual([]);
  };
  await check(1);
  await table.add(rowsFrom(ROWS, 900));
  await keep(uri, 'ivf_flat', { num_partitions: 3 });
  await table.add(rowsFrom(4 * ROWS, 2 * ROWS, (row) => row % 7 === 0));
  await keep(uri, 'ivf_flat', { num_partitions: 3 });
  await check(3);
  await table.delete('id % 10 = 3');
  await table.update({ where: 'id % 10 = 4', valuesSql: { id: 'id + 100000' } });
  await check(3);
  await keep(uri, 'ivf_flat');
  await check(4);
  await table.add(rowsFrom(9 * ROWS));
  await table.optimize();
  await check(5);
  expect(await merge(uri, 'ivf_flat', 2)).toBe('landed');
  await check(2);
  expect(await merge(uri, 'ivf_flat')).toBe('landed');
  await check(1);
});

test.each([
  ['halffloat', 'l2'],
  ['double', 'cosine'],
  ['uint8', 'hamming'],
] as const)('vectors of %s are indexed, by %s', async (element, metric) => {
  const of = { halffloat: Uint16Array, double: Float64Array, uint8: Uint8Array }[element];
  const make = (from: number) => {
    const random = seeded(from + 5);
    const one = { halffloat: () => 0x3800 + random() * 1000, double: () => random(), uint8: () => random() * 256 };
    const data = (of as typeof Float64Array).from({ length: ROWS * DIMENSIONS }, one[element]);
    return vectorRows(from, data, { dimensions: DIMENSIONS, element });
  };
  const { uri, table } = await realTable(make(0));
  await keep(uri, 'ivf_flat', { metric });
  await table.add(make(ROWS));
  await keep(uri, 'ivf_flat', { metric });
  expect((await latest(uri)).indexes).toHaveLength(2);
  expect(await findings(uri)).toEqual([]);
});

describe('what LanceDB cannot build is refused before it is asked', () => {
  test.each([
    ['ivf_flat', { metric: 'hamming' }, /no IVF_FLAT of metric hamming/],
    ['ivf_pq', { num_bits: 5 }, /of 5 bits/],
    ['ivf_pq', { num_sub_vectors: 5 }, /5 sub-vectors do not divide/],
    ['ivf_pq', { num_sub_vectors: 1, num_bits: 4 }, /odd number/],
  ] as const)('%s of %j', async (kind, parameters, message) => {
    const { uri } = await realTable(rowsFrom(0));
    await expect(keep(uri, kind, parameters)).rejects.toThrow(message);
  });

  test('a second index over the same vectors', async () => {
    const { uri } = await realTable(rowsFrom(0));
    await keep(uri, 'ivf_flat');
    await expect(keep(uri, 'ivf_pq')).rejects.toThrow(/has index "vector_idx", an IVF_FLAT: readers would not ask/);
  });
});

test('fewer rows than the floor wait without an index, are found all the same, and go along with the next', async () => {
  const { uri, table } = await realTable(rowsFrom(0));
  await keep(uri, 'ivf_flat', {}, 200);
  await table.add(rowsFrom(ROWS, 150));
  await keep(uri, 'ivf_flat', {}, 200);
  const [state] = maintainedIndexes(await latest(uri), 'existing', 200);
  expect([state?.floor, state?.coverage.heldRows, state?.coverage.missingRows]).toEqual([200, 150, 0]);
  expect((await nearest(table, 400 + 1, 'index')).length).toBe(10);
  expect(await nearest(table, 77, 'index')).toEqual(await nearest(table, 77, 'scan'));
  await table.add(rowsFrom(2 * ROWS, 100));
  await keep(uri, 'ivf_flat', {}, 200);
  const { indexes } = await latest(uri);
  expect(indexes.map(({ fragments }) => Array.from(fragments ?? []))).toEqual([[0], [1, 2]]);
  expect(await findings(uri)).toEqual([]);
});

test('status, wait and index of the command line know of rows below the floor', async () => {
  const { uri, table } = await realTable(rowsFrom(0));
  await keep(uri, 'ivf_flat');
  await table.add(rowsFrom(ROWS, 150));
  const version = String((await latest(uri)).version);
  const run = async (...args: string[]) => {
    const { code, stdout } = await segmentd([...args, '--json']);
    return { code, said: JSON.parse(stdout) };
  };
  expect(await run('status', uri)).toMatchObject({
    said: { declined: null, missing_fragments: 0, indexes: [{ held_rows: 150 }] },
  });
  expect((await run('wait', uri, '--version', version, '--timeout', '5s')).code).toBe(0);
  expect(await run('index', uri)).toMatchObject({ code: 0, said: { indexes: [] } });
  expect(await run('index', uri, '--min-rows', '100')).toMatchObject({ code: 0, said: { indexes: [{ rows: 150 }] } });
  expect(await run('status', uri)).toMatchObject({ said: { coverage: 1, indexes: [{ held_rows: 0 }] } });
});

test('rows without a vector wait for others, and hold up no other index', async () => {
  const { uri, table } = await realTable(rowsFrom(0));
  const all = [...wanted('ivf_pq', { num_sub_vectors: 4 }), { column: 'id' }];
  const settings = { wanted: all, minRows: MIN_ROWS };
  await index(uri, settings);
  await table.add(rowsFrom(ROWS, 300, () => true));
  // Below what the codes are trained with, but for those without a vector.
  await table.add(rowsFrom(2 * ROWS, 300, (row) => row > 100));
  const { segments } = await index(uri, settings);
  expect(segments.map((it) => it.index)).toEqual(['id_idx']);
  expect(await findings(uri)).toEqual([]);
  expect(await nearest(table, 601, 'index')).toContain(600);
  await table.add(rowsFrom(3 * ROWS));
  expect((await index(uri, settings)).segments.map((it) => [it.index, Array.from(it.fragments)])).toEqual([
    ['vector_idx', [1, 2, 3]],
    ['id_idx', [3]],
  ]);
  await table.delete(`id % ${ROWS} >= 20`);
  // Too few are left to train with.
  const policy = { ...DEFAULT_POLICY, wanted: all, minRows: MIN_ROWS };
  const { merges } = planMerges(await latest(uri), policy, (candidates) => planMergeTo(candidates, 1));
  expect(merges.map((it) => it.index)).toEqual(['id_idx']);
});

test('verify finds a segment that claims what it does not hold, and one whose file is gone', async () => {
  for (const kind of ['ivf_flat', 'ivf_pq', 'ivf_hnsw_sq'] as const) {
    const { uri, table } = await realTable(rowsFrom(0));
    await keep(uri, kind);
    await table.add(rowsFrom(ROWS));
    await keep(uri, kind);
    expect(await findings(uri)).toEqual([]);
    await table.add(rowsFrom(2 * ROWS));
    await claim(uri, [1, 2], 'vector_idx');
    expect((await findings(uri)).map(({ code }) => code)).toContain('answer_wrong');
    const { uuid } = (await latest(uri)).indexes[0] as { uuid: string };
    await rm(join(uri, '_indices', uuid, 'auxiliary.idx'));
    const codes = (await findings(uri)).map(({ code }) => code);
    expect(codes).toEqual(expect.arrayContaining(['file_missing', 'query_failed']));
  }
});

test('kinds that new segments do not suit are kept where they are named', async () => {
  const { uri, table } = await realTable(rowsFrom(0));
  await table.createIndex('vector', { config: Index.ivfRq({}), name: 'v' });
  const { left } = surveyIndexes(await latest(uri), 'existing');
  expect(left.map(({ type, reason }) => [type, reason.code])).toEqual([['IVF_RQ', 'index_kind_by_name']]);
});
