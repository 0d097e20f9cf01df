import { describe, expect, test } from 'vitest';
import { parseManifest } from '../../../../src/lance/codec/manifest.ts';
import { copyFields } from '../../../../src/lance/codec/wire.ts';
import type { TableChange } from '../../../../src/lance/commit/rebase.ts';
import { canRestore, needsRowHistory, rebaseChange } from '../../../../src/lance/commit/rebase.ts';
import { invertedDetails, PLAIN_TEXT } from '../inverted-fixture.ts';
import type { FieldSpec, FragmentSpec, IndexSpec, ManifestSpec } from '../manifest-fixture.ts';
import { builtSegment, indexEntry, manifestFile, message, uuidText } from '../manifest-fixture.ts';

const parse = (spec: ManifestSpec) => parseManifest(manifestFile(spec));
const FRAGMENTS: readonly FragmentSpec[] = [0, 1, 2].map((id) => ({ id }));
const OLD: IndexSpec = { uuid: 1, fragments: [0] };
const BASE: ManifestSpec = { version: 5, fragments: FRAGMENTS, indexes: [OLD] };
/** The table as it was, a version later. */
const LATER: ManifestSpec = { ...BASE, version: 6 };

const change = (more: Partial<TableChange> = {}): TableChange => ({
  base: parse(BASE),
  addSegments: [builtSegment([1, 2])],
  removeSegments: [],
  ...more,
});

/** What is left of each kept segment, or the cause. */
function outcome(latest: ManifestSpec, more?: Partial<TableChange>) {
  const rebased = rebaseChange(change(more), parse(latest));
  return typeof rebased === 'string' ? rebased : rebased.keep.map(({ fragments }) => fragments);
}
const replaceFile = (id: number, spec: Omit<FragmentSpec, 'id'>): FragmentSpec[] =>
  FRAGMENTS.map((it) => (it.id === id ? { ...it, ...spec } : it));

test('on an unchanged table the change stands as it is', () => {
  const rebased = rebaseChange(change(), parse(BASE));
  expect(rebased).toMatchObject({ skipped: [], droppedFragments: 0, keep: [{ fragments: [1, 2] }] });
  expect(typeof rebased === 'string' ? rebased : rebased.keep[0]?.siblings.map(({ uuid }) => uuid)).toEqual([
    uuidText(1),
  ]);
});

test('what others appended or deleted meanwhile does not matter', () => {
  const fragments = [...replaceFile(2, { deleted: 5 }), { id: 3 }];
  expect(outcome({ ...LATER, fragments, readerFlags: 1n, writerFlags: 1n })).toEqual([[1, 2]]);
});

describe('fragments leave the segment', () => {
  test('when they are gone', () => {
    const rebased = rebaseChange(change(), parse({ ...LATER, fragments: [{ id: 0 }, { id: 2 }] }));
    expect(rebased).toMatchObject({ droppedFragments: 1, keep: [{ fragments: [2] }] });
  });

  test('but not a segment over vectors, which stands whole or not at all', () => {
    const typeUrl = '/lance.index.pb.VectorIndexDetails';
    const vectors = { kind: 'ivf_flat', index: 'vectors', parameters: { metric: 'l2' }, indexVersion: 1 } as const;
    const addSegments = [builtSegment([1, 2], vectors)];
    const base = { ...BASE, indexes: [{ ...OLD, name: 'other', typeUrl }] };
    const gone = { ...base, version: 6, fragments: [{ id: 0 }, { id: 2 }] };
    expect(rebaseChange(change({ base: parse(base), addSegments }), parse(gone))).toBe('rows_moved');
    const kept = { ...base, version: 6 };
    expect(rebaseChange(change({ base: parse(base), addSegments }), parse(kept))).toMatchObject({
      keep: [{ fragments: [1, 2] }],
    });
  });

  test('when another segment of the index covers them', () => {
    expect(outcome({ ...LATER, indexes: [OLD, { uuid: 2, fragments: [2, 8] }] })).toEqual([[1]]);
  });
});

// What the segment recorded about a rewritten column would answer again as soon as another segment covers the fragment.
describe('the whole segment goes when the column of a live fragment was rewritten:', () => {
  test.each<[string, Omit<FragmentSpec, 'id'>]>([
    ['the file of the column was replaced', { files: [{ path: 'new.lance', fields: [0, 1] }] }],
    ['the column moved within its file', { files: [{ path: 'f2.lance', fields: [1, 0] }] }],
    ['the file has another format', { files: [{ path: 'f2.lance', fields: [0, 1], minor: 1 }] }],
    ['the file lies in another base', { files: [{ path: 'f2.lance', fields: [0, 1], baseId: 3 }] }],
    ['the column has no file any more', { files: [{ path: 'f2.lance', fields: [-2, 1] }] }],
  ])('%s', (_name, spec) => {
    expect(outcome({ ...LATER, fragments: replaceFile(2, spec) })).toBe('column_changed');
  });

  test('the file of a part of a nested column was replaced', () => {
    const schema: FieldSpec[] = [
      { id: 0, name: 'a', type: 'struct' },
      { id: 1, name: 'b', parent: 0 },
      { id: 2, name: 'other' },
    ];
    const files = [
      { path: 'a', fields: [0] },
      { path: 'b', fields: [1] },
      { path: 'o', fields: [2] },
    ];
    const fragments = FRAGMENTS.map((it) => ({ ...it, files }));
    const withFile = (at: number) =>
      fragments.map((it) => (it.id === 2 ? { ...it, files: files.with(at, { path: 'new', fields: [at] }) } : it));
    const base = parse({ ...BASE, schema, fragments });
    expect(outcome({ ...LATER, schema, fragments: withFile(1) }, { base })).toBe('column_changed');
    expect(outcome({ ...LATER, schema, fragments: withFile(2) }, { base })).toEqual([[1, 2]]);
  });
});

describe('a field of a packed struct, which no file lists,', () => {
  const schema: FieldSpec[] = [
    { id: 0, name: 'x', parent: 1 },
    { id: 1, name: 'st', type: 'struct' },
    { id: 2, name: 'other' },
  ];
  const packed = (id: number, more: Partial<FragmentSpec> = {}): FragmentSpec => ({
    id,
    files: [{ path: `f${id}`, fields: [2, 1] }],
    ...more,
  });
  const fragments = [packed(0), packed(1), packed(2)];
  const base = parse({ ...BASE, schema, fragments });

  test('changed when the struct was rewritten', () => {
    const rewritten = [
      { path: 'f2', fields: [2, -2] },
      { path: 'new', fields: [1] },
    ];
    const latest = { ...LATER, schema, fragments: fragments.with(2, packed(2, { files: rewritten })) };
    expect(outcome(latest, { base })).toBe('column_changed');
  });

  test('is the same when rows were deleted', () => {
    expect(outcome({ ...LATER, schema, fragments: fragments.with(2, packed(2, { deleted: 5 })) }, { base })).toEqual([
      [1, 2],
    ]);
  });

  test('counts as changed where its source is not to be found', () => {
    const nowhere = (more: Partial<FragmentSpec> = {}) =>
      fragments.with(2, packed(2, { files: [{ path: 'f2', fields: [2] }], ...more }));
    const lost = parse({ ...BASE, schema, fragments: nowhere() });
    const latest = { ...LATER, schema, fragments: nowhere({ deleted: 5 }) };
    expect(outcome(latest, { base: lost })).toBe('column_changed');
  });
});

test('fragments stay when the file of another column was replaced or added', () => {
  const split = (name: string) => [
    { path: 'f2.lance', fields: [0] },
    { path: name, fields: [1] },
  ];
  const base = parse({ ...BASE, fragments: replaceFile(2, { files: split('old.lance') }) });
  expect(outcome({ ...LATER, fragments: replaceFile(2, { files: split('new.lance') }) }, { base })).toEqual([[1, 2]]);
  const more = [
    { path: 'f2.lance', fields: [0, 1] },
    { path: 'more.lance', fields: [7] },
  ];
  expect(outcome({ ...LATER, fragments: replaceFile(2, { files: more }) })).toEqual([[1, 2]]);
});

describe('the change is rejected', () => {
  test('table_replaced: the table is younger than what was read', () => {
    expect(outcome({ ...BASE, version: 4 })).toBe('table_replaced');
  });

  test('table_declined: a rule forbids to write it now', () => {
    expect(outcome({ ...LATER, readerFlags: 2n, writerFlags: 2n })).toBe('table_declined');
  });

  test('index_dropped: the index is gone and must not be made again', () => {
    expect(outcome({ ...LATER, indexes: [{ uuid: 2, name: 'name_idx', fields: [1] }] })).toBe('index_dropped');
  });

  test.each<[string, IndexSpec]>([
    ['another type', { uuid: 2, details: message([1, '/lance.table.NGramIndexDetails']) }],
    ['another column', { uuid: 2, fields: [1] }],
    ['no details that a second segment could share', { uuid: 2, details: null }],
    ['two columns', { uuid: 2, fields: [0, 1] }],
    ['no bitmap', { uuid: 2, fragments: null }],
  ])('index_changed: the index has %s now', (_name, index) => {
    expect(outcome({ ...LATER, indexes: [index] })).toBe('index_changed');
  });

  test('column_changed: the column is gone', () => {
    expect(outcome({ ...LATER, schema: [{ id: 1, name: 'name', type: 'string' }] })).toBe('column_changed');
  });

  test('column_changed: the column has another type', () => {
    const schema: FieldSpec[] = [
      { id: 0, name: 'id', type: 'int32' },
      { id: 1, name: 'name', type: 'string' },
    ];
    expect(outcome({ ...LATER, schema })).toBe('column_changed');
  });

  test('nothing_left: every fragment is gone or covered', () => {
    expect(outcome({ ...LATER, fragments: [{ id: 0 }, { id: 2 }], indexes: [OLD, { uuid: 2, fragments: [2] }] })).toBe(
      'nothing_left',
    );
  });
});

test('a column that was only renamed keeps its segment', () => {
  const schema: FieldSpec[] = [
    { id: 0, name: 'key' },
    { id: 1, name: 'name', type: 'string' },
  ];
  expect(outcome({ ...LATER, schema })).toEqual([[1, 2]]);
});

test('an index that is new to the table is created, also beside one of the same name made meanwhile', () => {
  const base = parse({ ...BASE, indexes: [] });
  expect(outcome({ ...LATER, indexes: [] }, { base })).toEqual([[1, 2]]);
  expect(outcome({ ...LATER, indexes: [{ uuid: 9, fragments: [0, 1] }] }, { base })).toEqual([[2]]);
});

test('two segments for one index share nothing', () => {
  const add = [builtSegment([1, 2]), builtSegment([2, 0], { uuid: uuidText(0xcafe) })];
  const base = parse({ ...BASE, indexes: [] });
  expect(outcome({ ...LATER, indexes: [] }, { base, addSegments: add })).toEqual([[1, 2], [0]]);
});

test('segments of different indexes stand or fall on their own', () => {
  const other = builtSegment([1, 2], { index: 'name_idx', fieldId: 1, column: 'name' });
  const base = parse({ ...BASE, indexes: [OLD, { uuid: 2, name: 'name_idx', fields: [1], fragments: [0] }] });
  const add = [other, builtSegment([1, 2])];
  const rebased = rebaseChange({ base, addSegments: add, removeSegments: [] }, parse(LATER));
  expect(rebased).toMatchObject({
    keep: [{ segment: { index: 'id_idx' }, fragments: [1, 2] }],
    skipped: [{ segment: { index: 'name_idx' }, cause: 'index_dropped' }],
    droppedFragments: 0,
  });
});

describe('segments that are replaced', () => {
  const merge = { addSegments: [builtSegment([0, 1])], removeSegments: [uuidText(1)] };

  test('do not count as cover for what replaces them', () => {
    expect(outcome(LATER, merge)).toEqual([[0, 1]]);
  });

  test('are the same however another writer encodes them', () => {
    const fields = copyFields(indexEntry(OLD), () => true);
    const reversed = new Uint8Array(Buffer.concat(fields.toReversed()));
    expect(outcome({ ...LATER, indexes: [reversed] }, merge)).toEqual([[0, 1]]);
  });

  test('input_gone: one is gone', () => {
    expect(outcome({ ...LATER, indexes: [{ uuid: 2, fragments: [0] }] }, merge)).toBe('input_gone');
  });

  test('input_gone: one has another bitmap under the same uuid', () => {
    expect(outcome({ ...LATER, indexes: [{ ...OLD, fragments: [0, 2] }] }, merge)).toBe('input_gone');
  });

  test('input_gone: it never was there', () => {
    expect(outcome(LATER, { ...merge, removeSegments: [uuidText(77)] })).toBe('input_gone');
  });

  test('are replaced whole or not at all: of two indexes neither when one cannot', () => {
    const both = [OLD, { uuid: 2, name: 'name_idx', fields: [1], fragments: [0] }];
    const base = parse({ ...BASE, indexes: both });
    const add = [builtSegment([0, 1]), builtSegment([0, 1], { index: 'name_idx', fieldId: 1, column: 'name' })];
    const request = { base, addSegments: add, removeSegments: [1, 2].map(uuidText) };
    expect(outcome({ ...LATER, indexes: both }, request)).toEqual([
      [0, 1],
      [0, 1],
    ]);
    const schema: FieldSpec[] = [{ id: 0, name: 'id' }];
    expect(outcome({ ...LATER, indexes: both, schema }, request)).toBe('column_changed');
  });

  test('answer for their own index only', () => {
    const both = [OLD, { uuid: 2, name: 'name_idx', fields: [1], fragments: [1] }];
    const add = [builtSegment([0]), builtSegment([1], { index: 'name_idx', fieldId: 1, column: 'name' })];
    const request = { base: parse({ ...BASE, indexes: both }), addSegments: add, removeSegments: [1, 2].map(uuidText) };
    expect(outcome({ ...LATER, indexes: both }, request)).toEqual([[0], [1]]);
  });

  test('rows_moved: a fragment that is still there would be uncovered, since a restore brought rows back', () => {
    const base = parse({ ...BASE, fragments: replaceFile(0, { deleted: 2 }) });
    expect(outcome(LATER, { ...merge, base })).toBe('rows_moved');
  });

  test('stands over a delete in a fragment with deletions, once it is certain that rows only went', () => {
    const deleted = (count: number) => ({ ...LATER, fragments: replaceFile(0, { deleted: count }) });
    const base = parse({ ...BASE, fragments: replaceFile(0, { deleted: 2 }) });
    const rebased = (latest: ManifestSpec, noRowsRestored: boolean) =>
      rebaseChange(change({ ...merge, base }), parse(latest), noRowsRestored);
    expect(rebased(deleted(3), true)).toMatchObject({ keep: [{ fragments: [0, 1] }] });
    expect(rebased(deleted(3), false)).toBe('rows_moved');
    expect(rebased(deleted(1), true)).toBe('rows_moved');
    expect(rebased(LATER, true)).toBe('rows_moved');
    const needs = (latest: ManifestSpec) => needsRowHistory(change({ ...merge, base }), parse(latest));
    expect([needs(deleted(3)), needs(LATER), needs(deleted(2))]).toEqual([true, true, false]);
    expect(needs({ ...deleted(2), fragments: [{ id: 0, deleted: 2 }, { id: 1, deleted: 1 }, { id: 2 }] })).toBe(false);
  });

  test('rows_moved: a fragment that was gone from the table, and so was not built in, is back under one of them', () => {
    const wide = { ...OLD, fragments: [0, 2] };
    const base = parse({ ...BASE, fragments: FRAGMENTS.slice(0, 2), indexes: [wide] });
    expect(outcome({ ...LATER, indexes: [wide] }, { ...merge, base })).toBe('rows_moved');
    expect(outcome({ ...LATER, indexes: [wide, { uuid: 2, fragments: [2] }] }, { ...merge, base })).toEqual([[0, 1]]);
    const other = { ...OLD, uuid: 3, name: 'name_idx', fields: [1], fragments: [2] };
    expect(outcome({ ...LATER, indexes: [wide, other] }, { ...merge, base })).toBe('rows_moved');
  });

  test('may be replaced by several, which together cover what they covered', () => {
    const two = [builtSegment([0]), builtSegment([1], { uuid: uuidText(0xcafe) })];
    const old = { ...OLD, fragments: [0, 1] };
    const base = parse({ ...BASE, indexes: [old] });
    expect(outcome({ ...LATER, indexes: [old] }, { base, addSegments: two, removeSegments: [uuidText(1)] })).toEqual([
      [0],
      [1],
    ]);
    expect(
      outcome({ ...LATER, indexes: [old] }, { base, addSegments: two.slice(1), removeSegments: [uuidText(1)] }),
    ).toBe('rows_moved');
  });

  test('may have fragments that are gone, or that another segment covers by now', () => {
    expect(outcome({ ...LATER, fragments: [{ id: 0 }, { id: 2 }] }, merge)).toEqual([[0]]);
    expect(outcome({ ...LATER, indexes: [OLD, { uuid: 2, fragments: [1] }] }, merge)).toEqual([[0]]);
  });
});

test('segments whose fragments are all gone are removed with the next commit, no others', () => {
  const indexes = [
    { ...OLD, uuid: 3, fragments: [0, 8] },
    { ...OLD, uuid: 4, fragments: [8, 9] },
    { ...OLD, uuid: 5, name: 'name_idx', fields: [1], fragments: [9] },
  ];
  expect(rebaseChange(change(), parse({ ...LATER, indexes }))).toMatchObject({ stale: [uuidText(4)] });
});

describe('a segment that was replaced can be restored', () => {
  const OLDER: ManifestSpec = { ...BASE, indexes: [{ ...OLD, fragments: [0, 1, 8] }] };
  const returns = (latest: ManifestSpec, leaving: readonly number[] = [2]) => {
    const before = parse(OLDER);
    const [segment] = before.indexes;
    return segment && canRestore(segment, before, parse(latest), new Set(leaving.map(uuidText)));
  };
  const indexes: IndexSpec[] = [{ ...OLD, uuid: 2, fragments: [0, 1] }];

  test('for what takes its place leaves, and its fragments are as they were', () => {
    expect(returns({ ...LATER, indexes })).toBe(true);
    expect(returns({ ...LATER, indexes, fragments: [...replaceFile(2, { deleted: 1 }), { id: 3 }] })).toBe(true);
  });

  test('not where a fragment has changed, is gone, or is back', () => {
    expect(returns({ ...LATER, indexes, fragments: replaceFile(1, { deleted: 1 }) })).toBe(false);
    expect(returns({ ...LATER, indexes, fragments: [{ id: 0 }, { id: 2 }] })).toBe(false);
    expect(returns({ ...LATER, indexes, fragments: [...FRAGMENTS, { id: 8 }] })).toBe(false);
  });

  test('not where another segment of its index covers a fragment', () => {
    expect(returns({ ...LATER, indexes }, [])).toBe(false);
    const other: IndexSpec = { ...OLD, uuid: 3, name: 'name_idx', fields: [1], fragments: [0, 1] };
    expect(returns({ ...LATER, indexes: [...indexes, other] })).toBe(true);
    expect(returns({ ...LATER, indexes: [...indexes, { ...OLD, uuid: 4, fragments: [1] }] })).toBe(false);
  });
});

describe('a table with stable row ids', () => {
  const STABLE = { readerFlags: 2n, writerFlags: 2n };
  const addresses = (segments: readonly IndexSpec[]): ManifestSpec => ({
    ...{ ...BASE, ...STABLE },
    indexes: segments.map((segment) => ({ indexVersion: 1, ...segment })),
  });
  const base = addresses([OLD]);
  const ofAddresses = { base: parse(base), addSegments: [builtSegment([1, 2], { indexVersion: 1 })] };
  const changed = replaceFile(2, { deleted: 5 });

  test('takes a segment of row addresses like any other, whatever others delete and add beside it', () => {
    const fragments = [...changed, { id: 3 }];
    const flags = { readerFlags: 3n, writerFlags: 3n };
    expect(outcome({ ...base, version: 6, fragments, ...flags }, ofAddresses)).toEqual([[1, 2]]);
    const beside = addresses([OLD, { uuid: 2, fragments: [2] }]);
    expect(outcome({ ...beside, version: 6 }, ofAddresses)).toEqual([[1]]);
  });

  test('does not take a segment of row ids beside another, nor over rows that moved', () => {
    const rowIds = { ...BASE, ...STABLE };
    const whole = { base: parse(rowIds), addSegments: [builtSegment([0, 1, 2])], removeSegments: [uuidText(1)] };
    expect(outcome({ ...rowIds, version: 6 }, whole)).toEqual([[0, 1, 2]]);
    expect(outcome({ ...rowIds, version: 6, fragments: changed }, whole)).toBe('rows_moved');
    const beside = [OLD, { uuid: 2, fragments: [] }];
    expect(outcome({ ...rowIds, version: 6, indexes: beside }, whole)).toBe('rows_moved');
  });

  test('does not take a segment beside one that records something else, as after a rebuild by another Lance', () => {
    expect(outcome({ ...BASE, ...STABLE, version: 6 }, ofAddresses)).toBe('index_changed');
    const ofIds = { base: parse({ ...BASE, ...STABLE }), addSegments: [builtSegment([1, 2])] };
    expect(outcome({ ...base, version: 6 }, ofIds)).toBe('index_changed');
  });

  test('does not become one, nor stop being one, under a build', () => {
    expect(outcome({ ...base, version: 6, ...STABLE }, { base: parse(BASE) })).toBe('table_declined');
    expect(outcome({ ...LATER, indexes: base.indexes ?? [] }, ofAddresses)).toBe('table_declined');
  });
});

describe('a full-text segment', () => {
  const words = (uuid: number, more: Partial<IndexSpec> = {}): IndexSpec => ({
    ...{ uuid, name: 'name_idx', fields: [1], fragments: [0], details: invertedDetails(), indexVersion: 2 },
    ...more,
  });
  /** The table with this entry, whose file names these stop words. */
  const withWords = (spec: ManifestSpec, stop: readonly string[] | null) => {
    const manifest = parse({ ...spec, schema: SCHEMA });
    const values = { ...PLAIN_TEXT, ...(stop && { custom_stop_words: stop }) };
    return { ...manifest, indexes: manifest.indexes.map((index) => ({ ...index, fileParameters: { values } })) };
  };
  const SCHEMA: readonly FieldSpec[] = [
    { id: 0, name: 'id' },
    { id: 1, name: 'name', type: 'string' },
  ];
  const built = (parameters: object, indexVersion: number) =>
    builtSegment([1, 2], {
      ...{ index: 'name_idx', kind: 'fts', fieldId: 1, column: 'name', indexVersion },
      parameters: { ...PLAIN_TEXT, ...parameters },
    });
  const base = withWords({ ...BASE, indexes: [words(1)] }, ['le']);
  const segments = [built({ custom_stop_words: ['le'] }, 2)];
  const rebased = (latest: ReturnType<typeof withWords>, addSegments = segments) =>
    rebaseChange({ base, addSegments, removeSegments: [] }, latest);

  test('stands beside its like, also of another posting format', () => {
    expect(rebased(base)).toMatchObject({ keep: [{ fragments: [1, 2] }] });
    const older = withWords({ ...LATER, indexes: [words(1, { indexVersion: 1 })] }, ['le']);
    expect(rebased(older)).toMatchObject({ keep: [{ fragments: [1, 2] }] });
    const newer = withWords({ ...LATER, indexes: [words(1, { indexVersion: 4 })] }, ['le']);
    expect(rebased(newer)).toBe('index_changed');
  });

  test.each<[string, Partial<IndexSpec>, readonly string[] | null]>([
    ['other stop words', {}, ['la']],
    ['no stop words of its own', {}, null],
    ['positions', { details: invertedDetails({ 3: 1 }) }, ['le']],
    ['tokens of any length', { details: invertedDetails({ 4: null }) }, ['le']],
  ])('does not stand where the index was made anew with %s while it was built', (_name, more, stop) => {
    const latest = withWords({ ...LATER, indexes: [words(2, more)] }, stop);
    expect(rebased(latest)).toBe('index_changed');
  });
});
