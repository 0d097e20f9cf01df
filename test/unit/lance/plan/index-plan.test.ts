import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseManifest } from '../../../../src/lance/codec/manifest.ts';
import { maintainedIndexes, surveyIndexes } from '../../../../src/lance/plan/index-plan.ts';
import { nextSegments } from '../../../../src/lance/plan/next-segments.ts';
import type { WantedIndexes } from '../../../../src/lance/plan/wanted-index.ts';
import type { ManifestSpec } from '../manifest-fixture.ts';
import { manifestFile, message } from '../manifest-fixture.ts';

const NO_LIMITS = { maxRows: Number.MAX_SAFE_INTEGER, maxFragments: Number.MAX_SAFE_INTEGER };

const statesOf = (spec: ManifestSpec, wanted: WantedIndexes = 'existing') =>
  maintainedIndexes(parseManifest(manifestFile(spec)), wanted);

const brief = (spec: ManifestSpec, wanted?: WantedIndexes) =>
  statesOf(spec, wanted).map(({ name, column, coverage }) => [name, column, Array.from(coverage.missing)]);

const requestsOf = (spec: ManifestSpec, limits = NO_LIMITS, wanted: WantedIndexes = 'existing') => {
  const manifest = parseManifest(manifestFile(spec));
  return nextSegments(manifest, maintainedIndexes(manifest, wanted), limits);
};

const THREE = [{ id: 0 }, { id: 1 }, { id: 2 }];
const BITMAP_DETAILS = message([1, '/lance.table.BitmapIndexDetails'], [2, '']);
const OTHER_TYPE = message([1, '/lance.table.NGramIndexDetails']);

describe('which indexes are maintained', () => {
  test('those the table has, with what each misses over all its segments', () => {
    const indexes = [
      { uuid: 1, fragments: [0] },
      { uuid: 2, name: 'name_idx', fields: [1], fragments: [1, 9] },
      { uuid: 3, fragments: [2] },
    ];
    expect(brief({ fragments: THREE, indexes })).toEqual([
      ['id_idx', 'id', [1]],
      ['name_idx', 'name', [0, 2]],
    ]);
    expect(statesOf({ fragments: THREE, indexes })[0]?.segments).toHaveLength(2);
  });

  test('indexes of other kinds, and on columns that are gone, are left alone', () => {
    const indexes = [
      { uuid: 1, name: 'vector_idx', details: OTHER_TYPE },
      { uuid: 2, name: 'gone_idx', fields: [77] },
      { uuid: 3, name: 'two_idx', fields: [0, 1] },
    ];
    expect(brief({ indexes })).toEqual([]);
  });

  test('what is left alone is named with the reason', () => {
    const indexes = [
      { uuid: 1, name: 'vector_idx', details: OTHER_TYPE },
      { uuid: 2, name: 'gone_idx', fields: [77] },
      { uuid: 3 },
      { uuid: 4, name: 'few_idx', details: BITMAP_DETAILS, indexVersion: 0 },
    ];
    const { served, left } = surveyIndexes(parseManifest(manifestFile({ indexes })), 'existing');
    expect(served.map(({ name, kind }) => [name, kind.label])).toEqual([
      ['id_idx', 'BTREE'],
      ['few_idx', 'BITMAP'],
    ]);
    expect(left).toMatchObject([
      { name: 'vector_idx', column: 'id', type: 'NGram', reason: { code: 'index_kind_unsupported' } },
      { name: 'gone_idx', column: null, type: 'BTREE', reason: { code: 'column_not_found' } },
    ]);
  });

  test('an index of a newer version is left alone, and the others are kept', () => {
    const indexes = [{ uuid: 1 }, { uuid: 2, name: 'few_idx', details: BITMAP_DETAILS, indexVersion: 7 }];
    const { served, left } = surveyIndexes(parseManifest(manifestFile({ indexes })), 'existing');
    expect(served.map(({ name }) => name)).toEqual(['id_idx']);
    expect(left).toMatchObject([{ name: 'few_idx', reason: { code: 'table_newer_index' } }]);
  });

  test('one index that is named wrongly does not keep the others from being kept; alone it is refused', () => {
    const wanted: WantedIndexes = [{ column: 'id' }, { column: 'nowhere' }, { column: 'name', kind: 'label_list' }];
    const manifest = parseManifest(manifestFile());
    const { served, left } = surveyIndexes(manifest, wanted);
    expect(served.map(({ name }) => name)).toEqual(['id_idx']);
    expect(left.map(({ name, reason }) => [name, reason.code])).toEqual([
      ['name_idx', 'column_type_unsupported'],
      ['nowhere', 'column_not_found'],
    ]);
    // Who asks for them by name is told.
    expect(() => maintainedIndexes(manifest, wanted)).toThrow(/LABEL_LIST|nowhere/);
    expect(() => surveyIndexes(manifest, [{ column: 'nowhere' }])).toThrow(/no column "nowhere"/);
  });

  test('a BTREE that cannot be extended is left alone beside one that can', () => {
    const indexes = [{ uuid: 1 }, { uuid: 2, name: 'v_idx', fields: [7] }];
    const schema = [
      { id: 0, name: 'id' },
      { id: 7, name: 'v', type: 'large_string' },
    ];
    const { served, left } = surveyIndexes(parseManifest(manifestFile({ schema, indexes })), 'existing');
    expect([served.map(({ name }) => name), left.map(({ name }) => name)]).toEqual([['id_idx'], ['v_idx']]);
  });

  test('without a kind and a name it is the one index that the column has, and of several the BTREE', () => {
    const bitmap = { uuid: 4, name: 'few_idx', details: BITMAP_DETAILS, fragments: [0] };
    expect(statesOf({ indexes: [bitmap] }, [{ column: 'id' }]).map(({ name }) => name)).toEqual(['few_idx']);
    const both = [bitmap, { uuid: 5, fragments: [0] }];
    expect(statesOf({ indexes: both }, [{ column: 'id' }]).map(({ name }) => name)).toEqual(['id_idx']);
  });

  test('a column has one full-text index: readers would not ask another', () => {
    const two = [
      { column: 'name', kind: 'fts' },
      { column: 'name', kind: 'fts', name: 'mine' },
    ] as const;
    expect(() => statesOf({}, two)).toThrow('column name has index "name_idx", an FTS');
  });

  test('on a table with stable row ids, kinds other than BTREE are left alone, and declined where they are named', () => {
    const spec = { readerFlags: 2n, indexes: [{ uuid: 4, details: BITMAP_DETAILS }] };
    const { served, left } = surveyIndexes(parseManifest(manifestFile(spec)), 'existing');
    expect(served).toEqual([]);
    expect(left).toMatchObject([{ name: 'id_idx', reason: { code: 'table_stable_row_ids' } }]);
    expect(() => statesOf(spec, [{ column: 'id', kind: 'bitmap' }])).toThrow(/stable row ids/);
  });

  test('a column may have indexes of several kinds, each under a name of its own', () => {
    const wanted = [{ column: 'id' }, { column: 'id', kind: 'bitmap' }] as const;
    const indexes = [{ uuid: 1, fragments: [0] }];
    expect(statesOf({ indexes }, wanted).map(({ name, kind }) => [name, kind.name])).toEqual([
      ['id_idx', 'btree'],
      ['id_bitmap_idx', 'bitmap'],
    ]);
    expect(statesOf({}, wanted).map(({ name }) => name)).toEqual(['id_idx', 'id_bitmap_idx']);
    const named = wanted.map((index) => ({ ...index, name: 'mine' }));
    expect(() => statesOf({}, named)).toThrow('index "mine" is wanted of two kinds');
  });

  test('without a kind it is what the index of that name is', () => {
    const indexes = [{ uuid: 4, details: BITMAP_DETAILS, fragments: [0] }];
    expect(statesOf({ indexes }, [{ column: 'id', name: 'id_idx' }])[0]?.kind.name).toBe('bitmap');
    expect(() => statesOf({ indexes }, [{ column: 'id', name: 'id_idx', kind: 'btree' }])).toThrow(/another type/);
  });

  test('a wanted column without an index gets one under the name LanceDB would give it', () => {
    expect(brief({ fragments: THREE }, [{ column: 'name' }, { column: 'id', name: 'mine' }])).toEqual([
      ['name_idx', 'name', [0, 1, 2]],
      ['mine', 'id', [0, 1, 2]],
    ]);
  });

  test('a column that is named twice is one', () => {
    const twice = [{ column: 'id' }, { column: 'ID' }, { column: '`id`' }];
    expect(brief({ fragments: THREE }, twice)).toEqual([['id_idx', 'id', [0, 1, 2]]]);
  });

  test.each([
    [
      'two columns share a name',
      [
        { column: 'id', name: 'mine' },
        { column: 'name', name: 'mine' },
      ],
    ],
    ['the name is empty', [{ column: 'id', name: '' }]],
    ['the name is one of Lance', [{ column: 'id', name: '__lance_mem_wal' }]],
  ])('it is refused when %s', (_, wanted) => {
    expect(() => statesOf({ fragments: THREE }, wanted)).toThrow(expect.objectContaining({ code: 'index_name_taken' }));
  });

  test('a wanted column that has a BTREE keeps it, whatever it is called', () => {
    const indexes = [
      { uuid: 1, name: 'bitmap', details: OTHER_TYPE },
      { uuid: 2, name: 'old_name', fragments: [1] },
    ];
    expect(brief({ fragments: THREE, indexes }, [{ column: 'ID' }])).toEqual([['old_name', 'id', [0, 2]]]);
  });

  test('only the wanted ones, if any are named', () => {
    expect(brief({ indexes: [{ uuid: 1 }, { uuid: 2, name: 'name_idx', fields: [1] }] }, [{ column: 'name' }])).toEqual(
      [['name_idx', 'name', [0]].with(2, [])],
    );
  });
});

describe('what is refused', () => {
  test.each<[string, string, ManifestSpec, WantedIndexes]>([
    ['a column that is not there', 'column_not_found', {}, [{ column: 'nope' }]],
    [
      'a type without a BTREE',
      'column_type_unsupported',
      { schema: [{ id: 0, name: 'v', type: 'fixed_size_list:float:4' }] },
      [{ column: 'v' }],
    ],
    [
      'an index that another engine built over a type without a BTREE here',
      'column_type_unsupported',
      { schema: [{ id: 0, name: 'v', type: 'large_string' }], indexes: [{ uuid: 1 }] },
      'existing',
    ],
    [
      'a name taken by an index on another column',
      'index_name_taken',
      { indexes: [{ uuid: 1, name: 'taken', fields: [1] }] },
      [{ column: 'id', name: 'taken' }],
    ],
    [
      'a name taken by an index of another type',
      'index_name_taken',
      { indexes: [{ uuid: 1, details: OTHER_TYPE }] },
      [{ column: 'id', name: 'id_idx' }],
    ],
    ['a segment without a bitmap', 'table_index_unreadable', { indexes: [{ uuid: 1, fragments: null }] }, 'existing'],
    [
      'segments that call their type by different urls',
      'table_index_unreadable',
      { indexes: [{ uuid: 1 }, { uuid: 2, details: message([1, 'x/lance.table.BTreeIndexDetails']) }] },
      'existing',
    ],
    [
      'segments of one name on different columns',
      'index_name_taken',
      { indexes: [{ uuid: 1 }, { uuid: 2, fields: [1] }] },
      'existing',
    ],
  ])('%s', (_name, code, spec, wanted) => {
    expect(() => statesOf(spec, wanted)).toThrow(expect.objectContaining({ code }));
  });
});

describe('the next segments', () => {
  test('one per index that misses something, over exactly that', () => {
    const indexes = [
      { uuid: 1, fragments: [0, 1, 2] },
      { uuid: 2, name: 'name_idx', fields: [1], fragments: [1] },
    ];
    expect(requestsOf({ fragments: THREE, indexes })).toEqual([
      {
        index: 'name_idx',
        kind: 'btree',
        parameters: {},
        fieldId: 1,
        column: 'name',
        fragments: Uint32Array.of(0, 2),
        rows: 200,
      },
    ]);
  });

  const fragments = [
    { id: 3, rows: 10 },
    { id: 5, rows: 20 },
    { id: 6, rows: 30 },
    { id: 9, rows: 40 },
  ];
  test.each([
    ['all', 100, 4, [3, 5, 6, 9]],
    ['one row too few for all', 99, 4, [3, 5, 6]],
    ['just enough rows', 60, 4, [3, 5, 6]],
    ['no more than so many fragments', 100, 2, [3, 5]],
    ['one at the least, though it is too large', 1, 4, [3]],
    ['one at the least, though none is allowed', 100, 0, [3]],
  ])('within the limits: %s', (_name, maxRows, maxFragments, expected) => {
    const [request] = requestsOf({ fragments }, { maxRows, maxFragments }, [{ column: 'id' }]);
    expect(Array.from(request?.fragments ?? [])).toEqual(expected);
    expect(request?.rows).toBe(
      fragments.filter(({ id }) => expected.includes(id)).reduce((sum, it) => sum + it.rows, 0),
    );
  });

  test('are a beginning of what is missing, as long as the limits allow and no longer', () => {
    const rows = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(
        rows,
        fc.integer({ min: 1, max: 200 }),
        fc.integer({ min: 1, max: 8 }),
        (counts, maxRows, maxFragments) => {
          const spec = { fragments: counts.map((count, id) => ({ id, rows: count })) };
          const [request] = requestsOf(spec, { maxRows, maxFragments }, [{ column: 'id' }]);
          const taken = request?.fragments.length ?? 0;
          const sum = (until: number) => counts.slice(0, until).reduce((total, count) => total + count, 0);
          expect(Array.from(request?.fragments ?? [])).toEqual(counts.slice(0, taken).map((_, id) => id));
          expect(taken === 1 || (taken <= maxFragments && sum(taken) <= maxRows)).toBe(true);
          const more = taken < counts.length && taken < maxFragments && sum(taken + 1) <= maxRows;
          expect(more).toBe(false);
        },
      ),
    );
  });

  test('none for a table that is covered', () => {
    expect(requestsOf({ fragments: THREE, indexes: [{ uuid: 1, fragments: [0, 1, 2] }] })).toEqual([]);
  });
});
