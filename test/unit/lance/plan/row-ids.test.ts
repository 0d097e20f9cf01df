import { describe, expect, test } from 'vitest';
import { parseManifest } from '../../../../src/lance/codec/manifest.ts';
import type { StableRowIds, TablePolicy } from '../../../../src/lance/plan/row-ids.ts';
import { servedIndexes } from '../../../../src/lance/plan/row-ids.ts';
import { planTable } from '../../../../src/lance/plan/table-plan.ts';
import { planMerges } from '../../../../src/merge/merge-plan.ts';
import { planMergeTo } from '../../../../src/merge/policy/reduce-to.ts';
import type { IndexSpec } from '../manifest-fixture.ts';
import { manifestFile, uuidText } from '../manifest-fixture.ts';

const STABLE = { readerFlags: 2n, writerFlags: 2n };
const LIMITS = { maxRows: 1000, maxFragments: 10 };

/** A table of three fragments; each given segment of `id_idx` covers one, from the first on. */
const tableOf = (versions: readonly number[], stable = true, others: readonly IndexSpec[] = []) =>
  parseManifest(
    manifestFile({
      fragments: [{ id: 0 }, { id: 1 }, { id: 2 }],
      indexes: [...versions.map((indexVersion, at) => ({ uuid: at + 1, fragments: [at], indexVersion })), ...others],
      ...(stable ? STABLE : {}),
    }),
  );

const outcome = (table: ReturnType<typeof tableOf>, stableRowIds: StableRowIds, more: Partial<TablePolicy> = {}) => {
  try {
    const { requests, remove } = planTable(table, { wanted: 'existing', stableRowIds, ...more }, LIMITS);
    return requests.map(({ index, fragments, indexVersion = 0 }) => [
      index,
      `version ${indexVersion} over ${fragments}${remove.length > 0 ? `, replacing ${remove.length}` : ''}`,
    ]);
  } catch (error) {
    return (error as { code: string }).code;
  }
};

const NEW = { wanted: [{ column: 'name' }] };
const DELTA = [['id_idx', 'version 1 over 1,2']];
const REBUILT = [['id_idx', 'version 0 over 0,1,2, replacing 1']];

describe('a table with stable row ids', () => {
  test.each<[string, number[], Partial<TablePolicy>, Record<StableRowIds, unknown>]>([
    ['whose index records addresses gets deltas', [1], {}, { decline: DELTA, rebuild: DELTA, addresses: DELTA }],
    [
      'whose index records row ids is declined, or gets it anew',
      [0],
      {},
      { decline: 'table_stable_row_ids', rebuild: REBUILT, addresses: 'table_stable_row_ids' },
    ],
    [
      'that lacks an index gets it as the configuration says',
      [1],
      NEW,
      {
        decline: 'table_stable_row_ids',
        rebuild: [['name_idx', 'version 0 over 0,1,2']],
        addresses: [['name_idx', 'version 1 over 0,1,2']],
      },
    ],
    [
      'without any index is declined, or has none',
      [],
      {},
      { decline: 'table_stable_row_ids', rebuild: [], addresses: [] },
    ],
    [
      'whose index records both is declined by name',
      [0, 1],
      {},
      {
        decline: 'table_mixed_index_versions',
        rebuild: 'table_mixed_index_versions',
        addresses: 'table_mixed_index_versions',
      },
    ],
    [
      'whose index has a version to come is declined by name',
      [1, 2],
      {},
      { decline: 'table_newer_index', rebuild: 'table_newer_index', addresses: 'table_newer_index' },
    ],
  ])('%s', (_name, versions, more, expected) => {
    const table = tableOf(versions);
    for (const how of ['decline', 'rebuild', 'addresses'] as const) {
      expect([how, outcome(table, how, more)]).toEqual([how, expected[how]]);
    }
  });

  test('may have indexes of both kinds: one is replaced, then the other gets its delta', () => {
    const byName = { uuid: 9, name: 'name_idx', fields: [1], fragments: [0], indexVersion: 0 };
    const table = tableOf([1], true, [byName]);
    expect(outcome(table, 'rebuild')).toEqual([['name_idx', 'version 0 over 0,1,2, replacing 1']]);
    const done = tableOf([1], true, [{ ...byName, fragments: [0, 1, 2] }]);
    expect(outcome(done, 'rebuild')).toEqual(DELTA);
    // One that is not named does not matter.
    expect(outcome(table, 'decline', { wanted: [{ column: 'id' }] })).toEqual(DELTA);
  });

  test('gets segments merged that record addresses, and no others', () => {
    const merged = (versions: number[]) =>
      planMerges(tableOf(versions), { wanted: 'existing', stableRowIds: 'rebuild' }, (all) => planMergeTo(all, 1));
    expect(merged([1, 1, 1])).toMatchObject({
      requests: [{ indexVersion: 1, fragments: Uint32Array.of(0, 1, 2) }],
      remove: [1, 2, 3].map(uuidText),
    });
    expect(merged([0, 0, 0]).requests).toEqual([]);
  });
});

describe('a table without stable row ids', () => {
  test('gets version 0, whatever is configured', () => {
    for (const how of ['decline', 'rebuild', 'addresses'] as const) {
      expect(outcome(tableOf([0], false), how)).toEqual([['id_idx', 'version 0 over 1,2']]);
      expect(outcome(tableOf([0], false), how, NEW)).toEqual([['name_idx', 'version 0 over 0,1,2']]);
    }
  });

  test('is declined when a segment has a version that segmentd does not write there', () => {
    expect(() => servedIndexes(tableOf([0, 1], false), { wanted: 'existing', stableRowIds: 'rebuild' })).toThrow(
      expect.objectContaining({
        code: 'table_newer_index',
        message: 'index "id_idx" has segments of index version 1; segmentd writes 0',
      }),
    );
  });
});
