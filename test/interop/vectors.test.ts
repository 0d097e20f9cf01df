/** Segments over vectors in the hands of pylance: described, searched, written beside, compacted, joined, dropped, restored. */
import { describe, expect, test } from 'vitest';
import { surveyIndexes } from '../../src/lance/plan/index-plan.ts';
import type { KindName } from '../../src/lib/index-kinds.ts';
import { LONG } from '../../testing/long.ts';
import { PYLANCE_VERSIONS, versionsFor } from '../../testing/pylance.ts';
import { tablesOfPylance } from './pylance-table.ts';
import type { TableUnderTest } from './table-under-test.ts';

type Neighbours = { recall: number; uses_index: boolean; segments: number[]; unindexed: number; rows: number };

const KINDS: readonly (readonly [kind: KindName, index_type: string, options: object])[] = [
  ['ivf_flat', 'IVF_FLAT', { metric: 'cosine' }],
  ['ivf_pq', 'IVF_PQ', { num_sub_vectors: 16 }],
  ['ivf_rq', 'IVF_RQ', { num_bits: 1 }],
  ['ivf_hnsw_sq', 'IVF_HNSW_SQ', { m: 12, ef_construction: 60 }],
  ['ivf_hnsw_pq', 'IVF_HNSW_PQ', { num_sub_vectors: 16 }],
];

/** Exact distances are the last step of each search here, among ten times as many as are wanted. */
const LEAST: Readonly<Partial<Record<KindName, number>>> = { ivf_flat: 1, ivf_hnsw_sq: 0.98, ivf_rq: 0.7 };
const leastOf = (kind: KindName) => LEAST[kind] ?? 0.95;

describe.each(versionsFor(LONG))('pylance %s', (version) => {
  const newTable = tablesOfPylance(version);

  const check = async (table: TableUnderTest, kind: KindName, expected: Partial<Neighbours>) => {
    const { recall, ...rest } = await table.ask<Neighbours>('neighbours', { queries: 10 });
    expect(rest).toMatchObject({ uses_index: true, ...expected });
    expect(await table.findings()).toEqual([]);
    expect(recall).toBeGreaterThanOrEqual(leastOf(kind));
  };

  // With segments of different codebooks, lance 7 codes what it appends by the wrong one: listed, but far from where it is.
  const isMiscoded = (kind: KindName) => version === PYLANCE_VERSIONS.oldest && kind.endsWith('pq');

  // An IVF_RQ that lance 12 built is misread by lance 7, however many segments it has.
  const kinds = KINDS.filter(([kind]) => kind !== 'ivf_rq' || version !== PYLANCE_VERSIONS.oldest);

  test.each(kinds)('an %s that it made is kept, and used as before', async (kind, index_type, options) => {
    const table = await newTable();
    if (!table) return;
    await table.ask('append_vectors', { start: 0, count: 600 });
    await table.ask('create_vector_index', { index_type, partitions: 2, ...options });
    const wanted = [{ column: 'vector', kind }];
    const state = surveyIndexes(await table.open().latest(), wanted, 1).served[0];
    // Read from the size of a file of any version, but for graphs, which hide it.
    expect(state?.whole.num_partitions).toBe(kind.includes('hnsw') ? 1 : 2);
    for (const start of [600, 1000]) {
      await table.ask('append_vectors', { start, count: 400 });
      await table.catchUp(wanted, undefined, undefined, 1);
    }
    await check(table, kind, { segments: [3], unindexed: 0, rows: 1400 });
    const before = (await table.open().latest()).version;
    await table.ask('delete', { where: 'id % 10 = 3' });
    await table.ask('update', { where: 'id % 50 = 7', values: { id: 'id + 100000' } });
    await check(table, kind, { segments: [3], rows: 1260 });
    await table.catchUp(wanted, undefined, undefined, 1);
    await table.ask('append_vectors', { start: 2000, count: 300 });
    await table.ask('optimize_indices', {});
    if (isMiscoded(kind)) {
      expect((await table.ask<Neighbours>('neighbours', { queries: 10 })).recall).toBeLessThan(leastOf(kind));
    } else {
      await check(table, kind, { unindexed: 0, rows: 1560 });
      await table.ask('compact_files', {});
      await check(table, kind, { unindexed: 0, rows: 1560 });
    }
    await table.ask('restore', { version: before });
    await check(table, kind, { segments: [3], rows: 1400 });
    await table.ask('drop_index', { name: 'vector_idx' });
    expect((await table.open().latest()).indexes).toEqual([]);
  });
});
