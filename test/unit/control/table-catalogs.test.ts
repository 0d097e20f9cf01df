import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { TableCatalogs } from '../../../src/control/table-catalogs.ts';
import { resolveTable } from '../../../src/events/table-address.ts';
import type { CatalogRow } from '../../../src/lance/engine/catalog-rows.ts';
import { SegmentdError } from '../../../src/lib/errors.ts';
import { versionFileName } from '../../../src/lib/manifest-name.ts';
import { openStore } from '../../../src/store/open-store.ts';
import { tempDir } from '../../../testing/temp-dir.ts';
import { manifestFile } from '../lance/manifest-fixture.ts';

const table = (objectId: string, location: string, metadata: string | null = null): CatalogRow => ({
  objectId,
  objectType: 'table',
  location,
  metadata,
});

/** The database `lake`, whose catalog has these rows once it is given any. */
async function lake(...folders: string[]) {
  const base = await tempDir();
  for (const folder of folders) await mkdir(join(base, folder), { recursive: true });
  let [rows, version, nowMs, reads]: [CatalogRow[] | Error, number, number, number] = [[], 0, 0, 0];
  const catalogs = new TableCatalogs({
    databases: new Map([['lake', base]]),
    storeOf: openStore,
    read: async () => {
      reads += 1;
      if (rows instanceof Error) throw rows;
      return rows;
    },
    now: () => nowMs,
  });
  return {
    base,
    catalogs,
    reads: () => reads,
    pass: (ms: number) => {
      nowMs += ms;
    },
    async set(next: CatalogRow[] | Error) {
      rows = next;
      version += 1;
      const versions = join(base, '__manifest', '_versions');
      await mkdir(versions, { recursive: true });
      await writeFile(join(versions, versionFileName('V2', version)), manifestFile({ version }));
    },
    at: (address: string) => resolveTable(catalogs.databases, address),
  };
}

test('a database without a catalog has the tables of its folders, and no catalog is read', async () => {
  const { base, catalogs, reads, at } = await lake('a.lance', 'b.lance', '775d8cd1_ns$t', 'other');
  expect(await catalogs.look('lake')).toEqual({ names: ['a', 'b'], unfit: [] });
  expect(reads()).toBe(0);
  expect(await catalogs.locate(at('lake/a'))).toEqual(at('lake/a'));
  expect(at('lake/a').uri).toBe(join(base, 'a.lance'));
  await rm(base, { recursive: true });
  expect(await catalogs.look('lake')).toBeNull();
});

test('a catalog adds its tables, under the names and in the folders that it says', async () => {
  const { base, catalogs, set, at } = await lake('a.lance');
  await set([table('ns$t', '775d8cd1_ns$t'), table('ns$new', '1ecde0f7_ns$old'), table('ns$..', 'd3524e33_ns$..')]);
  expect(await catalogs.look('lake')).toEqual({ names: ['a', 'ns$new', 'ns$t'], unfit: ['ns$..'] });
  const uri = join(base, '1ecde0f7_ns$old');
  const renamed = { id: 'lake/ns$new', database: 'lake', name: 'ns$new', uri };
  for (const address of ['lake/ns$new', uri, `file://${uri}/`]) expect(at(address)).toEqual(renamed);
});

test('a table that is not known is looked up, and one that was made anew is found in its new folder', async () => {
  const { base, catalogs, set, at, reads, pass } = await lake();
  const early = at('lake/ns$t');
  expect(early.uri).toBe(join(base, 'ns$t'));
  // The folder of its catalogue may be told first, by a notification of a store.
  expect(at(join(base, '775d8cd1_ns$t'))).toEqual(early);
  expect(await catalogs.locate(early)).toEqual(early);
  await set([table('ns$t', '775d8cd1_ns$t')]);
  expect(await catalogs.locate(early)).toEqual(early);
  pass(1_000);
  const found = await catalogs.locate(early);
  expect(found).toEqual({ ...early, uri: join(base, '775d8cd1_ns$t') });
  await set([table('ns$t', '8c7d5f00_ns$t')]);
  pass(1_000);
  expect((await catalogs.locate(found)).uri).toBe(join(base, '8c7d5f00_ns$t'));
  await set([]);
  pass(1_000);
  expect(await catalogs.locate(found)).toEqual(early);
  pass(1_000);
  await catalogs.locate(found);
  expect(reads()).toBe(3);
});

test('what changes the names and places of tables is counted', async () => {
  const { catalogs, set } = await lake('a.lance');
  await catalogs.look('lake');
  const before = catalogs.changes;
  await catalogs.look('lake');
  expect(catalogs.changes).toBe(before);
  await set([table('ns$t', '775d8cd1_ns$t')]);
  await catalogs.look('lake');
  expect(catalogs.changes).toBeGreaterThan(before);
});

test('a folder <table>.lance has one name, whatever a catalog calls it or calls by its name', async () => {
  const { base, catalogs, set, at } = await lake('a.lance', 'b.lance', 'x$y.lance', '6264cb49_ns$c.lance');
  await set([
    table('a', 'a.lance'),
    table('ns$alias', 'a.lance'),
    table('b', '544f779c_b'),
    table('only', '8f2b1c00_only'),
    table('x$y', 'x$y.lance'),
    table('ns$c.lance', '6264cb49_ns$c.lance'),
  ]);
  expect(await catalogs.look('lake')).toEqual({ names: ['a', 'b', 'ns$c.lance', 'only', 'x$y'], unfit: ['b'] });
  expect(at('lake/ns$alias')).toEqual(at('lake/a'));
  expect(at('lake/b').uri).toBe(join(base, 'b.lance'));
  expect(at('lake/only').uri).toBe(join(base, '8f2b1c00_only'));
  expect(at('lake/x$y').uri).toBe(join(base, 'x$y.lance'));
  expect(at(join(base, '6264cb49_ns$c.lance')).id).toBe('lake/ns$c.lance');
});

test('versions are managed of the folder, by whatever name', async () => {
  const managed = '{"managed_versioning":"true"}';
  const { catalogs, set } = await lake('a.lance');
  await set([table('ns$alias', 'a.lance', managed), table('ns$t', 't', managed), table('ns$u', 'u')]);
  await catalogs.refresh('lake');
  const isManaged = (name: string) => catalogs.isManaged({ database: 'lake', name });
  expect(['a', 'ns$t', 'ns$u', 'other'].map(isManaged)).toEqual([true, true, false, false]);
});

test('a catalog that cannot be read leaves what was known and the tables of folders', async () => {
  const { base, catalogs, set, at, pass } = await lake('a.lance');
  await set([table('ns$t', '775d8cd1_ns$t')]);
  await catalogs.look('lake');
  const problem = new SegmentdError('catalog_unreadable', 'of a newer Lance');
  await set(problem);
  expect(await catalogs.look('lake')).toEqual({ names: ['a', 'ns$t'], unfit: [], problem });
  expect(at('lake/ns$t').uri).toBe(join(base, '775d8cd1_ns$t'));
  pass(1_000);
  await expect(catalogs.locate(at('lake/ns$t'))).rejects.toBe(problem);
  const failed: unknown[] = [];
  await catalogs.lookAll((database, error) => failed.push([database, error]));
  expect(failed).toEqual([['lake', problem]]);
  await writeFile(join(base, '__manifest', '_versions', versionFileName('V2', 9)), 'no manifest');
  expect((await catalogs.look('lake'))?.problem).toMatchObject({ code: 'catalog_unreadable', retry: 'backoff' });
});

test('a catalog that is gone takes its tables along', async () => {
  const { base, catalogs, set } = await lake('a.lance');
  await set([table('ns$t', '775d8cd1_ns$t')]);
  await catalogs.look('lake');
  await rm(join(base, '__manifest'), { recursive: true });
  expect(await catalogs.look('lake')).toEqual({ names: ['a'], unfit: [] });
  expect(catalogs.locationOf('lake', 'ns$t')).toBeUndefined();
});
