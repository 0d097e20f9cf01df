import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ownUuid } from '../../../../src/lance/codec/own-uuid.ts';
import { findOrphans, removeOrphans } from '../../../../src/lance/commit/orphans.ts';
import { LanceTable } from '../../../../src/lance/table/table.ts';
import { versionFileName } from '../../../../src/lib/manifest-name.ts';
import { localStore } from '../../../../src/store/local-store.ts';
import { uuidText } from '../manifest-fixture.ts';
import type { TableFolder } from '../table-fixture.ts';
import { tableFolder } from '../table-fixture.ts';

const HOUR_MS = 3_600_000;
const TOMORROW_MS = Date.now() + 25 * HOUR_MS;
const FRAGMENTS = [{ id: 0 }];

async function upload({ root }: TableFolder, uuid: string): Promise<string> {
  await mkdir(join(root, '_indices', uuid), { recursive: true });
  await writeFile(join(root, '_indices', uuid, 'page_data.lance'), 'xyz');
  return uuid;
}

const open = ({ root }: TableFolder) => new LanceTable(localStore(root));
const nothing = { staged: [], segments: [], bytes: 0, unproven: 0 };

/** A table without versions that name anything, and a segment of segmentd and a staged manifest that are left over in it. */
async function afterKill() {
  const folder = await tableFolder({ version: 1, fragments: FRAGMENTS });
  const uuid = await upload(folder, ownUuid());
  const staged = `.tmp_${randomUUID()}`;
  await writeFile(join(folder.root, '_versions', staged), 'half');
  return { folder, uuid, staged };
}

test('what a killed segmentd left is taken away a day later, and not before', async () => {
  const { folder, uuid, staged } = await afterKill();
  const table = open(folder);
  expect(await findOrphans(table, Date.now() + 23 * HOUR_MS)).toEqual(nothing);
  const orphans = await findOrphans(table, TOMORROW_MS);
  expect(orphans).toEqual({ staged: [staged], segments: [uuid], bytes: 7, unproven: 0 });
  await removeOrphans(table, orphans);
  expect([folder.has(`_indices/${uuid}`), folder.has(`_versions/${staged}`)]).toEqual([false, false]);
  expect(await folder.versions()).toEqual([1]);
  expect(await findOrphans(table, TOMORROW_MS)).toEqual(nothing);
});

test('files of other writers are theirs, named by a version or not', async () => {
  const folder = await tableFolder({ version: 1, fragments: FRAGMENTS });
  for (const uuid of [randomUUID(), uuidText(3), 'theirs']) await upload(folder, uuid);
  for (const name of ['.tmp_x', '.tmpfile', `x${randomUUID()}`]) {
    await writeFile(join(folder.root, '_versions', name), '');
  }
  expect(await findOrphans(open(folder), TOMORROW_MS)).toEqual(nothing);
});

test('a segment that any kept version names stays', async () => {
  const folder = await tableFolder({ version: 1, fragments: FRAGMENTS });
  const [old, current, orphan] = [ownUuid(), ownUuid(), ownUuid()];
  for (const uuid of [old, current, orphan]) await upload(folder, uuid);
  for (const [at, uuid] of [old, current].entries()) {
    await folder.write({ version: 2 + at, fragments: FRAGMENTS, indexes: [{ uuid, fragments: [0] }] });
  }
  await folder.write({ version: 4, fragments: FRAGMENTS, indexes: [{ uuid: current, fragments: [0] }] });
  expect(await findOrphans(open(folder), TOMORROW_MS)).toMatchObject({ segments: [orphan], unproven: 0 });
});

/** What makes a proof impossible. */
const WITHOUT_PROOF: Readonly<Record<string, (root: string) => Promise<unknown>>> = {
  'a version is detached': (root) => writeFile(join(root, '_versions', 'd123.manifest'), ''),
  'the table has a branch': (root) => mkdir(join(root, 'tree', 'b'), { recursive: true }),
};

test.each(Object.entries(WITHOUT_PROOF))('without proof no segment is taken away: %s', async (_, change) => {
  const { folder, staged } = await afterKill();
  await change(folder.root);
  expect(await findOrphans(open(folder), TOMORROW_MS)).toMatchObject({ segments: [], unproven: 1, staged: [staged] });
});

test('nor where the manifests are too large to read them all', async () => {
  const { folder } = await afterKill();
  const limits = { ageMs: 24 * HOUR_MS, bytes: 10 };
  expect(await findOrphans(open(folder), TOMORROW_MS, limits)).toMatchObject({ segments: [], unproven: 1 });
});

test('a version that cannot be read is an error: it might name them', async () => {
  const { folder } = await afterKill();
  await folder.write({ version: 2, fragments: FRAGMENTS });
  await writeFile(join(folder.root, '_versions', versionFileName('V2', 1)), 'no manifest');
  await expect(findOrphans(open(folder), TOMORROW_MS)).rejects.toMatchObject({ code: 'table_unreadable' });
});
