import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { RemoteStore } from '../../../src/store/remote-store.ts';
import { isRemote, remoteStore } from '../../../src/store/remote-store.ts';
import type { StoreRequest } from '../../../src/store/store-request.ts';
import { tempDir } from '../../../testing/temp-dir.ts';
import type { MemoryDriver } from './memory-driver.ts';
import { memoryDriver } from './memory-driver.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

type World = { store: RemoteStore; driver: MemoryDriver; requests: StoreRequest[]; buckets: Map<string, MemoryDriver> };

/** A table in a database of its own, unless another root is given. */
function open(root = 's3://bucket/lake/t.lance', driver = memoryDriver()): World {
  const requests: StoreRequest[] = [];
  const buckets = new Map([['bucket', driver]]);
  const store = remoteStore(root, {
    kind: 's3',
    openBucket(bucket) {
      const opened = buckets.get(bucket) ?? memoryDriver();
      buckets.set(bucket, opened);
      return opened;
    },
    engineOptions: (place) => ({ place }),
    identity: randomUUID(),
    onRequest: (request) => requests.push(request),
  });
  return { store, driver, requests, buckets };
}

/** The same, after the probe of the database. */
async function openProven(root?: string, driver?: MemoryDriver): Promise<World> {
  const world = open(root, driver);
  await world.store.proveCondition();
  world.driver.spent();
  world.requests.length = 0;
  return world;
}

describe('keys', () => {
  test('lie below the folder of the root', async () => {
    const { store, driver } = await openProven();
    await store.put('_versions/1', bytes('one'));
    expect(driver.spent()).toEqual(['put lake/t.lance/_versions/1']);
    expect(await store.stat('_versions/1')).toEqual({ bytes: 3, tag: 'tag 2' });
    expect(await store.read('_versions/1')).toEqual({ content: bytes('one'), tag: 'tag 2' });
    expect(await store.list('_versions')).toEqual([{ name: '1', stat: { bytes: 3, tag: 'tag 2' } }]);
  });

  test('are bare where the root is the bucket', async () => {
    const { store, driver } = await openProven('s3://bucket');
    await store.put('a', bytes('x'));
    expect(driver.spent()).toEqual(['put a']);
    expect((await store.list('')).map(({ name }) => name)).toEqual(['a']);
    await store.removeFolder('');
    expect(driver.objects.size).toBe(0);
  });

  test('longer than any can be lead nowhere, without a request', async () => {
    const { store, driver } = await openProven();
    const long = 'ö'.repeat(510);
    expect([await store.stat(long), await store.read(long), await store.list(long)]).toEqual([null, null, []]);
    expect(await store.folders(long)).toBeNull();
    expect(driver.spent()).toEqual([]);
  });
});

describe('a listing', () => {
  test('with a limit is one request for no more than that', async () => {
    const { store, driver, requests } = await openProven();
    for (const name of ['3', '1', '2']) await store.put(`v/${name}`, bytes(name));
    driver.spent();
    requests.length = 0;
    expect((await store.list('v', 1)).map(({ name }) => name)).toEqual(['1']);
    expect(driver.spent()).toEqual(['list lake/t.lance/v/ 1']);
    expect(requests).toEqual([{ store: 's3', operation: 'list', outcome: 'ok' }]);
  });

  test('leaves out the object that marks the folder, and asks on only when it got nothing else', async () => {
    const { store, driver } = await openProven();
    driver.objects.set('lake/t.lance/v/', { content: bytes(''), tag: 'marker' });
    expect(await store.list('v', 1)).toEqual([]);
    for (const name of ['1', '2', '3']) await store.put(`v/${name}`, bytes(name));
    driver.spent();
    expect((await store.list('v', 1)).map(({ name }) => name)).toEqual(['1']);
    expect(driver.spent()).toEqual(['list lake/t.lance/v/ 1', 'list lake/t.lance/v/ 1']);
    expect((await store.list('v', 2)).map(({ name }) => name)).toEqual(['1', '2']);
    expect((await store.list('v')).map(({ name }) => name)).toEqual(['1', '2', '3']);
  });

  test('goes beyond a page, each of which is a request', async () => {
    const { store, requests } = await openProven(undefined, memoryDriver({ pageSize: 4 }));
    const names = Array.from({ length: 10 }, (_, at) => `${at}`);
    for (const name of names) await store.put(`v/${name}`, bytes(name));
    requests.length = 0;
    expect((await store.list('v')).map(({ name }) => name)).toEqual(names);
    expect(requests).toHaveLength(3);
  });

  test('of folders tells an empty one from none', async () => {
    const { store, driver } = await openProven(undefined, memoryDriver({ pageSize: 2 }));
    expect(await store.folders('')).toBeNull();
    for (const key of ['a/1', 'b/1', 'c/d/1', 'e']) await store.put(key, bytes('x'));
    expect(await store.folders('')).toEqual(['a', 'b', 'c']);
    expect(await store.folders('a')).toEqual([]);
    driver.objects.set('lake/t.lance/empty/', { content: bytes(''), tag: 'marker' });
    expect(await store.folders('empty')).toEqual([]);
  });
});

test('a folder is removed page by page', async () => {
  const { store, driver } = await openProven();
  for (let at = 0; at < 2_500; at++) driver.objects.set(`lake/t.lance/a/${at}`, { content: bytes(''), tag: '' });
  driver.objects.set('lake/t.lance/ab', { content: bytes(''), tag: '' });
  await store.removeFolder('a');
  expect([...driver.objects.keys()]).toEqual(['lake/t.lance/ab']);
  expect(driver.spent().filter((call) => call.startsWith('remove'))).toHaveLength(3);
});

describe('another place', () => {
  test('of the same kind is read with the same options', async () => {
    const { store, buckets } = open();
    const other = store.readableAt('S3://other/base/t.lance/');
    expect(other?.root).toBe('s3://other/base/t.lance');
    buckets.get('other')?.objects.set('base/t.lance/data/a', { content: bytes('theirs'), tag: 'x' });
    expect((await other?.read('data/a'))?.content).toEqual(bytes('theirs'));
  });

  test.each([
    'gs://other/t.lance',
    '/other/t.lance',
    'file:///t.lance',
    's3://other/a%20b',
    's3://other/../x',
    's3:/x',
  ])('%s is none', (location) => {
    expect(open().store.readableAt(location)).toBeNull();
  });

  test('is reached by the engine with options for it', () => {
    const { store } = open();
    expect(store.engineOptions()).toEqual({ place: 's3://bucket/lake/t.lance' });
  });
});

describe('creation', () => {
  test('is one request, and tells the tag', async () => {
    const { store, driver } = await openProven();
    expect(await store.putIfAbsent('v/1', [bytes('a'), bytes('b')])).toEqual({ outcome: 'created', tag: 'tag 2' });
    expect(await store.putIfAbsent('v/1', [bytes('c')])).toEqual({ outcome: 'exists' });
    expect(driver.spent()).toEqual(['create lake/t.lance/v/1', 'create lake/t.lance/v/1']);
    expect((await store.read('v/1'))?.content).toEqual(Buffer.from('ab'));
  });

  test.each([
    ['denied', 'store_denied'],
    ['throttled', 'store_unavailable'],
    ['failed', 'store_unavailable'],
    ['missing', 'store_unavailable'],
    ['unfit', 'store_unfit'],
  ] as const)('that was %s is %s, and not tried again', async (kind, code) => {
    const { store, driver, requests } = await openProven();
    driver.instead.set('create', [kind]);
    await expect(store.putIfAbsent('v/1', [bytes('x')])).rejects.toMatchObject({ code });
    expect(driver.spent()).toEqual(['create lake/t.lance/v/1']);
    const outcome = kind === 'unfit' || kind === 'missing' ? 'failed' : kind;
    expect(requests).toEqual([{ store: 's3', operation: 'create', outcome }]);
  });

  test('waits for what comes before it, and does not happen when that fails', async () => {
    const { store, driver } = await openProven();
    const failure = Promise.reject(new Error('not uploaded'));
    await expect(store.putIfAbsent('v/1', [bytes('x')], failure)).rejects.toThrow('not uploaded');
    expect(driver.spent()).toEqual([]);
  });

  test('proves the store first, once for all tables of a database, beside what it waits for', async () => {
    const driver = memoryDriver();
    const requests: StoreRequest[] = [];
    const identity = randomUUID();
    const openAt = (root: string) =>
      remoteStore(root, {
        kind: 's3',
        openBucket: () => driver,
        engineOptions: () => ({}),
        identity,
        onRequest: (request) => requests.push(request),
      });
    const before = Promise.withResolvers<void>();
    driver.instead.set('remove', [async () => before.resolve()]);
    const putting = openAt('s3://bucket/lake/t.lance').putIfAbsent('v/1', [bytes('x')], before.promise);
    await putting;
    expect(driver.spent()).toHaveLength(4);
    await openAt('s3://bucket/lake/u.lance').putIfAbsent('v/1', [bytes('x')]);
    await openAt('s3://bucket/lake').putIfAbsent('note', [bytes('x')]);
    expect(driver.spent()).toEqual(['create lake/u.lance/v/1', 'create lake/note']);
    await openAt('s3://bucket/other/t.lance').proveCondition();
    expect(driver.spent().join()).toMatch(/^create (other\/\.segmentd-probe-[-0-9a-f]{36}),create \1,remove \1$/);
    expect(requests.map(({ operation, outcome }) => `${operation} ${outcome}`).slice(0, 4)).toEqual([
      ...['create ok', 'create taken', 'delete ok'],
      'create ok',
    ]);
  });

  test('does not happen in a store that overwrites', async () => {
    const { store, driver } = open(undefined, memoryDriver({ ignoresCondition: true }));
    await expect(store.putIfAbsent('v/1', [bytes('x')])).rejects.toMatchObject({
      code: 'store_unfit',
      message: expect.stringContaining('s3://bucket/lake:'),
    });
    expect(driver.objects.size).toBe(0);
  });
});

describe('a folder of files', () => {
  test('goes up, and stays where it was', async () => {
    const { store, driver } = await openProven();
    const folder = await tempDir();
    await writeFile(join(folder, 'page_data.lance'), 'segment');
    await store.importFolder(folder, '_indices/u', ['page_data.lance']);
    await store.sync(['_indices/u/page_data.lance']);
    expect(driver.spent()).toEqual(['upload lake/t.lance/_indices/u/page_data.lance']);
    expect((await store.read('_indices/u/page_data.lance'))?.content).toEqual(Buffer.from('segment'));
  });

  test('that is not there is an error without a request', async () => {
    const { store, driver } = await openProven();
    await expect(store.importFolder('/none', 'a', ['such'])).rejects.toMatchObject({ code: 'store_unavailable' });
    expect(driver.spent()).toEqual([]);
  });
});

test.each([
  ['denied', 'store_denied'],
  ['throttled', 'store_unavailable'],
  ['failed', 'store_unavailable'],
  ['taken', 'store_unavailable'],
] as const)('whatever is %s is %s, with the name of what it was about', async (kind, code) => {
  const { store, driver } = await openProven();
  for (const method of ['list', 'head', 'get', 'put', 'remove']) driver.instead.set(method, [kind]);
  for (const [call, about] of [
    [() => store.list('v'), 'list s3://bucket/lake/t.lance/v:'],
    [() => store.stat('v/1'), 'stat s3://bucket/lake/t.lance/v/1:'],
    [() => store.read('v/1'), 'read s3://bucket/lake/t.lance/v/1:'],
    [() => store.put('v/1', bytes('x')), 'write s3://bucket/lake/t.lance/v/1:'],
    [() => store.remove('v/1'), 'remove s3://bucket/lake/t.lance/v/1:'],
  ] as const) {
    await expect(call()).rejects.toMatchObject({ code, message: `cannot ${about} it was ${kind}` });
  }
});

test('a store knows whether it is remote', async () => {
  expect(isRemote(open().store)).toBe(true);
  expect(open().store).toMatchObject({
    kind: 's3',
    remote: true,
    listsInOrder: true,
    root: 's3://bucket/lake/t.lance',
  });
});
