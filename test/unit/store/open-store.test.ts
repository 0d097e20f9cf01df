import { readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { checkAccess, openStore, realLocation, storeKind, storesIn } from '../../../src/store/open-store.ts';
import type { StoreRequest } from '../../../src/store/store-request.ts';
import { tempDir } from '../../../testing/temp-dir.ts';
import { answeringServer } from './answering-server.ts';

const S3 = { access_key_id: 'id', secret_access_key: 'secret', allow_http: 'true' };

test.each([
  ['/data/lake', 'local', '/data/lake'],
  ['s3://bucket/lake', 's3', 's3://bucket/lake'],
  ['S3://bucket/lake//', 's3', 's3://bucket/lake'],
  ['gs://bucket', 'gs', 'gs://bucket'],
  ['az://container/lake/t.lance', 'az', 'az://container/lake/t.lance'],
] as const)('%s is a store of the kind %s, and no request is made', (uri, kind, root) => {
  const store = openStore(uri);
  expect([storeKind(uri), store.kind, store.root, store.remote]).toEqual([kind, kind, root, kind !== 'local']);
});

test.each(['s3a://bucket/lake', 's3://bucket/a%20b', 's3://bucket/../lake', 'nowhere://x'])('%s is no store', (uri) => {
  expect(() => openStore(uri)).toThrow(expect.objectContaining({ code: 'usage' }));
});

test('the engine is told the same options, with secrets read from their files each time', async () => {
  const file = join(await tempDir(), 'secret');
  const store = openStore('s3://bucket/lake', { access_key_id: 'id', secret_access_key_file: file });
  expect(() => store.engineOptions()).toThrow(expect.objectContaining({ code: 'config_invalid' }));
  for (const secret of ['first', 'second']) {
    await writeFile(file, `${secret}\n`);
    expect(store.engineOptions()).toEqual({ aws_access_key_id: 'id', aws_secret_access_key: secret });
  }
});

test('what lies in a database is opened with its options, and nothing else is', () => {
  const open = storesIn([
    { uri: 's3://bucket/lake', storageOptions: { region: 'eu-west-1' } },
    { uri: 's3://bucket/lake2', storageOptions: { region: 'eu-west-2' } },
  ]);
  expect(open('s3://bucket/lake/t.lance').engineOptions()).toEqual({ aws_region: 'eu-west-1' });
  expect(open('s3://bucket/lake2/t.lance').engineOptions()).toEqual({ aws_region: 'eu-west-2' });
  expect(open('s3://bucket/lake3').engineOptions()).toEqual({});
});

test('no SDK is loaded before a URI asks for it', () => {
  const folder = new URL('../../../src/store/', import.meta.url);
  const loaded = readdirSync(folder).filter((name) =>
    /^import (?!type )[^;]*from '(@aws-sdk|@azure|@google-cloud|google-auth)/m.test(
      readFileSync(new URL(name, folder), 'utf8'),
    ),
  );
  expect(loaded).toEqual([]);
});

test('only local places have other names', async () => {
  const folder = await tempDir();
  expect(await realLocation('s3://bucket/lake')).toBe('s3://bucket/lake');
  expect(await realLocation(folder)).toBe(folder);
});

describe('access', () => {
  const empty = { status: 200, body: '<ListBucketResult/>' };
  const created = { status: 200, headers: { etag: '"abc"' } };
  const taken = { status: 412 };

  async function opened() {
    const server = await answeringServer();
    const requests: StoreRequest[] = [];
    const store = openStore('s3://bucket/lake', { ...S3, endpoint: server.url }, (request) => requests.push(request));
    return { server, store, requests };
  }

  test('to an object store is one listing of the first level and the proof of the condition', async () => {
    const { server, store, requests } = await opened();
    server.answer(empty, created, taken, { status: 204 });
    await checkAccess(store, ['_indices']);
    expect(requests.map(({ operation, outcome }) => `${operation} ${outcome}`)).toEqual([
      ...['list ok', 'create ok', 'create taken', 'delete ok'],
    ]);
    expect(server.asked[0]?.url).toContain('delimiter=');
  });

  test('to one that overwrites is refused', async () => {
    const { server, store } = await opened();
    server.answer(empty, created, created, { status: 204 });
    await expect(checkAccess(store, [])).rejects.toMatchObject({ code: 'store_unfit' });
  });

  test('that may only read is denied', async () => {
    const { server, store } = await opened();
    server.answer(empty, { status: 403 });
    await expect(checkAccess(store, [])).rejects.toMatchObject({ code: 'store_denied' });
  });

  test('to a local folder is looked at, and nothing is written', async () => {
    await checkAccess(openStore(await tempDir()), ['_indices']);
  });
});
