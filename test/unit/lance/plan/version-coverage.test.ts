import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseManifest } from '../../../../src/lance/codec/manifest.ts';
import type { TablePolicy } from '../../../../src/lance/plan/row-ids.ts';
import { DEFAULT_POLICY } from '../../../../src/lance/plan/row-ids.ts';
import { isCovered } from '../../../../src/lance/plan/version-coverage.ts';
import type { ManifestSpec } from '../manifest-fixture.ts';
import { manifestFile } from '../manifest-fixture.ts';

const latest = (fragments: readonly number[], indexes: ManifestSpec['indexes'], more: ManifestSpec = {}) =>
  parseManifest(manifestFile({ fragments: fragments.map((id) => ({ id })), indexes: indexes ?? [], ...more }));
const byId = (...fragments: number[]) => ({ uuid: 1, fragments });
const byName = (...fragments: number[]) => ({ uuid: 2, name: 'name_idx', fields: [1], fragments });

test.each<[string, number[] | null, number[], NonNullable<ManifestSpec['indexes']>, boolean]>([
  ['all of it is covered', [0, 1], [0, 1], [byId(0, 1)], true],
  ['something is missing', [0, 1], [0, 1], [byId(0)], false],
  ['what came later is missing', [0, 1], [0, 1, 2], [byId(0, 1)], true],
  ['one of two indexes lacks it', [0, 1], [0, 1], [byId(0, 1), byName(0)], false],
  ['both indexes have it', [0, 1], [0, 1], [byId(0, 1), byName(0, 1)], true],
  ['two segments share it', [0, 1], [0, 1], [byId(0), { uuid: 3, fragments: [1] }], true],
  ['there is no index', [0], [0], [], false],
  ['there is no index and no fragment', [], [], [], false],
  ['there was no fragment', [], [5], [byId()], true],
  ['a fragment was compacted into a covered one', [0, 1], [0, 7], [byId(0, 7)], true],
  ['a fragment was compacted into one that is missing', [0, 1], [0, 7], [byId(0)], false],
  ['all were compacted into one that is missing', [0, 1], [7], [byId()], false],
  ['the manifest is gone and all is covered', null, [0, 7], [byId(0, 7)], true],
  ['the manifest is gone and something is missing', null, [0, 7], [byId(0)], false],
])('%s', (_, asked, fragments, indexes, covered) => {
  expect(isCovered(asked && Uint32Array.from(asked), latest(fragments, indexes), DEFAULT_POLICY)).toBe(covered);
});

const code = (manifest: ReturnType<typeof latest>, policy: Partial<TablePolicy> = {}) => {
  try {
    return isCovered(Uint32Array.of(0), manifest, { ...DEFAULT_POLICY, ...policy });
  } catch (error) {
    return (error as { code: string }).code;
  }
};
const STABLE = { readerFlags: 2n, writerFlags: 2n };

test('only what is wanted counts, and an index that is still to be made counts as missing', () => {
  const half = latest([0], [byId(0), byName()]);
  expect(code(half, { wanted: [{ column: 'id' }] })).toBe(true);
  expect(code(half, { wanted: [{ column: 'name' }] })).toBe(false);
  expect(code(latest([0], [byId(0)]), { wanted: [{ column: 'name' }] })).toBe(false);
  expect(code(half, { wanted: [{ column: 'nope' }] })).toBe('column_not_found');
});

test('bitmaps that mean something else are not believed', () => {
  const remapped = { uuid: 9, name: '__lance_frag_reuse', fragments: [0] };
  expect(code(latest([0], [byId(0), remapped]))).toBe('table_fragment_reuse_index');
  expect(code(latest([0], [byId(0)], { readerFlags: 1n << 40n }))).toBe('table_unknown_reader_flag');
});

test('with stable row ids a covered version is covered, and a wait for one that is never indexed is an error', () => {
  expect(code(latest([0], [byId(0)], STABLE))).toBe(true);
  expect(code(latest([0], [byId()], STABLE))).toBe('table_stable_row_ids');
  expect(code(latest([0], [byId()], STABLE), { stableRowIds: 'rebuild' })).toBe(false);
});

type Step =
  | { readonly kind: 'append' | 'index' }
  | { readonly kind: 'compact' | 'delete'; readonly from: number; readonly count: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.constant({ kind: 'append' } as const),
  fc.constant({ kind: 'index' } as const),
  fc.record({
    kind: fc.constantFrom('compact' as const, 'delete' as const),
    from: fc.nat(8),
    count: fc.integer({ min: 1, max: 4 }),
  }),
);

/** A table as its writers see it: which rows each fragment holds, and which fragments are indexed. */
class Rows {
  fragments = new Map<number, readonly number[]>();
  readonly indexed = new Set<number>();
  private nextFragment = 0;
  private nextRow = 0;

  run({ kind, ...range }: Step): void {
    if (kind === 'append') this.add([this.nextRow++]);
    else if (kind === 'index') {
      for (const id of this.fragments.keys()) if (!this.indexed.has(id)) return void this.indexed.add(id);
    } else {
      const { from, count } = range as { from: number; count: number };
      const gone = [...this.fragments].slice(from, from + count);
      for (const [id] of gone) this.fragments.delete(id);
      if (kind === 'compact' && gone.length > 0) this.add(gone.flatMap(([, rows]) => rows));
    }
  }

  private add(rows: readonly number[]): void {
    this.fragments.set(this.nextFragment++, rows);
  }
}

test('whatever happens to a table, covered means that no row of the version is outside the index', () => {
  let said = 0;
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), fc.array(step, { maxLength: 12 }), (before, after) => {
      const table = new Rows();
      for (const it of before) table.run(it);
      const asked = Uint32Array.from(table.fragments.keys());
      const rows = new Set([...table.fragments.values()].flat());
      for (const it of after) table.run(it);
      const ids = [...table.fragments.keys()];
      const covered = isCovered(
        asked,
        latest(ids, [byId(...[...table.indexed].sort((a, b) => a - b))]),
        DEFAULT_POLICY,
      );
      const outside = ids.filter((id) => !table.indexed.has(id)).flatMap((id) => table.fragments.get(id) ?? []);
      if (covered) expect(outside.filter((row) => rows.has(row))).toEqual([]);
      if (covered && outside.length > 0) said += 1;
    }),
    { numRuns: 500 },
  );
  // Not by waiting for everything.
  expect(said).toBeGreaterThan(20);
});
