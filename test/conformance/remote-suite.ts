/** What every object store must do beyond that: pages, markers of folders, parts, and an outcome for every error. */
import { randomBytes, randomUUID } from 'node:crypto';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { BlobDriver } from '../../src/store/blob-driver.ts';
import { openStore } from '../../src/store/open-store.ts';
import type { RemoteStore } from '../../src/store/remote-store.ts';
import { isRemote, remoteStore } from '../../src/store/remote-store.ts';
import type { Fault, LoggedRequest, StoreProxy } from '../../testing/stores/store-proxy.ts';
import { startStoreProxy } from '../../testing/stores/store-proxy.ts';
import type { StoreServer } from '../../testing/stores/store-server.ts';
import { bytes, created, exists, localFolder, namesIn, textOf } from './store-suite.ts';

export type Backend = {
  readonly kind: BlobDriver['kind'];
  readonly server: StoreServer;
  /** A bucket that is there. */
  readonly bucket: string;
  driver(
    bucket: string,
    options: Record<string, string>,
    limits?: { wholeBytes: number; partBytes: number },
  ): BlobDriver;
  /** Whether a request sends a part of a file. */
  isPart(request: LoggedRequest): boolean;
  /** How many parts lie in the store without being an object; undefined when that cannot be told. */
  partsLeft?(): Promise<number>;
};

/** Tables of one database, so that its condition is proven once. */
export const rootIn = ({ kind, bucket }: Pick<Backend, 'kind' | 'bucket'>) =>
  `${kind}://${bucket}/lake/${randomUUID()}.lance`;

/** A store without anything in it. */
export function openRemote(root: string, options: Record<string, string>): RemoteStore {
  const store = openStore(root, options);
  if (!isRemote(store)) throw new Error(`${root} is a local folder`);
  return store;
}

const MIB = 1024 * 1024;

export function remoteSuite(backend: () => Backend): void {
  const open = (root = rootIn(backend())) => openRemote(root, backend().server.storageOptions);
  pagesAndMarkers(backend, open);
  errorsOfStores(backend);
  errorsOnTheWay(backend);
  parts(backend);
}

function pagesAndMarkers(backend: () => Backend, open: () => RemoteStore): void {
  test('pages come in order, one beginning where the other ended', async () => {
    const { kind, driver, server } = backend();
    const names = Array.from({ length: 10 }, (_, at) => `${at}`);
    const store = open();
    await Promise.all([...names, '3a/deep', '3b/deep', '3b/deeper'].map((name) => store.put(`v/${name}`, bytes(name))));
    let pages = 0;
    const openBucket = (bucket: string): BlobDriver => {
      const inner = driver(bucket, server.storageOptions);
      const list: BlobDriver['list'] = async (request, signal) => {
        const page = await inner.list({ ...request, limit: 3 }, signal);
        // One of the emulators does not count folders.
        expect(page.objects.length).toBeLessThanOrEqual(3);
        pages += 1;
        return page;
      };
      return { ...inner, list };
    };
    const paged = remoteStore(store.root, { kind, openBucket, engineOptions: () => ({}), identity: '' });
    expect(await namesIn(paged, 'v')).toEqual(names);
    expect(pages).toBeGreaterThanOrEqual(4);
    expect((await paged.folders('v'))?.sort()).toEqual(['3a', '3b']);
    await paged.removeFolder('v');
    expect(await store.folders('')).toBeNull();
  });

  test('an object that marks a folder is none of those in it, whatever the limit', async () => {
    const store = open();
    await store.put('v/', bytes(''));
    expect([await store.list('v'), await store.list('v', 1), await store.folders('v')]).toEqual([[], [], []]);
    await store.put('v/1', bytes('x'));
    await store.put('v/2', bytes('x'));
    expect(await namesIn(store, 'v')).toEqual(['1', '2']);
    expect((await store.list('v', 1)).map(({ name }) => name)).toEqual(['1']);
    await store.removeFolder('v');
    // Not by its folders: s3proxy, whose buckets are folders itself, sometimes keeps one that has just lost its last objects.
    expect([await store.stat('v/'), await store.stat('v/1'), await store.survey('')]).toEqual([null, null, []]);
  });
}

/** With a folder to import. */
const writes = (store: RemoteStore, folder: string) => ({
  list: () => store.list('v'),
  create: () => store.putIfAbsent('v/1', [bytes('x')]),
  importFolder: () => store.importFolder(folder, 'v', ['file']),
});

function errorsOfStores(backend: () => Backend): void {
  test('a bucket that is not there is named, and is no empty folder', async () => {
    const { kind, server } = backend();
    const store = openRemote(`${kind}://no-such-bucket/lake/t.lance`, server.storageOptions);
    for (const call of Object.values(writes(store, await localFolder('x')))) {
      await expect(call()).rejects.toMatchObject({
        code: 'store_unavailable',
        message: expect.stringContaining('no-such-bucket: '),
      });
    }
  });

  test('a port where nobody listens is unavailable', async () => {
    const { server } = backend();
    const store = openRemote(rootIn(backend()), server.storageOptionsAt('http://127.0.0.1:1'));
    await expect(store.putIfAbsent('v/1', [bytes('x')])).rejects.toMatchObject({ code: 'store_unavailable' });
    await expect(store.list('v')).rejects.toMatchObject({ code: 'store_unavailable' });
  });
}

/** For servers that look at credentials. `wrong`: options with another secret than theirs. */
export function secretSuite(backend: () => Backend, wrong: Record<string, string>): void {
  test('a wrong secret is denied, by every kind of request', async () => {
    const store = openRemote(rootIn(backend()), { ...backend().server.storageOptions, ...wrong });
    const calls = {
      ...writes(store, await localFolder('x')),
      stat: () => store.stat('v/1'),
      read: () => store.read('v/1'),
    };
    for (const call of Object.values(calls)) await expect(call()).rejects.toMatchObject({ code: 'store_denied' });
    await expect(store.proveCondition()).rejects.toMatchObject({ code: 'store_denied' });
  });
}

/** A store behind a proxy, whose condition is proven; faults meet requests that write what is called victim. */
async function behindProxy(backend: Backend): Promise<{ store: RemoteStore; direct: RemoteStore; proxy: StoreProxy }> {
  const { server } = backend;
  const proxy = await startStoreProxy(server.endpoint);
  onTestFinished(() => proxy.stop());
  const root = rootIn(backend);
  const store = openRemote(root, server.storageOptionsAt(proxy.url));
  await store.proveCondition();
  proxy.clear();
  return { store, direct: openRemote(root, server.storageOptions), proxy };
}

const isVictim = ({ path, query }: LoggedRequest) => `${path}?${query}`.includes('victim');

function errorsOnTheWay(backend: () => Backend): void {
  describe('a creation that is met by', () => {
    test.each([
      [{ status: 412, code: 'PreconditionFailed' }, exists],
      [{ status: 409, code: 'ConditionalRequestConflict' }, exists],
      [{ status: 403, code: 'AccessDenied' }, 'store_denied'],
      [{ status: 500, code: 'InternalError' }, 'store_unavailable'],
      [{ status: 503, code: 'SlowDown' }, 'store_unavailable'],
      [{ status: 501, code: 'NotImplemented' }, 'store_unfit'],
      ['reset-before', 'store_unavailable'],
    ] satisfies [Fault, unknown][])('%j is tried once, and creates nothing', async (fault, outcome) => {
      const { store, direct, proxy } = await behindProxy(backend());
      proxy.inject({ match: isVictim, fault });
      const creating = store.putIfAbsent('v/victim', [bytes('x')]);
      if (typeof outcome === 'string') await expect(creating).rejects.toMatchObject({ code: outcome });
      else expect(await creating).toEqual(outcome);
      expect(proxy.requests).toHaveLength(1);
      expect(await direct.stat('v/victim')).toBeNull();
    });

    test.each([{ status: 500, code: 'InternalError', after: true }, 'reset-after'] satisfies Fault[])(
      '%j after it was done is not taken for undone',
      async (fault) => {
        const { store, direct, proxy } = await behindProxy(backend());
        proxy.inject({ match: isVictim, fault });
        await expect(store.putIfAbsent('v/victim', [bytes('x')])).rejects.toMatchObject({ code: 'store_unavailable' });
        expect(proxy.requests).toHaveLength(1);
        expect(textOf(await direct.read('v/victim'))).toBe('x');
      },
    );
  });

  test('a reading, a listing and an upload outlive a store that is busy once', async () => {
    const { store, direct, proxy } = await behindProxy(backend());
    expect(await direct.putIfAbsent('victim/1', [bytes('x')])).toEqual(created);
    const folder = await localFolder('segment');
    const calls = [
      () => store.read('victim/1'),
      () => store.stat('victim/1'),
      () => store.list('victim'),
      () => store.importFolder(folder, 'victim', ['file']),
    ];
    const once = calls.map((call) => {
      proxy.inject({ match: isVictim, fault: { status: 503, code: 'SlowDown' }, times: 1 });
      return call();
    });
    await Promise.all(once);
    expect(textOf(await direct.read('victim/file'))).toBe('segment');
    expect(proxy.requests.filter(({ status }) => status === 503)).toHaveLength(4);
  });
}

function parts(backend: () => Backend): void {
  const LIMITS = { wholeBytes: MIB, partBytes: 5 * MIB };
  const FILE_BYTES = 6 * MIB;

  /** A store behind a proxy that sends files of more than a MiB in parts. */
  async function inParts() {
    const { server, kind, driver } = backend();
    const { proxy, direct } = await behindProxy(backend());
    const openBucket = (bucket: string) => driver(bucket, server.storageOptionsAt(proxy.url), LIMITS);
    const store = remoteStore(direct.root, { kind, openBucket, engineOptions: () => ({}), identity: '' });
    const content = randomBytes(FILE_BYTES);
    return { store, direct, proxy, content, folder: await localFolder(content) };
  }

  test('a large file goes up in parts, and is whole', async () => {
    const { store, direct, proxy, content, folder } = await inParts();
    await store.importFolder(folder, 'victim', ['file']);
    expect(proxy.requests.filter(backend().isPart).length).toBeGreaterThan(1);
    expect(content.equals((await direct.read('victim/file'))?.content ?? new Uint8Array())).toBe(true);
    expect((await backend().partsLeft?.()) ?? 0).toBe(0);
  });

  test('a large file of which a part does not arrive leaves nothing', async () => {
    const { store, direct, proxy, folder } = await inParts();
    let seen = 0;
    proxy.inject({
      match: (request) => backend().isPart(request) && ++seen > 1,
      fault: { status: 400, code: 'InvalidRequest' },
    });
    await expect(store.importFolder(folder, 'victim', ['file'])).rejects.toMatchObject({ code: 'store_unavailable' });
    expect(await direct.stat('victim/file')).toBeNull();
    expect((await backend().partsLeft?.()) ?? 0).toBe(0);
  });
}
