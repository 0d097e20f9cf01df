import { expect, test } from 'vitest';
import { pendingWork, segmentsByTier } from '../../../../src/commands/tables/pending-work.ts';
import { parseManifest } from '../../../../src/lance/codec/manifest.ts';
import { factsOf } from '../../../../src/lance/inspect/inspect.ts';
import { DEFAULT_POLICY } from '../../../../src/lance/plan/row-ids.ts';
import type { ManifestSpec } from '../../lance/manifest-fixture.ts';
import { manifestFile } from '../../lance/manifest-fixture.ts';
import { segmented, SETTINGS as settings } from '../../merge/merging-fixture.ts';

const LIMITS = { maxRows: 1e9, maxFragments: 2 };
const next = (spec: ManifestSpec) =>
  pendingWork(parseManifest(manifestFile(spec)), DEFAULT_POLICY, LIMITS, () => settings);
const NOTHING = { segments: [], rebuilds: false, merges: [], merges_due: 0 };

test('a table that is covered and has few segments needs nothing', () => {
  expect(next(segmented(2))).toEqual(NOTHING);
});

test('what is missing is built next, as much as one commit takes', () => {
  expect(next(segmented(1, { missing: 3 }))).toEqual({
    ...NOTHING,
    segments: [{ index: 'id_idx', column: 'id', fragments: 2, rows: 200 }],
  });
});

test('the next merge is listed, and how many are due in all', () => {
  expect(next(segmented(9))).toEqual({
    ...NOTHING,
    merges: [{ index: 'id_idx', column: 'id', reason: 'tier', segments: 3, rows: 300 }],
    merges_due: 4,
  });
});

test('an index over a rewritten column is rebuilt whole', () => {
  const tombstoned = {
    id: 1,
    files: [
      { path: 'a', fields: [-2, 1] },
      { path: 'b', fields: [0] },
    ],
  };
  const work = next({ fragments: [{ id: 0 }, tombstoned], indexes: [{ uuid: 1, fragments: [0] }] });
  expect(work).toMatchObject({ rebuilds: true, segments: [{ index: 'id_idx', fragments: 2, rows: 200 }] });
});

test('a declined table needs nothing, for nothing will be done', () => {
  expect(next(segmented(9, { missing: 3, more: { readerFlags: 2n, writerFlags: 2n } }))).toEqual(NOTHING);
});

test('segments are counted by tier, the large ones last, tiers without any left out', () => {
  const rows = [5, 100, 100, 700_000];
  const manifest = parseManifest(
    manifestFile({
      fragments: rows.map((count, id) => ({ id, rows: count })),
      indexes: rows.map((_, id) => ({ uuid: id + 1, fragments: [id] })),
    }),
  );
  const { indexes } = factsOf('/t', manifest);
  expect(Object.entries(segmentsByTier(indexes, settings))).toEqual([
    ['0', 1],
    ['3', 2],
    ['mature', 1],
  ]);
  expect(segmentsByTier([...indexes, ...indexes], settings)).toEqual({ 0: 2, 3: 4, mature: 2 });
  expect(segmentsByTier([], settings)).toEqual({});
});
