import { describe, expect, test } from 'vitest';
import { parseManifest } from '../../../../src/lance/codec/manifest.ts';
import type { TablePolicy } from '../../../../src/lance/plan/row-ids.ts';
import { DEFAULT_POLICY } from '../../../../src/lance/plan/row-ids.ts';
import { planTable } from '../../../../src/lance/plan/table-plan.ts';
import type { ManifestSpec } from '../manifest-fixture.ts';
import { manifestFile, uuidText } from '../manifest-fixture.ts';

const THREE = [0, 1, 2].map((id) => ({ id }));
const plan = (spec: ManifestSpec, policy: Partial<TablePolicy> = {}, maxFragments = 10) =>
  planTable(parseManifest(manifestFile(spec)), { ...DEFAULT_POLICY, ...policy }, { maxRows: 1e9, maxFragments });
const asked = ({ requests }: ReturnType<typeof plan>) => requests.map((it) => [it.index, Array.from(it.fragments)]);

test('asks for what each index misses, and replaces nothing', () => {
  const made = plan({ fragments: THREE, indexes: [{ uuid: 1, fragments: [0] }] });
  expect([asked(made), made.remove, made.complete]).toEqual([[['id_idx', [1, 2]]], [], true]);
});

test('says when the limits leave something for later', () => {
  expect(plan({ fragments: THREE, indexes: [{ uuid: 1, fragments: [] }] }, {}, 2).complete).toBe(false);
  expect(plan({ fragments: THREE, indexes: [{ uuid: 1, fragments: [0] }] }, {}, 2).complete).toBe(true);
  expect(plan({ fragments: THREE, indexes: [{ uuid: 1, fragments: [0, 1, 2] }] }, {}, 2)).toMatchObject({
    requests: [],
    complete: true,
  });
});

test('a table whose versions a catalog manages is declined, whatever its manifest says', () => {
  const declined = expect.objectContaining({ code: 'table_managed_versioning' });
  expect(() => plan({ fragments: THREE }, { managedVersioning: true })).toThrow(declined);
  expect(() => plan({ fragments: THREE }, { managedVersioning: false })).not.toThrow();
});

const STABLE: ManifestSpec = { fragments: THREE, readerFlags: 2n, writerFlags: 2n };

test('a table with stable row ids is declined, unless its indexes may be rebuilt', () => {
  expect(() => plan(STABLE)).toThrow(expect.objectContaining({ code: 'table_stable_row_ids' }));
  const indexes = [
    { uuid: 1, fragments: [0] },
    { uuid: 2, fragments: [1] },
    { uuid: 3, name: 'name_idx', fields: [1], fragments: [0, 1, 2] },
  ];
  const made = plan({ ...STABLE, indexes }, { stableRowIds: 'rebuild' }, 1);
  // One segment over everything in place of all others; an index that misses nothing is left alone.
  expect([asked(made), made.remove, made.complete]).toEqual([
    [['id_idx', [0, 1, 2]]],
    [uuidText(1), uuidText(2)],
    true,
  ]);
  expect(made.requests[0]?.rows).toBe(300);
});

test('rebuilding is for stable row ids only: other tables are appended to, and other reasons still decline', () => {
  const policy = { stableRowIds: 'rebuild' } as const;
  expect(plan({ fragments: THREE, indexes: [{ uuid: 1, fragments: [0] }] }, policy).remove).toEqual([]);
  const overlays = { ...STABLE, readerFlags: 66n, writerFlags: 66n };
  expect(() => plan(overlays, policy)).toThrow(expect.objectContaining({ code: 'table_data_overlays' }));
});

describe('parts', () => {
  const fragments = [0, 1, 2, 3, 4, 5].map((id) => ({ id, rows: 10 }));
  const indexes = [
    { uuid: 1, fragments: [0] },
    { uuid: 2, name: 'name_idx', fields: [1], fragments: [0, 1] },
  ];
  const parts = (wanted: number[][], maxRows: number, maxFragments = 10) =>
    planTable(
      parseManifest(manifestFile({ fragments, indexes })),
      DEFAULT_POLICY,
      { maxRows, maxFragments },
      { parts: wanted },
    );

  test('become a segment each, of what an index misses of them and no part before had', () => {
    const made = parts(
      [
        [1, 2],
        [2, 3],
        [0, 9],
      ],
      1e9,
    );
    expect(asked(made)).toEqual([
      ['id_idx', [1, 2]],
      ['name_idx', [2]],
      ['id_idx', [3]],
      ['name_idx', [3]],
    ]);
    expect([made.complete, made.parts]).toEqual([true, 3]);
  });

  test('that are too much for one commit wait', () => {
    const made = parts([[1], [2, 3], [4]], 30);
    expect(asked(made).map(([, ids]) => ids)).toEqual([[1], [2, 3], [2, 3]]);
    expect([made.complete, made.parts]).toEqual([false, 2]);
  });

  test('that are too much for one segment are begun', () => {
    const made = parts([[1], [2, 3, 4, 5]], 1e9, 3);
    expect(asked(made).map(([, ids]) => ids)).toEqual([[1], [2, 3, 4], [2, 3, 4]]);
    expect([made.complete, made.parts]).toEqual([false, 1]);
  });

  test('that are covered ask for nothing', () => {
    expect(parts([[0], [77]], 1e9)).toMatchObject({ requests: [], complete: true, parts: 2 });
  });
});

test('what is left to others is not missing', () => {
  const manifest = parseManifest(manifestFile({ fragments: THREE, indexes: [{ uuid: 1, fragments: [0] }] }));
  const made = planTable(
    manifest,
    DEFAULT_POLICY,
    { maxRows: 1e9, maxFragments: 9 },
    { isDelegated: (id) => id === 1 },
  );
  expect([asked(made), made.complete]).toEqual([[['id_idx', [2]]], true]);
});
