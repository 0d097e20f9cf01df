import { rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { refuseLostFiles } from '../../../../src/lance/table/lost-files.ts';
import { LanceTable } from '../../../../src/lance/table/table.ts';
import { localStore } from '../../../../src/store/local-store.ts';
import type { ManifestSpec } from '../manifest-fixture.ts';
import { message } from '../manifest-fixture.ts';
import type { TableFolder } from '../table-fixture.ts';
import { tableFolder } from '../table-fixture.ts';

const PLAIN: ManifestSpec = { version: 7, fragments: [0, 1, 2].map((id) => ({ id })) };
let folder: TableFolder;
beforeEach(async () => {
  folder = await tableFolder(PLAIN);
});

const dataFile = (name: string) => join(folder.root, 'data', name);
const look = (fragments: readonly number[], table = new LanceTable(localStore(folder.root))) =>
  refuseLostFiles(table, fragments);

test('a table whose files are there is not damaged', async () => {
  await expect(look([0, 1, 2, 9])).resolves.toBeUndefined();
});

test('a data file that is gone is named, with the fragment and the version', async () => {
  await rm(dataFile('f1.lance'));
  await expect(look([0, 1, 2])).rejects.toMatchObject({
    code: 'table_data_file_missing',
    retry: 'never',
    message: `${folder.root} is damaged: fragment 1 of version 7 names data/f1.lance, which is not there`,
  });
  await expect(look([0, 2])).resolves.toBeUndefined();
});

test('a data file that was cut short is named too', async () => {
  await truncate(dataFile('f1.lance'), 10);
  await expect(look([1])).rejects.toThrow('data/f1.lance, which has 10 bytes instead of 1000');
});

test('a deletion file that is gone is named too', async () => {
  await folder.write({ version: 8, fragments: [{ id: 0, deleted: 5 }] });
  await expect(look([0])).rejects.toThrow('_deletions/0-1-77.bin, which is not there');
});

test('files in a base are looked for there', async () => {
  const other = await tableFolder({ fragments: [{ id: 5 }] });
  const bases = (path: string) => [[18, message([1, 2], [3, 1], [4, path])] as const];
  const fragments = [{ id: 0, files: [{ path: 'f5.lance', fields: [0, 1], baseId: 2 }] }];
  folder = await tableFolder({ version: 1, fragments, more: bases(other.root) });
  await expect(look([0])).resolves.toBeUndefined();
  await rm(join(other.root, 'data', 'f5.lance'));
  await expect(look([0])).rejects.toThrow(`${other.root}/data/f5.lance, which is not there`);
  await folder.write({ version: 2, fragments, more: bases('s3://bucket/t.lance') });
  await expect(look([0])).resolves.toBeUndefined();
  await folder.write({ version: 3, fragments });
  await expect(look([0])).rejects.toThrow('base 2, which the version does not have');
});

test('a fragment that others have just replaced says nothing: the table moved', async () => {
  await rm(dataFile('f1.lance'));
  const store = localStore(folder.root);
  // The compaction becomes visible between the look at the file and the second look at the version.
  const racing = {
    ...store,
    async stat(key: string) {
      const found = await store.stat(key);
      if (key === 'data/f1.lance') await folder.write({ version: 8, fragments: [{ id: 0 }, { id: 3 }] });
      return found;
    },
  };
  await expect(look([0, 1], new LanceTable(racing))).resolves.toBeUndefined();
});
