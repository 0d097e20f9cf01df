import { expect, test } from 'vitest';
import { parseManifest } from '../../../../src/lance/codec/manifest.ts';
import { boundsOf, chooseFragments } from '../../../../src/lance/inspect/choose-fragments.ts';
import { manifestFile } from '../manifest-fixture.ts';

const fragments = Array.from({ length: 10 }, (_, id) => ({ id, rows: 100 }));
const manifest = parseManifest(manifestFile({ fragments }));
const segments = [{ fragments: Uint32Array.of(0, 1, 2, 3, 4, 5, 6, 77) }, { fragments: Uint32Array.of(8) }];

test('all that the segments cover, as long as that is little', () => {
  const chosen = chooseFragments(manifest, segments, { rows: 1000, listedRows: 1000 }, Math.random);
  expect(chosen).toEqual({ fragments: [0, 1, 2, 3, 4, 5, 6, 8], isListed: true });
});

test('some of each segment within the bound, and one at least', () => {
  for (let round = 0; round < 20; round++) {
    const some = chooseFragments(manifest, segments, { rows: 300, listedRows: 1000 }, Math.random);
    expect(some.fragments).toHaveLength(3);
    expect(some.fragments).toContain(8);
    expect(some.isListed).toBe(true);
  }
  expect(chooseFragments(manifest, segments, { rows: 1, listedRows: 1000 }, Math.random)).toMatchObject({
    isListed: false,
  });
  expect(chooseFragments(manifest, segments, { rows: 300, listedRows: 799 }, Math.random).isListed).toBe(false);
  expect(chooseFragments(manifest, [{ fragments: null }], { rows: 1, listedRows: 1 }, Math.random).fragments).toEqual(
    [],
  );
});

test('fewer rows of vectors with more dimensions', () => {
  expect(boundsOf(16).rows).toBe(100_000);
  expect(boundsOf(4096).rows).toBe(8192);
});
