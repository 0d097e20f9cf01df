import { expect, test } from 'vitest';
import { parseManifest } from '../../../../src/lance/codec/manifest.ts';
import { checkManifest } from '../../../../src/lance/inspect/verify-table.ts';
import type { IndexSpec, WireField } from '../manifest-fixture.ts';
import { manifestFile, message } from '../manifest-fixture.ts';

const FRAGMENTS = [0, 1, 2].map((id) => ({ id }));
const NOW = 1_800_000_000_000;

function findings(indexes: readonly IndexSpec[], more: readonly WireField[] = [[11, 2]]): string[] {
  const manifest = parseManifest(manifestFile({ version: 5, fragments: FRAGMENTS, indexes, more }));
  return checkManifest(manifest, NOW).map(({ code }) => code);
}

test('segments that say what is so have no findings', () => {
  const segments = [
    { uuid: 1, fragments: [0, 1] },
    { uuid: 2, fragments: [2] },
    { uuid: 3, name: 'name_idx', fields: [1], fragments: [0, 1, 2] },
  ];
  expect(findings(segments)).toEqual([]);
});

test.each<[string, readonly IndexSpec[], string[]]>([
  [
    'live fragments claimed twice',
    [
      { uuid: 1, fragments: [0, 1] },
      { uuid: 2, fragments: [1] },
    ],
    ['bitmap_overlap'],
  ],
  ['fragments that never were', [{ uuid: 1, fragments: [0, 9] }], ['bitmap_unknown_fragment']],
  ['no bitmap', [{ uuid: 1, fragments: null }], ['bitmap_missing']],
  [
    'a uuid used twice',
    [
      { uuid: 1, fragments: [0] },
      { uuid: 1, fragments: [1] },
    ],
    ['uuid_reused'],
  ],
  ['a column that is gone', [{ uuid: 1, fields: [7], fragments: [0] }], ['field_unknown']],
  ['a version to come', [{ uuid: 1, version: 6, fragments: [0] }], ['version_ahead']],
  [
    'another column under one name',
    [
      { uuid: 1, fragments: [0] },
      { uuid: 2, fields: [1], fragments: [1] },
    ],
    ['name_mixed'],
  ],
  [
    'another type under one name',
    [
      { uuid: 1, fragments: [0] },
      { uuid: 2, details: message([1, '/lance.table.BitmapIndexDetails']), fragments: [1] },
    ],
    ['name_mixed'],
  ],
  ['nanoseconds instead of milliseconds', [{ uuid: 1, fragments: [0], more: [[8, NOW * 1000]] }], ['time_implausible']],
])('%s', (_name, indexes, expected) => {
  expect(findings(indexes)).toEqual(expected);
});

test('fragments that are gone may be in two bitmaps, since no segment answers for them', () => {
  const manifest = parseManifest(
    manifestFile({
      version: 5,
      fragments: [{ id: 3 }],
      indexes: [
        { uuid: 1, fragments: [0, 3] },
        { uuid: 2, fragments: [0] },
      ],
      more: [[11, 3]],
    }),
  );
  expect(checkManifest(manifest, NOW)).toEqual([]);
});
