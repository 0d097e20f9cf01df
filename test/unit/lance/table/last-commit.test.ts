import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { encodeCreateIndex } from '../../../../src/lance/codec/transaction.ts';
import type { LookBack } from '../../../../src/lance/table/last-commit.ts';
import { findLastCommit } from '../../../../src/lance/table/last-commit.ts';
import { LanceTable } from '../../../../src/lance/table/table.ts';
import { versionFileName } from '../../../../src/lib/manifest-name.ts';
import { localStore } from '../../../../src/store/local-store.ts';
import type { ManifestSpec } from '../manifest-fixture.ts';
import { manifestFile, message } from '../manifest-fixture.ts';
import { tableFolder } from '../table-fixture.ts';

/** A version that segmentd committed, or another writer with other properties. */
const committed = (version: number, properties: Record<string, string>): ManifestSpec => ({
  version,
  transaction: encodeCreateIndex({
    uuid: `tx-${version}`,
    readVersion: version - 1,
    added: [],
    removed: [],
    properties,
  }),
});
const ours = (version: number) =>
  committed(version, { 'segmentd.version': '1.2.3', 'segmentd.member': 'm', other: 'x' });
const theirs = (version: number) => committed(version, { 'acme.job': '7' });

/** Versions 1 and up: ours where `own` has them. */
async function versions(count: number, own: readonly number[]) {
  const folder = await tableFolder({ version: 1 });
  for (let version = 2; version <= count; version++) {
    await folder.write(own.includes(version) ? ours(version) : theirs(version));
  }
  const table = new LanceTable(localStore(folder.root));
  const { version: latest } = await table.latest();
  return {
    root: folder.root,
    find: (limits?: Partial<LookBack>) => findLastCommit(table, latest, { versions: 100, bytes: 1e9, ...limits }),
  };
}

test('the newest commit of segmentd is found behind versions of other writers, with its own properties alone', async () => {
  const { find } = await versions(9, [3, 6]);
  expect(await find()).toEqual({
    commit: {
      version: 6,
      transaction: 'tx-6',
      operation: 'CreateIndex',
      read_version: 5,
      properties: { 'segmentd.version': '1.2.3', 'segmentd.member': 'm' },
    },
    lookedBackTo: 6,
  });
});

test('the oldest version that was read is reported when there is none', async () => {
  expect(await (await versions(4, [])).find()).toEqual({ commit: null, lookedBackTo: 1 });
});

test('it reads a bounded number of versions and of bytes', async () => {
  const { find } = await versions(9, [5]);
  expect(await find({ versions: 4 })).toEqual({ commit: null, lookedBackTo: 6 });
  expect((await find({ versions: 5 })).commit?.version).toBe(5);
  const bytes = manifestFile(theirs(9)).length;
  expect(await find({ bytes: 2 * bytes })).toEqual({ commit: null, lookedBackTo: 8 });
  expect(await find({ bytes: 1 })).toEqual({ commit: null, lookedBackTo: 9 });
});

test('versions that a cleanup took away are passed over', async () => {
  const { root, find } = await versions(6, [3]);
  for (const version of [4, 5]) await rm(join(root, '_versions', versionFileName('V2', version)));
  expect((await find()).commit?.version).toBe(3);
});

test('an older version that cannot be read hides no other', async () => {
  const { root, find } = await versions(6, [3]);
  await writeFile(join(root, '_versions', versionFileName('V2', 5)), 'cut');
  expect((await find()).commit?.version).toBe(3);
  await writeFile(join(root, '_versions', versionFileName('V2', 6)), 'cut');
  await expect(find()).rejects.toMatchObject({ code: 'table_unreadable' });
});

test('a manifest without a transaction, or without properties of segmentd, is by another writer', async () => {
  const folder = await tableFolder({ version: 1 });
  await folder.write({ version: 2, transaction: message([2, 'tx']) });
  await folder.write({ version: 3 });
  const table = new LanceTable(localStore(folder.root));
  expect(await findLastCommit(table, 3)).toEqual({ commit: null, lookedBackTo: 1 });
});
