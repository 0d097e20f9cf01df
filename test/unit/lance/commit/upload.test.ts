import { mkdir, readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { deleteUploaded, findMissingFiles, uploadSegments } from '../../../../src/lance/commit/upload.ts';
import { SegmentdError } from '../../../../src/lib/errors.ts';
import { localStore } from '../../../../src/store/local-store.ts';
import { tempDir } from '../../../../testing/temp-dir.ts';
import { builtSegment } from '../manifest-fixture.ts';

/** Two built segments of two files each, and a table to bring them into. */
async function setUp() {
  const dir = await tempDir();
  const contents = { 'page_data.lance': 'values', 'page_lookup.lance': 'pages' };
  const segments = ['a', 'b'].map((uuid) =>
    builtSegment([1], {
      uuid,
      folder: join(dir, uuid),
      files: Object.entries(contents).map(([path, text]) => ({ path, bytes: text.length })),
    }),
  );
  for (const { folder } of segments) {
    await mkdir(folder);
    for (const [path, text] of Object.entries(contents)) await writeFile(join(folder, path), text);
  }
  const root = join(dir, 't.lance');
  await mkdir(root);
  return { dir, root, segments, store: localStore(root), contents };
}

test('every file arrives in the folder of its segment', async () => {
  const { root, segments, store, contents } = await setUp();
  await uploadSegments(store, segments);
  expect((await readdir(join(root, '_indices'))).sort()).toEqual(['a', 'b']);
  for (const [path, text] of Object.entries(contents)) {
    expect(await readFile(join(root, '_indices', 'b', path), 'utf8')).toBe(text);
  }
  expect(await findMissingFiles(store, segments)).toEqual([]);
});

test('a file that did not arrive whole is an error that names it', async () => {
  const { segments, store, root } = await setUp();
  const importFolder: typeof store.importFolder = async (localFolder, folder, names) => {
    await store.importFolder(localFolder, folder, names);
    if (folder.endsWith('/a')) await truncate(join(root, folder, 'page_data.lance'), 2);
  };
  await expect(uploadSegments({ ...store, importFolder }, segments)).rejects.toMatchObject({
    code: 'store_unavailable',
    message: expect.stringContaining('_indices/a/page_data.lance'),
  });
});

test('a file that the builder did not leave is an error', async () => {
  const { segments, store } = await setUp();
  const [first] = segments;
  const files = [{ path: 'gone.lance', bytes: 1 }];
  await expect(uploadSegments(store, first ? [{ ...first, files }] : [])).rejects.toMatchObject({
    code: 'store_unavailable',
  });
});

/** Of both segments. */
const FILES = 4;

/** The segments, the first file of which has so many bytes, and a store whose sync ends when it is told to. */
async function withSlowSync(bytes: number) {
  const { root, segments, store } = await setUp();
  const [first, ...others] = segments as [(typeof segments)[0]];
  await truncate(join(first.folder, 'page_data.lance'), bytes);
  const files = first.files.map((file) => (file.path === 'page_data.lance' ? { ...file, bytes } : file));
  const { promise: synced, resolve, reject } = Promise.withResolvers<void>();
  const { promise: checked, resolve: allChecked } = Promise.withResolvers<void>();
  let checks = 0;
  const stat: typeof store.stat = async (key) => {
    const found = await store.stat(key);
    checks += 1;
    if (checks === FILES) allChecked();
    return found;
  };
  let isUploaded = false;
  const uploaded = uploadSegments({ ...store, stat, sync: () => synced }, [{ ...first, files }, ...others]);
  uploaded.then(
    () => {
      isUploaded = true;
    },
    () => undefined,
  );
  // After the last check of what arrived nothing but the sync is left to wait for.
  await checked;
  for (let at = 0; at < 3; at++) await turn();
  return { root, uploaded, isUploaded, resolve, reject };
}

test('little is synced while the commit goes on', async () => {
  const { isUploaded, resolve, uploaded } = await withSlowSync(1_000_000);
  expect(isUploaded).toBe(true);
  resolve();
  await (await uploaded).durable;
});

test('a large upload is durable before the latest version is read', async () => {
  const { isUploaded, resolve, uploaded } = await withSlowSync(9_000_000);
  expect(isUploaded).toBe(false);
  resolve();
  await (await uploaded).durable;
});

test('nothing is left of much that could not be made durable', async () => {
  const { reject, uploaded, root } = await withSlowSync(9_000_000);
  reject(new SegmentdError('store_full', 'no room'));
  await expect(uploaded).rejects.toMatchObject({ code: 'store_full' });
  expect(await readdir(join(root, '_indices'))).toEqual([]);
});

test('files that are missing or of another size are found', async () => {
  const { segments, store, root } = await setUp();
  expect(await findMissingFiles(store, segments)).toHaveLength(4);
  await uploadSegments(store, segments);
  await truncate(join(root, '_indices', 'b', 'page_lookup.lance'), 1);
  expect(await findMissingFiles(store, segments)).toEqual(['_indices/b/page_lookup.lance']);
});

test('files of an entry that has a base are looked for there', async () => {
  const { segments, store, root } = await setUp();
  await uploadSegments(store, segments);
  const clone = localStore(join(root, '..', 'clone.lance'));
  const bases = [
    { id: 0, path: `file://${root}`, isTableRoot: true },
    { id: 1, path: join(root, '_indices'), isTableRoot: false },
    { id: 2, path: `${root}/elsewhere/`, isTableRoot: true },
    { id: 3, path: 's3://bucket/t.lance', isTableRoot: true },
  ];
  const missing = (baseId: number | null) =>
    findMissingFiles(
      clone,
      segments.slice(1).map((segment) => ({ ...segment, baseId })),
      bases,
    );
  expect(await missing(0)).toEqual([]);
  expect(await missing(1)).toEqual([]);
  const names = ['page_data.lance', 'page_lookup.lance'];
  expect(await missing(2)).toEqual(names.map((name) => `${root}/elsewhere/_indices/b/${name}`));
  expect(await missing(null)).toEqual(names.map((name) => `_indices/b/${name}`));
  expect(await missing(9)).toEqual(names.map((name) => `b/${name} in base 9, which the manifest does not name`));
  // They were not looked for, so that they do not count as missing.
  expect(await missing(3)).toEqual([]);
  await truncate(join(root, '_indices', 'b', 'page_lookup.lance'), 1);
  expect(await missing(0)).toEqual([`${root}/_indices/b/page_lookup.lance`]);
});

test('taking segments away leaves the others, and may be done twice', async () => {
  const { segments, store, root } = await setUp();
  await uploadSegments(store, segments);
  await deleteUploaded(store, [{ uuid: 'a' }]);
  await deleteUploaded(store, [{ uuid: 'a' }]);
  expect(await readdir(join(root, '_indices'))).toEqual(['b']);
});
