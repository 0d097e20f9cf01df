import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseManifest } from '../../../../src/lance/codec/manifest.ts';
import type { FragmentSpec } from '../manifest-fixture.ts';
import { fragment, manifestFile, message } from '../manifest-fixture.ts';

const scan = (...fragments: readonly Uint8Array[]) => parseManifest(manifestFile({ fragments })).fragments;
const scanSpecs = (...specs: readonly FragmentSpec[]) => scan(...specs.map(fragment));

test('whatever the order in the manifest, the list is sorted by id and each row keeps its own columns', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat({ max: 2 ** 32 - 1 }), { maxLength: 20 }), (ids) => {
      const specs = ids.map((id, at) => ({ id, rows: at + 1 }));
      const list = scanSpecs(...specs);
      const sorted = [...specs].sort((a, b) => a.id - b.id);
      expect(Array.from(list.ids)).toEqual(sorted.map(({ id }) => id));
      expect(Array.from(list.rows)).toEqual(sorted.map(({ rows }) => rows));
      for (const [at, spec] of sorted.entries()) {
        expect(list.indexOf(spec.id)).toBe(at);
        expect(Buffer.from(list.bytesOf(at))).toEqual(Buffer.from(fragment(spec)));
      }
      expect(list.length).toBe(ids.length);
    }),
  );
});

test('an id that is not there has no position', () => {
  const list = scanSpecs({ id: 2 }, { id: 4 }, { id: 9 });
  expect([0, 3, 5, 10].map((id) => list.indexOf(id))).toEqual([-1, -1, -1, -1]);
});

test('a search finds the first position that is not below the id, from wherever it starts at or before it', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.nat(200), { minLength: 1, maxLength: 60 }),
      fc.nat(210),
      fc.nat(60),
      (ids, id, from) => {
        const list = scanSpecs(...ids.map((each) => ({ id: each })));
        const expected = ids.filter((each) => each < id).length;
        expect(list.lowerBound(id, Math.min(from, expected))).toBe(expected);
      },
    ),
  );
});

test.each([
  ['side by side', [1, 1]],
  ['apart', [3, 1, 3]],
])('refuses an id that appears twice, %s', (_name, ids) => {
  const scanned = () => scanSpecs(...ids.map((id) => ({ id })));
  expect(scanned).toThrow(expect.objectContaining({ code: 'table_unreadable' }));
});

test('refuses an id that no fragment bitmap can hold', () => {
  expect(() => scan(message([1, 2 ** 32], [4, 1]))).toThrow(expect.objectContaining({ code: 'table_unreadable' }));
});

test('rows are those that are not deleted, and never fewer than none', () => {
  const list = scanSpecs({ id: 0, rows: 10, deleted: 3 }, { id: 1, rows: 10 }, { id: 2, rows: 2, deleted: 5 });
  expect(Array.from(list.rows)).toEqual([7, 10, 0]);
  expect(list.migration).toBeNull();
});

test('a fragment without a row count would be migrated by Lance', () => {
  expect(scanSpecs({ id: 0 }, { id: 7, rows: 0 }).migration).toContain('fragment 7');
});

test('a deletion file without a count would be migrated by Lance', () => {
  expect(scanSpecs({ id: 0 }, { id: 7, deleted: 0 }).migration).toContain('fragment 7');
});

test('overlays are seen', () => {
  expect(scanSpecs({ id: 0 }, { id: 1 }).hasOverlays).toBe(false);
  expect(scanSpecs({ id: 0 }, { id: 1, more: [[11, message([3, 4])]] }).hasOverlays).toBe(true);
});

test('row sequences and unknown fields are passed over', () => {
  const list = scanSpecs({
    id: 5,
    more: [
      [5, 'inline'],
      [9, Uint8Array.of(1, 2)],
      [99, 'new'],
    ],
  });
  expect([Array.from(list.ids), list.migration, list.hasOverlays]).toEqual([[5], null, false]);
});
