import { expect, test } from 'vitest';
import { appearedMs } from '../../../../src/lance/table/fragment-age.ts';
import { LanceTable } from '../../../../src/lance/table/table.ts';
import { localStore } from '../../../../src/store/local-store.ts';
import { message } from '../manifest-fixture.ts';
import { tableFolder } from '../table-fixture.ts';

const NOW_S = Math.floor(Date.now() / 1000);
const FOR_EVER = Infinity;

/** A version a second, the last one now; version n brings fragment n, and all are there from `oldest` on. */
async function history(versions: number, oldest = 1) {
  const spec = (version: number) => ({
    version,
    fragments: Array.from({ length: version }, (_, at) => ({ id: at + 1 })),
    more: [[7, message([1, NOW_S - versions + version])] as const],
  });
  const folder = await tableFolder(spec(oldest));
  for (let version = oldest + 1; version <= versions; version++) await folder.write(spec(version));
  const table = new LanceTable(localStore(folder.root));
  let reads = 0;
  const at = table.at.bind(table);
  table.at = (version) => {
    reads += 1;
    return at(version);
  };
  const latest = await table.latest();
  return {
    reads: () => reads,
    ageS: async (fragment: number, enoughMs = FOR_EVER) =>
      NOW_S - (await appearedMs(table, latest, fragment, enoughMs)) / 1000,
  };
}

test('is the time of the version that added it', async () => {
  const { ageS } = await history(33);
  for (let fragment = 1; fragment <= 33; fragment++) expect(await ageS(fragment)).toBe(33 - fragment);
});

test('is that of the oldest version that is left where a cleanup took the first', async () => {
  const { ageS } = await history(20, 8);
  expect([await ageS(3), await ageS(8), await ageS(9)]).toEqual([12, 12, 11]);
});

test('reads few versions, and no more once it is old enough', async () => {
  const { ageS, reads } = await history(100);
  expect(await ageS(2)).toBe(98);
  expect(reads()).toBeLessThan(16);
  const before = reads();
  expect(await ageS(1, 24_000)).toBe(32);
  expect(reads() - before).toBe(6);
});
