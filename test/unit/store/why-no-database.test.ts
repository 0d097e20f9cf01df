import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openStore } from '../../../src/store/open-store.ts';
import { whyNoDatabase } from '../../../src/store/why-no-database.ts';
import { tempDir } from '../../../testing/temp-dir.ts';

test('a database is distinguished from a table, a branch, and a folder in a table', async () => {
  const home = await tempDir();
  const tables = ['t.lance', 't.lance/tree/a/b', 'plain', 'lake.lance/u.lance'];
  for (const table of tables) await mkdir(join(home, table, '_versions'), { recursive: true });
  const why = (folder: string) => whyNoDatabase(join(home, folder), openStore);
  expect(await why('t.lance')).toMatch(/^is a table;/);
  expect(await why('plain')).toContain('does not end in .lance');
  expect(await why('t.lance/tree/a/b')).toContain('is the branch a/b of the table');
  expect(await why('t.lance/tree')).toContain('is tree of the table');
  expect(await why('t.lance/_versions')).toContain('is _versions of the table');
  expect(await why('lake.lance/u.lance')).toMatch(/^is a table;/);
  await mkdir(join(home, '775d8cd1_ns$t', 'tree', 'b', '_versions'), { recursive: true });
  await mkdir(join(home, '775d8cd1_ns$t', '_versions'));
  expect(await why('775d8cd1_ns$t')).toMatch(/^is a table;/);
  expect(await why('775d8cd1_ns$t/tree/b')).toContain('is the branch b of the table');
  // A database may have any name, and may be yet to come.
  for (const fine of ['', 'lake.lance', 'lake.lance/sub', 'none', 'none.lance/x']) {
    expect(await why(fine)).toBeUndefined();
  }
});

test('a file is no database, and neither is what lies below one', async () => {
  const home = await tempDir();
  await writeFile(join(home, 'segmentd.yaml'), '');
  for (const name of ['segmentd.yaml', 'segmentd.yaml/lake']) {
    expect(await whyNoDatabase(join(home, name), openStore)).toBe('is a file, or lies below one');
  }
});
