import { describe, expect, test } from 'vitest';
import { parseManifest } from '../../../src/lance/codec/manifest.ts';
import type { TablePolicy } from '../../../src/lance/plan/row-ids.ts';
import { DEFAULT_POLICY } from '../../../src/lance/plan/row-ids.ts';
import { FLAG } from '../../../src/lance/plan/supported.ts';
import type { MergeRule } from '../../../src/merge/merge-plan.ts';
import { planMerges } from '../../../src/merge/merge-plan.ts';
import { planMergeTo } from '../../../src/merge/policy/reduce-to.ts';
import type { MergeSettings } from '../../../src/merge/policy/tiered.ts';
import { planAhead } from '../../../src/merge/policy/tiered.ts';
import type { FragmentSpec, IndexSpec, ManifestSpec } from '../lance/manifest-fixture.ts';
import { manifestFile, message, uuidText } from '../lance/manifest-fixture.ts';

const PAIRS: MergeSettings = { floorRows: 10, factor: 2, maxFactor: 2, maxSegmentRows: 1_000_000, maxSegments: 20 };
const inPairs: MergeRule = (segments) => planAhead(segments, PAIRS);
const intoOne: MergeRule = (segments) => planMergeTo(segments, 1);

const plan = (spec: ManifestSpec, rule: MergeRule = intoOne, policy: TablePolicy = DEFAULT_POLICY) =>
  planMerges(parseManifest(manifestFile(spec)), policy, rule);

/** By index: the fragments to build, and the numbers of the segments to replace. */
function brief(...args: Parameters<typeof plan>) {
  const { requests, merges, remove } = plan(...args);
  expect(merges.flatMap(({ inputs }) => inputs)).toEqual(remove);
  expect(requests.map(({ index, column, rows }) => ({ index, column, rows }))).toEqual(
    merges.map(({ index, column, rows }) => ({ index, column, rows })),
  );
  return requests.map(({ index, fragments }, at) => ({
    [index]: Array.from(fragments),
    from: merges[at]?.inputs.map((uuid) => Number.parseInt(uuid.slice(-8), 16)),
  }));
}

const fragments = (...ids: readonly number[]): FragmentSpec[] => ids.map((id) => ({ id }));

/** Segments 1, 2, … over these fragments. */
const segments = (...covered: readonly (readonly number[])[]): IndexSpec[] =>
  covered.map((ids, at) => ({ uuid: at + 1, fragments: ids }));

describe('what replaces several segments', () => {
  test('covers what they cover', () => {
    const spec = { fragments: fragments(0, 1, 2, 3), indexes: segments([0, 1], [2], [3]) };
    expect(brief(spec)).toEqual([{ id_idx: [0, 1, 2, 3], from: [1, 2, 3] }]);
  });

  test('covers only fragments that are still there, and counts only rows that are', () => {
    const indexes = segments([0, 1, 2], [3, 4]);
    const spec = { fragments: [{ id: 0 }, { id: 2, rows: 50, deleted: 20 }, { id: 3 }], indexes };
    expect(brief(spec)).toEqual([{ id_idx: [0, 2, 3], from: [1, 2] }]);
    const { merges, segmentRows, requests } = plan(spec);
    expect(merges[0]?.rows).toBe(230);
    expect(requests[0]?.rows).toBe(230);
    expect(segmentRows).toEqual([130, 100]);
  });

  test('leaves a wholly stale segment alone: the commit drops it', () => {
    const spec = { fragments: fragments(3, 4), indexes: segments([0, 1], [3], [4]) };
    expect(brief(spec)).toEqual([{ id_idx: [3, 4], from: [2, 3] }]);
    expect(plan(spec).segmentRows).toEqual([0, 100, 100]);
  });

  test('is in the order of the ids, however large they are', () => {
    const spec = { fragments: fragments(9, 10, 200, 4_000_000_000), indexes: segments([200, 4_000_000_000], [9, 10]) };
    expect(brief(spec)).toEqual([{ id_idx: [9, 10, 200, 4_000_000_000], from: [2, 1] }]);
  });

  test('has the bytes of the files it replaces, as far as they are known', () => {
    const file = (path: string, bytes: number) => [10, message([1, path], [2, bytes])] as const;
    const indexes = [
      { uuid: 1, fragments: [0], more: [file('page_data.lance', 300), file('page_lookup.lance', 20)] },
      { uuid: 2, fragments: [1] },
      { uuid: 3, name: 'name_idx', fields: [1], fragments: [0], more: [file('page_data.lance', 5)] },
    ];
    expect(plan({ fragments: fragments(0, 1), indexes }).merges).toEqual([
      {
        index: 'id_idx',
        column: 'id',
        reason: 'asked',
        inputs: [uuidText(1), uuidText(2)],
        rows: 200,
        bytes: 320,
      },
    ]);
  });
});

describe('neighbours', () => {
  test('are not those with a fragment between them that the index misses', () => {
    const spec = { fragments: fragments(0, 1, 2), indexes: segments([0], [2]) };
    expect(brief(spec)).toEqual([]);
    expect(plan(spec).states[0]?.coverage.missing).toEqual(Uint32Array.of(1));
  });

  test('are those with nothing between them but ids that no fragment has', () => {
    expect(brief({ fragments: fragments(3, 70), indexes: segments([3], [70]) })).toEqual([
      { id_idx: [3, 70], from: [1, 2] },
    ]);
  });

  test('are those whose fragments lie interleaved, together only', () => {
    const spec = { fragments: fragments(0, 1, 2, 3, 4), indexes: segments([0, 2], [1, 4], [3]) };
    expect(brief(spec, inPairs)).toEqual([]);
    expect(brief(spec)).toEqual([{ id_idx: [0, 1, 2, 3, 4], from: [1, 2, 3] }]);
  });

  test('are found whatever the order of the index section', () => {
    const spec = { fragments: fragments(1, 2, 5, 6), indexes: segments([5, 6], [2], [1]) };
    expect(brief(spec, inPairs)).toEqual([{ id_idx: [1, 2], from: [3, 2] }]);
  });
});

describe('several indexes', () => {
  const indexes = [
    ...segments([0], [1], [2], [3]),
    { uuid: 5, name: 'name_idx', fields: [1], fragments: [0, 1] },
    { uuid: 6, name: 'name_idx', fields: [1], fragments: [2, 3] },
  ];
  const spec = { fragments: fragments(0, 1, 2, 3), indexes };

  test('are merged in one commit, one merge of each', () => {
    expect(brief(spec, inPairs)).toEqual([
      { id_idx: [0, 1], from: [1, 2] },
      { name_idx: [0, 1, 2, 3], from: [5, 6] },
    ]);
  });

  test('have their merges counted together until nothing is left to do', () => {
    expect(plan(spec, inPairs)).toMatchObject({ pending: 4, segmentRows: [100, 100, 100, 100, 200, 200] });
  });

  test('are left alone where nothing is due', () => {
    const one = {
      fragments: fragments(0, 1),
      indexes: [...segments([0], [1]), { ...indexes[4], uuid: 5 } as IndexSpec],
    };
    expect(brief(one)).toEqual([{ id_idx: [0, 1], from: [1, 2] }]);
    expect(plan(one).states).toHaveLength(2);
  });

  test('are only those that are wanted', () => {
    const policy = { ...DEFAULT_POLICY, wanted: [{ column: 'name' }] };
    expect(brief(spec, inPairs, policy)).toEqual([{ name_idx: [0, 1, 2, 3], from: [5, 6] }]);
  });

  test('none: a wanted column without an index has nothing to merge', () => {
    const policy = { ...DEFAULT_POLICY, wanted: [{ column: 'id' }] };
    expect(plan({ fragments: fragments(0, 1) }, intoOne, policy)).toMatchObject({
      merges: [],
      requests: [],
      remove: [],
      pending: 0,
      segmentRows: [],
    });
  });
});

describe('nothing is merged', () => {
  const nothing = { merges: [], requests: [], remove: [], pending: 0 };

  test('in a table that is declined', () => {
    const spec = { fragments: fragments(0, 1), indexes: segments([0], [1]), readerFlags: FLAG.dataOverlays };
    expect(() => plan(spec)).toThrow(expect.objectContaining({ code: 'table_data_overlays' }));
  });

  test('in a table whose indexes cannot be read', () => {
    const spec = { indexes: [{ uuid: 1, fragments: null }, { uuid: 2 }] };
    expect(() => plan(spec)).toThrow(expect.objectContaining({ code: 'table_index_unreadable' }));
  });

  test('with stable row ids: their indexes are replaced whole, by one segment each', () => {
    const flags = { readerFlags: FLAG.stableRowIds, writerFlags: FLAG.stableRowIds };
    const spec = { fragments: fragments(0, 1), indexes: segments([0], [1]), ...flags };
    expect(() => plan(spec)).toThrow(expect.objectContaining({ code: 'table_stable_row_ids' }));
    const policy = { ...DEFAULT_POLICY, stableRowIds: 'rebuild' } as const;
    expect(plan(spec, intoOne, policy)).toMatchObject({ ...nothing, segmentRows: [100, 100] });
  });

  test('of an index that misses a fragment whose column was rewritten in place; the other indexes are merged', () => {
    const rewritten: FragmentSpec = {
      id: 2,
      files: [
        { path: 'f2.lance', fields: [-2, 1] },
        { path: 'new.lance', fields: [0] },
      ],
    };
    const indexes = [
      ...segments([0], [1]),
      { uuid: 3, name: 'name_idx', fields: [1], fragments: [0] },
      { uuid: 4, name: 'name_idx', fields: [1], fragments: [1, 2] },
    ];
    const spec = { fragments: [...fragments(0, 1), rewritten], indexes };
    expect(brief(spec)).toEqual([{ name_idx: [0, 1, 2], from: [3, 4] }]);
    expect(plan(spec)).toMatchObject({ pending: 1, segmentRows: [100, 100, 100, 200] });
  });
});
