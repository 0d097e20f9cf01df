import { describe, expect, test } from 'vitest';
import { parseManifest } from '../../../../src/lance/codec/manifest.ts';
import { factsOf } from '../../../../src/lance/inspect/inspect.ts';
import type { WantedIndex } from '../../../../src/lance/plan/wanted-index.ts';
import type { ManifestSpec } from '../manifest-fixture.ts';
import { manifestFile, message } from '../manifest-fixture.ts';

const facts = (spec: ManifestSpec) => factsOf('/db/t.lance', parseManifest(manifestFile(spec)));
const FRAGMENTS = [
  { id: 0, rows: 100 },
  { id: 1, rows: 200 },
  { id: 2, rows: 300 },
];
const byId = (...fragments: number[]) => ({ uuid: 1, fragments });
const byName = (...fragments: number[]) => ({ uuid: 2, name: 'name_idx', fields: [1], fragments });

test('a table is covered as far as all of its indexes are', () => {
  const seen = facts({ fragments: FRAGMENTS, indexes: [byId(0, 1), byName(1, 2)] });
  expect(seen).toMatchObject({ rows: 600, missing_rows: 400, missing_fragments: 2 });
  expect(seen.coverage).toBeCloseTo(1 / 3, 12);
  expect(facts({ fragments: FRAGMENTS, indexes: [byId(0, 1, 2), byName(0, 1, 2)] })).toMatchObject({
    coverage: 1,
    missing_rows: 0,
    missing_fragments: 0,
  });
});

test('a fragment without live rows that is missing keeps the coverage below 1', () => {
  const emptied = [{ id: 0 }, { id: 1, rows: 10, deleted: 10 }];
  const seen = facts({ fragments: emptied, indexes: [byId(0)] });
  expect(seen).toMatchObject({ missing_rows: 0, missing_fragments: 1 });
  expect(seen.coverage).toBeLessThan(1);
});

test('without an index there is no coverage to speak of', () => {
  expect(facts({ fragments: FRAGMENTS })).toMatchObject({ coverage: null, missing_rows: 0, missing_fragments: 0 });
});

test('the Lance of the writer stands beside that of the engine', () => {
  expect(facts({ writer: ['lance', '14.0.2'] })).toMatchObject({ written_by: 'lance 14.0.2', engine: 'lance 12.0.0' });
  const ours = parseManifest(manifestFile({ writer: ['segmentd', '1.0.0'] }));
  expect(factsOf('/db/t.lance', ours, { lance: null }).written_by).toBe('unknown');
});

test('what is left alone is said to be declined, and why', () => {
  const mixed = { readerFlags: 256n, writerFlags: 256n };
  const newer = [{ id: 0 }, { id: 1, files: [{ path: 'f1', minor: 3 }] }];
  expect(facts({ fragments: newer, indexes: [byId(0)], ...mixed }).declined?.code).toBe('table_newer_data_files');
  const stable = { readerFlags: 2n, writerFlags: 2n, indexes: [byId(0)] };
  expect(facts(stable).declined?.code).toBe('table_stable_row_ids');
  const rebuilt = factsOf('/db/t.lance', parseManifest(manifestFile(stable)), { stableRowIds: 'rebuild' });
  expect(rebuilt.declined).toBeNull();
});

test('a segment of row addresses counts like any other', () => {
  const { declined, indexes, coverage } = facts({
    ...{ fragments: FRAGMENTS, readerFlags: 2n, writerFlags: 2n },
    indexes: [{ ...byId(0, 1), indexVersion: 1 }],
  });
  expect([declined, coverage, indexes[0]?.segments[0]]).toEqual([
    null,
    0.5,
    expect.objectContaining({ fragments: 2, rows: 300, index_version: 1 }),
  ]);
});

describe('where indexes are configured', () => {
  const details = message([1, '/lance.table.BitmapIndexDetails'], [2, '']);
  const manifest = parseManifest(
    manifestFile({ fragments: FRAGMENTS, indexes: [byId(0, 1, 2), { ...byName(0), details }] }),
  );
  const of = (...wanted: WantedIndex[]) => factsOf('/db/t.lance', manifest, { wanted });

  test('these are shown, also those that are missing, and the others named', () => {
    const seen = of({ column: 'name', kind: 'bitmap' }, { column: 'id', kind: 'bitmap' });
    expect(seen.indexes.map(({ name, type, missing_rows }) => [name, type, missing_rows])).toEqual([
      ['name_idx', 'BITMAP', 500],
      ['id_bitmap_idx', 'BITMAP', 600],
    ]);
    expect(seen).toMatchObject({ coverage: 0, declined: null, left_alone: [], not_wanted: ['id_idx'] });
    expect(factsOf('/db/t.lance', manifest).not_wanted).toEqual([]);
  });

  test('one that cannot be kept is left alone, with the reason', () => {
    const seen = of({ column: 'id' }, { column: 'shoe_size' });
    expect(seen).toMatchObject({ declined: null, coverage: 1, indexes: [{ name: 'id_idx' }] });
    expect(seen.left_alone).toMatchObject([{ column: 'shoe_size', reason: { code: 'column_not_found' } }]);
  });
});

test('rows of a vector index below the floor are held back', () => {
  const [flat, l2] = [message([8, message()]), message([1, 0])];
  const value = Buffer.concat([l2, flat]);
  const details = message([1, '/lance.index.pb.VectorIndexDetails'], [2, value]);
  const schema = [{ id: 0, name: 'v', type: 'fixed_size_list:float:8' }];
  const manifest = parseManifest(
    manifestFile({ schema, fragments: FRAGMENTS, indexes: [{ ...byId(0), details, indexVersion: 1 }] }),
  );
  const held = { held_rows: 500, missing_rows: 0 };
  expect(factsOf('/t', manifest)).toMatchObject({ ...held, indexes: [{ ...held, held_for: 'rows' }] });
  expect(factsOf('/t', manifest, { minRows: 500 })).toMatchObject({
    ...{ held_rows: 0, missing_rows: 500 },
    indexes: [{ held_rows: 0, held_for: null }],
  });
});
