import { expect, test } from 'vitest';
import {
  decodeDataFragment,
  fieldSource,
  rebaseFragment,
  showsRewrite,
} from '../../../../src/lance/codec/data-fragment.ts';
import { copyFields } from '../../../../src/lance/codec/wire.ts';
import type { FileSpec } from '../manifest-fixture.ts';
import { dataFile, fragment, message } from '../manifest-fixture.ts';

const TWO_FILES: FileSpec[] = [
  { path: 'a.lance', fields: [0, 1, 2], columns: [0, 1, -1] },
  { path: 'b.lance', fields: [-2, 4], columns: [0, 3], baseId: 9, minor: 1 },
];

test('decodes the files of a fragment with their fields, columns, version and base', () => {
  expect(decodeDataFragment(fragment({ id: 7, files: TWO_FILES }))).toMatchObject({
    id: 7,
    deletions: null,
    hasExternalRowIds: false,
    files: [
      { path: 'a.lance', fields: [0, 1, 2], columns: [0, 1, -1], major: 2, minor: 2, baseId: undefined },
      { path: 'b.lance', fields: [-2, 4], columns: [0, 3], major: 2, minor: 1, baseId: 9 },
    ],
  });
});

test('field 6 keeps row ids in a file of the table', () => {
  const external = message([1, '_sequences/x'], [2, 0], [3, 9]);
  expect(decodeDataFragment(fragment({ id: 1, more: [[6, external]] })).hasExternalRowIds).toBe(true);
});

test.each([5, 7, 8, 9, 10])('field %i keeps row ids in the manifest, or no row ids', (field) => {
  expect(decodeDataFragment(fragment({ id: 1, more: [[field, 'sequence']] })).hasExternalRowIds).toBe(false);
});

const decoded = (files: FileSpec[]) => decodeDataFragment(fragment({ id: 0, files }));
const sourceOf = (file: FileSpec, ...lineage: readonly number[]) =>
  fieldSource(decoded([file]), lineage.length > 0 ? lineage : [1]);

test('the source of a field tells every difference in what backs it, and only those', () => {
  const file: FileSpec = { path: 'a', fields: [0, 1], columns: [0, 1] };
  const same = sourceOf(file);
  expect(sourceOf({ path: 'a', fields: [5, 1], columns: [7, 1] })).toBe(same);
  const others = [
    { ...file, path: 'b' },
    { ...file, baseId: 0 },
    { ...file, minor: 3 },
    { ...file, columns: [1, 0] },
  ];
  expect(new Set([same, ...others.map((it) => sourceOf(it))]).size).toBe(5);
  expect(sourceOf(file, 2)).toBeNull();
});

test('the source of a field that no file lists is that of the nearest that holds it, as in a packed struct', () => {
  const file: FileSpec = { path: 'a', fields: [0, 1], columns: [0, 1] };
  expect(sourceOf(file, 7, 6, 1, 0)).toBe(sourceOf(file, 1));
  expect(sourceOf(file, 7, 6)).toBeNull();
  const split = decoded([file, { path: 'b', fields: [7] }]);
  expect(fieldSource(split, [7, 1])).toBe(fieldSource(split, [7]));
});

test.each<[string, FileSpec[], boolean]>([
  ['lies in the first file', [{ path: 'a', fields: [0, 1] }], false],
  ['lies in the first file, beside a column that came later', [{ path: 'a' }, { path: 'b', fields: [8] }], false],
  ['lies in a later file', [{ path: 'a', fields: [8] }, { path: 'b' }], true],
  [
    'left a tombstone',
    [
      { path: 'a', fields: [0, -2] },
      { path: 'b', fields: [8] },
    ],
    true,
  ],
  [
    'lies in the first file within what holds it',
    [
      { path: 'a', fields: [1] },
      { path: 'b', fields: [8] },
    ],
    false,
  ],
  [
    'lies in a later file within what holds it',
    [
      { path: 'a', fields: [8] },
      { path: 'b', fields: [1] },
    ],
    true,
  ],
  [
    'lies apart from what holds it',
    [
      { path: 'a', fields: [1] },
      { path: 'b', fields: [0] },
    ],
    true,
  ],
  [
    'lies in none of several files',
    [
      { path: 'a', fields: [8] },
      { path: 'b', fields: [9] },
    ],
    true,
  ],
  ['was left out by the append', [{ path: 'a', fields: [8] }], false],
])('whether a field that %s may have been rewritten in place', (_name, files, rewritten) => {
  expect(showsRewrite(decoded(files), [[0, 1]])).toBe(rewritten);
});

test('a view of a fragment points its files and its deletions at the base, and keeps a base they have', () => {
  const rebased = decodeDataFragment(rebaseFragment(fragment({ id: 3, files: TWO_FILES, deleted: 2 }), 4, true));
  expect(rebased.id).toBe(3);
  expect(rebased.files.map(({ baseId }) => baseId)).toEqual([4, 9]);
  const [deletions] = copyFields(rebaseFragment(fragment({ id: 3, deleted: 2 }), 4, true), (field) => field === 3);
  expect(Buffer.from(deletions ?? [])).toEqual(
    Buffer.from(message([3, message([1, 1], [2, 1], [3, 77], [4, 2], [7, 4])])),
  );
});

test('base 0 is a base too', () => {
  const rebased = rebaseFragment(fragment({ id: 3, files: [{ path: 'a', baseId: 0 }] }), 4, true);
  expect(decodeDataFragment(rebased).files[0]?.baseId).toBe(0);
});

test('all else of a fragment stays byte for byte, in its place', () => {
  const file = dataFile({ path: 'a.lance' });
  const unknown = message([50, 'of a file'], [51, 7]);
  const before = message(
    [1, 3],
    [2, Buffer.concat([file, unknown])],
    [4, 10],
    [5, 'row ids'],
    [90, 'new'],
    [91, 2 ** 40],
  );
  const after = message(
    [1, 3],
    [2, Buffer.concat([file, unknown, message([7, 4])])],
    [4, 10],
    [5, 'row ids'],
    [90, 'new'],
    [91, 2 ** 40],
  );
  expect(Buffer.from(rebaseFragment(before, 4, true))).toEqual(Buffer.from(after));
});

test('a view has one version, so version sequences are left out', () => {
  const sequences = [7, 8, 9, 10].map((field) => [field, 'sequence'] as const);
  const [plain, full] = [fragment({ id: 3 }), fragment({ id: 3, more: [...sequences] })];
  expect(Buffer.from(rebaseFragment(full, 4, true))).toEqual(Buffer.from(rebaseFragment(plain, 4, true)));
});

test('a view of row addresses has no row ids of its own', () => {
  const full = fragment({ id: 3, more: [5, 6, 7, 8, 9, 10].map((field) => [field, 'sequence'] as const) });
  expect(Buffer.from(rebaseFragment(full, 4, false))).toEqual(
    Buffer.from(rebaseFragment(fragment({ id: 3 }), 4, false)),
  );
});
