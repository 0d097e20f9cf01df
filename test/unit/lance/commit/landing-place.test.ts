import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { commitChange } from '../../../../src/lance/commit/commit-change.ts';
import type { CommitRequest } from '../../../../src/lance/commit/commit-request.ts';
import type { BuiltSegment } from '../../../../src/lance/segment.ts';
import { LanceTable } from '../../../../src/lance/table/table.ts';
import { versionFileName } from '../../../../src/lib/manifest-name.ts';
import { localStore } from '../../../../src/store/local-store.ts';
import type { ObjectStore } from '../../../../src/store/object-store.ts';
import type { ManifestSpec } from '../manifest-fixture.ts';
import { uuidText } from '../manifest-fixture.ts';
import type { TableFolder } from '../table-fixture.ts';
import { tableFolder, uploadedSegment } from '../table-fixture.ts';

const SETTINGS = { maxAttempts: 1, initialBackoffMs: 1, writer: { library: 'segmentd', version: '1.2.3' } };
const BASE: ManifestSpec = {
  version: 5,
  fragments: [{ id: 0 }, { id: 1 }, { id: 2 }],
  indexes: [{ uuid: 1, fragments: [0] }],
};
const APPENDED = { ...BASE, version: 6, fragments: [{ id: 0 }, { id: 1 }, { id: 2 }, { id: 3 }] };
const FILE = `_indices/${uuidText(0xbeef)}/page_data.lance`;

let folder: TableFolder;
let segment: BuiltSegment;
/** What the store was asked, in order. */
let asked: string[];
let table: LanceTable;
beforeEach(async () => {
  folder = await tableFolder(BASE);
  segment = await uploadedSegment(folder, [1, 2]);
  asked = [];
  table = new LanceTable(noting(localStore(folder.root)));
});

function noting(store: ObjectStore): ObjectStore {
  const { list, putIfAbsent } = store;
  return {
    ...store,
    list: (...args) => {
      asked.push('list');
      return list(...args);
    },
    putIfAbsent: (...args) => {
      asked.push('put');
      return putIfAbsent(...args);
    },
  };
}

/** A change that was planned on what the table has shown last. `since` happens after that. */
async function planned(since: () => Promise<unknown> = async () => undefined): Promise<CommitRequest> {
  const base = await table.latest();
  asked.length = 0;
  await since();
  return {
    base,
    addSegments: [segment],
    removeSegments: [],
    durable: Promise.resolve(),
    transactionUuid: '00000000-0000-4000-8000-00000000cafe',
    properties: {},
  };
}
const versionFile = (version: number) => join(folder.root, '_versions', versionFileName('V2', version));
const latest = () => new LanceTable(localStore(folder.root)).latest();

test('the table is looked at beside the put of a change that was planned on what was seen last', async () => {
  const outcome = await commitChange(table, await planned(), SETTINGS);
  expect(outcome).toMatchObject({ kind: 'landed', version: 6, attempts: 1, conflicts: 0 });
  expect(asked.sort()).toEqual(['list', 'put']);
  expect((await table.latest()).indexes.map(({ uuid }) => uuid)).toEqual([uuidText(1), uuidText(0xbeef)]);
});

test('one that was planned on something else is looked at before', async () => {
  const request = await planned();
  const elsewhere = new LanceTable(noting(localStore(folder.root)));
  expect(await commitChange(elsewhere, request, SETTINGS)).toMatchObject({ kind: 'landed', version: 6 });
  expect(asked).toEqual(['list', 'put']);
});

test('a version that has come since is committed on, and that is no conflict and no attempt', async () => {
  const outcome = await commitChange(table, await planned(() => folder.write(APPENDED)), SETTINGS);
  expect(outcome).toMatchObject({ kind: 'landed', version: 7, attempts: 1, conflicts: 0 });
  expect(asked).toContain('put');
  expect(await folder.versions()).toEqual([5, 6, 7]);
  expect((await latest()).fragments.length).toBe(4);
});

test('a version that comes between the look and the put is a conflict', async () => {
  const store = localStore(folder.root);
  const late = new LanceTable({
    ...store,
    putIfAbsent: async (key, parts, after) => {
      await after;
      await folder.write(APPENDED);
      return store.putIfAbsent(key, parts, after);
    },
  });
  table = late;
  const outcome = await commitChange(late, await planned(), { ...SETTINGS, maxAttempts: 2 });
  expect(outcome).toMatchObject({ kind: 'landed', version: 7, attempts: 2, conflicts: 1 });
  expect(await folder.versions()).toEqual([5, 6, 7]);
});

test('a version that a cleanup left free below later ones is not taken', async () => {
  const outcome = await commitChange(table, await planned(() => folder.write({ ...APPENDED, version: 9 })), SETTINGS);
  expect(outcome).toMatchObject({ kind: 'landed', version: 10, conflicts: 0 });
  expect(await folder.versions()).toEqual([5, 9, 10]);
});

test('another table under the same version is not committed on as if it were the one before', async () => {
  const replace = async () => {
    await rm(versionFile(5));
    await folder.write({ ...BASE, fragments: [{ id: 7 }], indexes: [{ uuid: 9, name: 'id_idx', fragments: [7] }] });
  };
  const outcome = await commitChange(table, await planned(replace), SETTINGS);
  expect(outcome).toMatchObject({ kind: 'rejected', cause: 'nothing_left' });
  expect([await folder.versions(), folder.has(FILE)]).toEqual([[5], false]);
});

test('a table that was dropped since is not found, and nothing is left in its folder', async () => {
  const outcome = await commitChange(table, await planned(() => rm(versionFile(5))), SETTINGS);
  expect(outcome).toMatchObject({ kind: 'rejected', cause: 'store_refused', error: { code: 'table_not_found' } });
  expect([await folder.versions(), folder.has(FILE)]).toEqual([[], false]);
});

test('files that have vanished since are not named', async () => {
  const outcome = await commitChange(table, await planned(() => rm(join(folder.root, FILE))), SETTINGS);
  expect(outcome).toMatchObject({ kind: 'rejected', cause: 'files_gone' });
  expect(await folder.versions()).toEqual([5]);
});
