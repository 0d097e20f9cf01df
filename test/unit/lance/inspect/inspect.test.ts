import { expect, test } from 'vitest';
import { parseManifest } from '../../../../src/lance/codec/manifest.ts';
import { factsOf } from '../../../../src/lance/inspect/inspect.ts';
import type { ManifestSpec } from '../manifest-fixture.ts';
import { manifestFile } from '../manifest-fixture.ts';

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
