/**
 * A table that says `lance.auto_cleanup.interval` is cleaned up by Lance in its commits whose version is divisible by it. Beside segmentd,
 * whose commits take turns with the appends, no more versions may be left than without it.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { LONG } from '../../testing/long.ts';
import { PYLANCE_VERSIONS } from '../../testing/pylance.ts';
import { answersOf, tablesOfPylance } from './pylance-table.ts';
import type { TableUnderTest } from './table-under-test.ts';

const APPENDS = 10;

/** Tables whose appends are odd or even versions, by the commits before the first. */
const PARITIES = [0, 1] as const;
const CASES = [
  ...(LONG ? [2, 3, 4, 5, 20] : [2, 4]).flatMap((interval) =>
    PARITIES.map((parity) => ({ interval, parity, stable: false })),
  ),
  // The engine's Lance does not know the segments of such a table: it has to keep them all the same.
  { interval: 4, parity: 0, stable: true },
];

const manifests = async ({ uri }: TableUnderTest) =>
  (await readdir(join(uri, '_versions'))).filter((name) => name.endsWith('.manifest')).length;

describe.each(LONG ? [PYLANCE_VERSIONS.oldest, PYLANCE_VERSIONS.newest] : [PYLANCE_VERSIONS.newest])(
  'a table of pylance %s',
  (version) => {
    const newTable = tablesOfPylance(version);

    // Only the newest makes segments that record row addresses: the others' are declined.
    test.each(CASES.filter(({ stable }) => !stable || version === PYLANCE_VERSIONS.newest))(
      'with an interval of $interval, $parity commits later, stable row ids $stable, is cleaned up',
      async ({ interval, parity, stable }) => {
        const table = await newTable();
        if (!table) return;
        const cleanup = { interval, older_than_seconds: 0 };
        await table.ask('create', {
          start: 0,
          count: 20,
          v2_names: true,
          ...{ data_format: '2.1', auto_cleanup: cleanup, stable_row_ids: stable },
        });
        await table.createIndexes('pylance', ['id']);
        for (let commits = 0; commits < parity; commits++) await table.append('pylance', 20 + commits, 1);
        let most = 0;
        for (let appends = 0; appends < APPENDS; appends++) {
          await table.append('pylance', 100 + 10 * appends, 10);
          // What a version that was left does is done by Lance; an append of another writer lands beside it.
          await table.catchUp(
            'existing',
            appends % 3 === 2 ? () => table.append('pylance', 1000 + appends, 1) : undefined,
          );
          most = Math.max(most, await manifests(table));
        }
        // Since the last multiple of the interval, that one, and what segmentd lands beside it.
        expect(most, 'manifests').toBeLessThanOrEqual(interval + 3);
        expect(await table.findings()).toEqual([]);
        expect(await answersOf(table, ['id = 105', 'id >= 100'])).not.toContainEqual(expect.stringMatching(/without/));
      },
    );
  },
);

test('without an interval no version is left to Lance', async () => {
  const table = await tablesOfNewest();
  if (!table) return;
  await table.ask('create', { start: 0, count: 20, v2_names: true, data_format: '2.1' });
  await table.createIndexes('pylance', ['id']);
  await table.append('pylance', 20, 10);
  const { version } = await table.open().latest();
  expect((await table.catchUp('existing')).version).toBe(version + 1);
});

const tablesOfNewest = tablesOfPylance(PYLANCE_VERSIONS.newest);
