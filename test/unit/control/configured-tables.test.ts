import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { tablesOf } from '../../../src/control/configured-tables.ts';
import { TableCatalogs } from '../../../src/control/table-catalogs.ts';
import { openStore } from '../../../src/store/open-store.ts';
import { tempDir } from '../../../testing/temp-dir.ts';

test('a database that cannot be listed does not affect the others, whose known tables are returned too', async () => {
  const home = await tempDir();
  await mkdir(join(home, 'well', 'a.lance'), { recursive: true });
  await mkdir(join(home, 'well', 'no table.lance'));
  // A file where a folder is expected cannot be listed, by root either.
  await writeFile(join(home, 'sick'), '');
  const failed: unknown[] = [];
  const databases = new Map(['sick', 'well', 'none'].map((name) => [name, join(home, name)]));
  const catalogs = new TableCatalogs({ databases, storeOf: openStore, read: async () => [] });
  const tables = await tablesOf(catalogs, {
    known: ['well/b', 'well/a', 'sick/c', 'none/d', 'left/e'],
    failed: (database, error) => failed.push([database, error]),
  });
  // A known table is listed or gone where the others could be listed, and may be there where they could not.
  expect(tables.map(({ id }) => id)).toEqual(['well/a', 'well/b', 'none/d']);
  expect(failed).toEqual([['sick', expect.objectContaining({ code: 'store_unavailable' })]]);
});
