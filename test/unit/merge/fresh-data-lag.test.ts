import { expect, test, vi } from 'vitest';
import { LanceTable } from '../../../src/lance/table/table.ts';
import { freshDataGap, lagMs } from '../../../src/merge/fresh-data-lag.ts';
import { localStore } from '../../../src/store/local-store.ts';
import { message } from '../lance/manifest-fixture.ts';
import { tableFolder } from '../lance/table-fixture.ts';
import { segmented } from './merging-fixture.ts';

/** Versions 1, 2, … a second apart, each with one fragment more that has no segment; the last of them is made now. */
async function appends(versions: number) {
  const seconds = Math.floor(Date.now() / 1000) - versions;
  const spec = (version: number) =>
    segmented(1, { version, missing: version - 1, more: { more: [[7, message([1, seconds + version])]] } });
  const folder = await tableFolder(spec(1));
  for (let version = 2; version <= versions; version++) await folder.write(spec(version));
  const table = new LanceTable(localStore(folder.root));
  return { table, manifest: await table.latest(), madeMs: (version: number) => (seconds + version) * 1000 };
}

const missing = (...fragments: readonly number[]) => ({
  coverage: {
    missing: Uint32Array.from(fragments),
    held: Uint32Array.of(),
    stale: 0,
    coveredRows: 0,
    missingRows: fragments.length,
    heldRows: 0,
  },
});

test('a gap begins with the append that is missed first by any index, however young the latest version is', async () => {
  const { table, manifest, madeMs } = await appends(12);
  const gap = await freshDataGap(table, manifest, [missing(5, 6), missing(3), missing()], null, 60_000);
  expect(gap).toEqual({ fragment: 3, sinceMs: madeMs(4) });
  expect(lagMs(gap)).toBeGreaterThanOrEqual(8_000);
});

test('without a missing fragment there is no gap and no lag', async () => {
  const { table, manifest } = await appends(1);
  const before = { fragment: 0, sinceMs: 1 };
  expect(await freshDataGap(table, manifest, [missing()], before, 60_000)).toBeNull();
  expect(await freshDataGap(table, manifest, [], before, 60_000)).toBeNull();
  expect(lagMs(null)).toBe(0);
});

test('the history is read once per gap', async () => {
  const { table, manifest } = await appends(6);
  const read = vi.spyOn(table, 'at');
  const gap = await freshDataGap(table, manifest, [missing(2, 3)], null, 60_000);
  expect(read).toHaveBeenCalled();
  read.mockClear();
  expect(await freshDataGap(table, manifest, [missing(2, 3, 4)], gap, 60_000)).toBe(gap);
  expect(read).not.toHaveBeenCalled();
  expect(await freshDataGap(table, manifest, [missing(3)], gap, 60_000)).toMatchObject({ fragment: 3 });
});
