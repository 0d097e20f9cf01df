import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseManifest } from '../../../../src/lance/codec/manifest.ts';
import { coverageOf, coverageRatio, heldBelow, heldFor } from '../../../../src/lance/plan/coverage.ts';
import { manifestFile } from '../manifest-fixture.ts';

const listOf = (rows: ReadonlyMap<number, number>) =>
  parseManifest(manifestFile({ fragments: [...rows].map(([id, count]) => ({ id, rows: count })) })).fragments;

const table = fc
  .uniqueArray(fc.tuple(fc.nat(40), fc.integer({ min: 1, max: 1e6 })), { selector: ([id]) => id, maxLength: 30 })
  .map((entries) => new Map(entries));
const sortedIds = fc.uniqueArray(fc.nat(60), { maxLength: 20 }).map((ids) => ids.sort((a, b) => a - b));
const segments = fc.array(fc.oneof(sortedIds, fc.constant(null)), { maxLength: 5 });

test('is the algebra of sets over fragment ids', () => {
  fc.assert(
    fc.property(table, segments, (rows, bitmaps) => {
      const found = coverageOf(
        listOf(rows),
        bitmaps.map((ids) => ({ fragments: ids && Uint32Array.from(ids) })),
      );
      const current = new Set(rows.keys());
      const declared = new Set(bitmaps.flatMap((ids) => ids ?? []));
      const sum = (ids: Iterable<number>) => [...ids].reduce((total, id) => total + (rows.get(id) ?? 0), 0);
      const missing = [...current].filter((id) => !declared.has(id));
      expect(Array.from(found.missing)).toEqual(missing.sort((a, b) => a - b));
      expect(found.stale).toBe([...declared].filter((id) => !current.has(id)).length);
      expect(found.coveredRows).toBe(sum([...current].filter((id) => declared.has(id))));
      expect(found.missingRows).toBe(sum(missing));
    }),
  );
});

test('the share is 1 exactly when no fragment is missing', () => {
  fc.assert(
    fc.property(table, segments, (rows, bitmaps) => {
      const found = coverageOf(
        listOf(rows),
        bitmaps.map((ids) => ({ fragments: ids && Uint32Array.from(ids) })),
      );
      const ratio = coverageRatio(found);
      expect(ratio === 1).toBe(found.missing.length === 0);
      expect(ratio).toBeGreaterThanOrEqual(0);
      expect(ratio).toBeLessThanOrEqual(1);
    }),
  );
});

test('a fragment that is missing keeps the share below 1, though all its rows are deleted', () => {
  const list = parseManifest(manifestFile({ fragments: [{ id: 0 }, { id: 1, rows: 5, deleted: 5 }] })).fragments;
  const found = coverageOf(list, [{ fragments: Uint32Array.of(0) }]);
  expect(found).toMatchObject({ coveredRows: 100, missingRows: 0 });
  expect(coverageRatio(found)).toBeLessThan(1);
});

test('an empty table is covered, and the share of rows is one of rows', () => {
  expect(coverageRatio(coverageOf(listOf(new Map()), []))).toBe(1);
  const rows = new Map([
    [0, 1],
    [1, 3],
  ]);
  expect(coverageRatio(coverageOf(listOf(rows), [{ fragments: Uint32Array.of(1) }]))).toBe(0.75);
});

test('held rows wait for more of them, or have nothing to index', () => {
  const fragments = parseManifest(
    manifestFile({
      fragments: [
        { id: 0, rows: 300 },
        { id: 1, rows: 300 },
      ],
    }),
  ).fragments;
  const none = coverageOf(fragments, []);
  const state = { floor: 1_000, barren: new Set<number>() };
  expect(heldFor({ ...state, coverage: none })).toBeNull();
  expect(heldFor({ ...state, coverage: heldBelow(none, 1_000) })).toBe('rows');
  expect(heldFor({ ...state, coverage: heldBelow(none, 1_000), barren: new Set([0]) })).toBe('rows');
  expect(heldFor({ ...state, coverage: heldBelow(none, 1_000), barren: new Set([0, 1]) })).toBe('values');
  expect(heldFor({ floor: 256, coverage: heldBelow(none, Number.POSITIVE_INFINITY), barren: new Set([0]) })).toBe(
    'values',
  );
});
