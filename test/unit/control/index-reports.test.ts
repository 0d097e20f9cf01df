import { expect, test } from 'vitest';
import { rowsOf, segmentReport } from '../../../src/control/index-reports.ts';
import { parseManifest } from '../../../src/lance/codec/manifest.ts';
import { manifestFile } from '../lance/manifest-fixture.ts';

const manifest = parseManifest(
  manifestFile({
    fragments: [
      { id: 1, rows: 10 },
      { id: 4, rows: 20 },
      { id: 9, rows: 40 },
    ],
  }),
);
const report = (ids: readonly number[] | null) =>
  segmentReport({ uuid: 'u', datasetVersion: 3, fragments: ids && Uint32Array.from(ids) }, manifest.fragments);

test('a segment counts the fragments that the table still has, and their rows', () => {
  expect(report([0, 1, 2, 9, 12])).toEqual({ uuid: 'u', version: 3, fragments: 2, rows: 50 });
  expect([report([]), report(null), report([12])].map(({ rows }) => rows)).toEqual([0, 0, 0]);
  expect(rowsOf(manifest)).toBe(70);
});
