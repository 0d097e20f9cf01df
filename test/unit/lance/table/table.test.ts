import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { barrenFragments } from '../../../../src/lance/codec/manifest.ts';
import { LanceTable } from '../../../../src/lance/table/table.ts';
import { versionFileName } from '../../../../src/lib/manifest-name.ts';
import { localStore } from '../../../../src/store/local-store.ts';
import type { ObjectStore } from '../../../../src/store/object-store.ts';
import { tempDir } from '../../../../testing/temp-dir.ts';
import type { ManifestSpec } from '../manifest-fixture.ts';
import { manifestFile } from '../manifest-fixture.ts';
import { remoteLike } from '../remote-fixture.ts';
import type { TableFolder } from '../table-fixture.ts';
import { tableFolder } from '../table-fixture.ts';

/** A table whose store counts what is asked of it. */
function counted(folder: TableFolder, more: Partial<ObjectStore> = {}) {
  const inner = { ...localStore(folder.root), ...more };
  const calls = { list: 0, stat: 0, read: 0 };
  const store: ObjectStore = {
    ...inner,
    list: (key, limit) => {
      calls.list += 1;
      return inner.list(key, limit);
    },
    stat: (key) => {
      calls.stat += 1;
      return inner.stat(key);
    },
    read: (key) => {
      calls.read += 1;
      return inner.read(key);
    },
  };
  const spent = () => {
    const before = { ...calls };
    Object.assign(calls, { list: 0, stat: 0, read: 0 });
    return before;
  };
  const clock = { nowMs: 1_000_000 };
  return { table: new LanceTable(store, { now: () => clock.nowMs }), spent, clock };
}

/** What a cleanup leaves that spares a tagged version: `kept` and `latest` with nothing between them. */
async function gapAbove(folder: TableFolder, kept: number, latest: number): Promise<void> {
  for (let version = kept + 1; version <= latest; version++) await folder.write({ version });
  for (let version = kept + 1; version < latest; version++) {
    await rm(join(folder.root, '_versions', versionFileName('V2', version)));
  }
}

const writeHint = ({ root }: TableFolder, text: string) =>
  writeFile(join(root, '_versions', 'latest_version_hint.json'), text);

test('finds the latest version by listing, once', async () => {
  const folder = await tableFolder({ version: 3 });
  await folder.write({ version: 9 });
  await folder.write({ version: 10 });
  const { table, spent } = counted(folder);
  expect((await table.latest()).version).toBe(10);
  expect(spent()).toEqual({ list: 1, stat: 1, read: 1 });
});

test('an unchanged table costs two stats and the hint, and gives the very same manifest', async () => {
  const { table, spent } = counted(await tableFolder({ version: 3 }));
  const manifest = await table.latest();
  spent();
  expect(await table.latest()).toBe(manifest);
  expect(spent()).toEqual({ list: 0, stat: 2, read: 1 });
});

test('newer versions are found by walking up, without listing, and only the last one is read', async () => {
  const folder = await tableFolder({ version: 3 });
  const { table, spent } = counted(folder);
  await table.latest();
  for (const version of [4, 5, 6]) await folder.write({ version, fragments: [{ id: version }] });
  spent();
  const latest = await table.latest();
  expect([latest.version, Array.from(latest.fragments.ids)]).toEqual([6, [6]]);
  expect(spent()).toEqual({ list: 0, stat: 5, read: 2 });
});

test('a version that was written anew under its name is read anew', async () => {
  const folder = await tableFolder({ version: 3 });
  const { table } = counted(folder);
  const before = await table.latest();
  await rm(join(folder.root, '_versions', versionFileName('V2', 3)));
  await folder.write({ version: 3, fragments: [{ id: 8 }] });
  const after = await table.latest();
  expect(after).not.toBe(before);
  expect(Array.from(after.fragments.ids)).toEqual([8]);
});

test.each([
  ['younger', 'V2', 1],
  ['of the same version', 'V2', 3],
  ['older', 'V2', 7],
  ['younger, of the other kind of names', 'V1', 1],
  ['older, of the other kind of names', 'V1', 7],
] as const)('a table replaced by one that is %s is noticed', async (_name, scheme, version) => {
  const folder = await tableFolder({ version: 3 });
  const { table } = counted(folder);
  await table.latest();
  const other = await tableFolder({ version, fragments: [{ id: 44 }] }, scheme);
  await rm(folder.root, { recursive: true });
  await rename(other.root, folder.root);
  const latest = await table.latest();
  expect([latest.version, Array.from(latest.fragments.ids)]).toEqual([version, [44]]);
  expect(await table.manifestKey(version)).toBe(`_versions/${versionFileName(scheme, version)}`);
});

test('a version that a cleanup deleted is no error', async () => {
  const folder = await tableFolder({ version: 3 });
  const { table } = counted(folder);
  await table.latest();
  await folder.write({ version: 4 });
  await folder.write({ version: 5 });
  for (const version of [3, 4]) await rm(join(folder.root, '_versions', versionFileName('V2', version)));
  expect((await table.latest()).version).toBe(5);
});

test('a hint from beyond a gap in the versions is followed', async () => {
  const folder = await tableFolder({ version: 3 });
  const { table } = counted(folder);
  await table.latest();
  await gapAbove(folder, 3, 7);
  await writeHint(folder, '{"version":7}');
  expect((await table.latest()).version).toBe(7);
});

test.each([
  ['no hint', null],
  ['a hint that stayed behind', '{"version":2}'],
  ['a hint that is none', 'half a hi'],
  ['a hint without a number', '{"version":"9"}'],
])('with %s a gap in the versions is noticed by the next listing, and at once by a commit', async (_name, hint) => {
  const folder = await tableFolder({ version: 3 });
  const { table, clock } = counted(folder);
  await table.latest();
  await gapAbove(folder, 3, 7);
  if (hint !== null) await writeHint(folder, hint);
  clock.nowMs += 59_999;
  expect((await table.latest()).version).toBe(3);
  clock.nowMs += 1;
  expect((await table.latest()).version).toBe(7);
  await gapAbove(folder, 7, 9);
  expect((await table.latest({ listed: true })).version).toBe(9);
});

test('a hint from beyond the last version costs a listing and changes nothing', async () => {
  const folder = await tableFolder({ version: 3 });
  const { table, spent } = counted(folder);
  await table.latest();
  await writeHint(folder, '{"version":9}');
  spent();
  expect((await table.latest()).version).toBe(3);
  expect(spent()).toMatchObject({ list: 1 });
});

test('mixed names are noticed in a table that is open', async () => {
  const folder = await tableFolder({ version: 3 });
  const { table, clock } = counted(folder);
  await table.latest();
  await writeFile(join(folder.root, '_versions', '5.manifest'), '');
  await expect(table.latest({ listed: true })).rejects.toMatchObject({ code: 'table_mixed_version_names' });
  clock.nowMs += 60_000;
  await expect(table.latest()).rejects.toMatchObject({ code: 'table_mixed_version_names' });
});

test('nor is a version that is deleted between the listing and the stat', async () => {
  const folder = await tableFolder({ version: 3 });
  const { list } = localStore(folder.root);
  const cleaning: ObjectStore['list'] = async (key) => {
    const names = await list(key);
    await folder.write({ version: 4 });
    await rm(join(folder.root, '_versions', versionFileName('V2', 3)), { force: true });
    return names;
  };
  expect((await counted(folder, { list: cleaning }).table.latest()).version).toBe(4);
});

test('nor is one that is deleted between the stat and the read', async () => {
  const folder = await tableFolder({ version: 3 });
  const { read } = localStore(folder.root);
  const cleaning: ObjectStore['read'] = async (key) => {
    await folder.write({ version: 4 });
    await rm(join(folder.root, '_versions', versionFileName('V2', 3)), { force: true });
    return read(key);
  };
  const { table } = counted(folder, { read: cleaning });
  expect((await table.latest()).version).toBe(4);
});

test('gives one version, or null when it is not there', async () => {
  const folder = await tableFolder({ version: 3, fragments: [{ id: 1 }] });
  await folder.write({ version: 4 });
  const { table } = counted(folder);
  expect((await table.at(3))?.version).toBe(3);
  expect(await table.at(5)).toBeNull();
});

test('names manifests as the table does', async () => {
  const v1 = counted(await tableFolder({ version: 3 }, 'V1')).table;
  expect(await v1.manifestKey(4)).toBe('_versions/4.manifest');
  const v2 = counted(await tableFolder({ version: 3 })).table;
  expect(await v2.manifestKey(4)).toBe('_versions/18446744073709551611.manifest');
});

test('says when there is no table, and finds it once there is', async () => {
  const dir = await tempDir();
  const missing = new LanceTable(localStore(join(dir, 'none.lance')));
  await expect(missing.latest()).rejects.toMatchObject({ code: 'table_not_found' });
  await expect(missing.manifestKey(1)).rejects.toMatchObject({ code: 'table_not_found' });
  const folder = await tableFolder({ version: 1 });
  await rename(folder.root, join(dir, 'none.lance'));
  expect((await missing.latest()).version).toBe(1);
});

test('a table that went away is not found any more', async () => {
  const folder = await tableFolder({ version: 3 });
  const { table } = counted(folder);
  await table.latest();
  await rm(folder.root, { recursive: true });
  await expect(table.latest()).rejects.toMatchObject({ code: 'table_not_found' });
});

test('a damaged manifest and mixed names are refused, each with its code', async () => {
  const damaged = await tableFolder({ version: 3 });
  await writeFile(join(damaged.root, '_versions', versionFileName('V2', 4)), 'half a manif');
  await expect(counted(damaged).table.latest()).rejects.toMatchObject({ code: 'table_unreadable' });
  const mixed = await tableFolder({ version: 3 });
  await writeFile(join(mixed.root, '_versions', '4.manifest'), '');
  await expect(counted(mixed).table.latest()).rejects.toMatchObject({ code: 'table_mixed_version_names' });
});

test('what a reader was given stays as it was when the table moves on', async () => {
  const folder = await tableFolder({ version: 3, fragments: [{ id: 0 }, { id: 1 }] });
  const { table } = counted(folder);
  const before = await table.latest();
  await folder.write({ version: 4, fragments: [{ id: 0 }, { id: 1 }, { id: 2 }] });
  const after = await table.latest();
  expect([Array.from(before.fragments.ids), Array.from(after.fragments.ids)]).toEqual([
    [0, 1],
    [0, 1, 2],
  ]);
});

describe('a table in an object store', () => {
  /** `table` with what it asks of its store, and a clock. */
  async function remote(spec: ManifestSpec, scheme: 'V1' | 'V2' = 'V2') {
    const folder = await tableFolder(spec, scheme);
    const { store, spent } = remoteLike(folder.root);
    const clock = { nowMs: 1_000_000 };
    return { folder, spent, clock, table: new LanceTable(store, { now: () => clock.nowMs }) };
  }
  const key = (version: number) => `_versions/${versionFileName('V2', version)}`;

  test('unchanged, costs a listing of one name', async () => {
    const { table, spent } = await remote({ version: 3 });
    const manifest = await table.latest();
    expect(spent()).toEqual(['list _versions', `read ${key(3)}`]);
    expect(await table.latest()).toBe(manifest);
    expect(spent()).toEqual(['list _versions']);
  });

  test('is read where an event says while it is listed', async () => {
    const { folder, table, spent } = await remote({ version: 3 });
    await table.latest({ announced: 3 });
    expect(spent()).toEqual(['list _versions', `read ${key(3)}`]);
    await folder.write({ version: 4 });
    expect((await table.latest({ announced: 4 })).version).toBe(4);
    expect(spent()).toEqual(['list _versions', `read ${key(4)}`]);
  });

  test('is read where the listing says when the event is behind, ahead or of an older table', async () => {
    const { folder, table } = await remote({ version: 3 });
    await folder.write({ version: 4 });
    expect((await table.latest({ announced: 3 })).version).toBe(4);
    expect((await table.latest({ announced: 9 })).version).toBe(4);
    const other = await tableFolder({ version: 2, fragments: [{ id: 44 }] });
    await rm(folder.root, { recursive: true });
    await rename(other.root, folder.root);
    expect(Array.from((await table.latest({ announced: 2 })).fragments.ids)).toEqual([44]);
  });

  test('a gap in the versions hides nothing', async () => {
    const { folder, table } = await remote({ version: 3 });
    await table.latest();
    await gapAbove(folder, 3, 8);
    expect((await table.latest({ announced: 3 })).version).toBe(8);
  });

  test('a recent look will do for a plan, for some seconds, and not for a version that is said to be newer', async () => {
    const { folder, table, spent, clock } = await remote({ version: 3 });
    const manifest = await table.latest();
    await folder.write({ version: 4 });
    spent();
    clock.nowMs += 4_000;
    expect([await table.latest({ recent: true }), table.isRecent(manifest), spent()]).toEqual([manifest, true, []]);
    expect((await table.latest({ recent: true, announced: 4 })).version).toBe(4);
    expect(table.isRecent(manifest)).toBe(false);
    clock.nowMs += 6_000;
    await folder.write({ version: 5 });
    expect((await table.latest({ recent: true })).version).toBe(5);
  });

  test('a version of our own is known without a request', async () => {
    const { folder, table, spent } = await remote({ version: 3 });
    await table.latest();
    await folder.write({ version: 4, fragments: [{ id: 7 }] });
    const tag = (await localStore(folder.root).stat(key(4)))?.tag ?? '';
    spent();
    await table.landed(4, manifestFile({ version: 4, fragments: [{ id: 7 }] }), tag);
    expect(Array.from((await table.latest({ recent: true })).fragments.ids)).toEqual([7]);
    expect(spent()).toEqual([]);
    await table.latest();
    expect(spent()).toEqual(['list _versions']);
  });

  test('with the old names, or with other objects before the first, all names are listed', async () => {
    const old = await remote({ version: 9 }, 'V1');
    await old.folder.write({ version: 10 });
    expect((await old.table.latest()).version).toBe(10);
    const { folder, table } = await remote({ version: 3 });
    await writeFile(join(folder.root, '_versions', '.tmp_left'), '');
    expect((await table.latest()).version).toBe(3);
  });

  test('that is not there is not found', async () => {
    const { folder, table } = await remote({ version: 3 });
    await rm(join(folder.root, key(3)));
    await expect(table.latest({ announced: 3 })).rejects.toMatchObject({ code: 'table_not_found' });
    expect(await table.listedVersion()).toBe(0);
  });
});

test('tells of a version that landed before it asks anything of the store, and also of one that it has seen by then', async () => {
  const folder = await tableFolder({ version: 3 });
  const landed: unknown[] = [];
  const table = new LanceTable(localStore(folder.root), { onLanded: (version) => landed.push(version) });
  const noted = table.landed(4, manifestFile({ version: 4 }), 'a');
  expect(landed).toEqual([{ uri: folder.root, version: 4, tag: 'a' }]);
  await noted;
  await table.landed(4, manifestFile({ version: 4 }), 'a');
  expect(landed).toHaveLength(2);
});

test('a look that ends late does not take back what was learned meanwhile', async () => {
  const folder = await tableFolder({ version: 3 });
  const { store } = remoteLike(folder.root);
  const gate = Promise.withResolvers<void>();
  const listed = Promise.withResolvers<void>();
  let isHeld = false;
  const list: ObjectStore['list'] = async (...args) => {
    const names = await store.list(...args);
    if (!isHeld) return names;
    listed.resolve();
    await gate.promise;
    return names;
  };
  const table = new LanceTable({ ...store, list });
  await table.latest();
  isHeld = true;
  const late = table.latest();
  await listed.promise;
  isHeld = false;
  await table.landed(4, manifestFile({ version: 4 }), 'tag');
  gate.resolve();
  expect([(await late).version, (await table.latest({ recent: true })).version]).toEqual([4, 4]);
});

test('a manifest that says it is another version than its name, and one that is none, are named', async () => {
  const folder = await tableFolder({ version: 3 });
  const at = (version: number) => join(folder.root, '_versions', versionFileName('V2', version));
  await writeFile(at(4), manifestFile({ version: 3 }));
  const unreadable = { code: 'table_unreadable', message: expect.stringContaining(at(4)) };
  await expect(new LanceTable(localStore(folder.root)).latest()).rejects.toMatchObject(unreadable);
  await writeFile(at(4), 'garbage');
  await expect(new LanceTable(localStore(folder.root)).latest()).rejects.toMatchObject(unreadable);
});

test('a fragment that was found barren is so while it is what it was, and not when its id means other rows', async () => {
  const folder = await tableFolder({ version: 3, fragments: [{ id: 0 }, { id: 1 }] });
  const table = new LanceTable(localStore(folder.root));
  const found = await table.latest();
  table.noteBarren(found, 'v_idx', [0, 1]);
  expect([barrenFragments(found, 'v_idx'), barrenFragments(found, 'other')]).toEqual([new Set([0, 1]), new Set()]);
  await folder.write({ version: 4, fragments: [{ id: 0 }, { id: 1, rows: 7 }, { id: 2 }] });
  expect(barrenFragments(await table.latest(), 'v_idx')).toEqual(new Set([0]));
});
