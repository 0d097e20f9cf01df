import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { localStore } from '../../src/store/local-store.ts';
import type { ObjectStore } from '../../src/store/object-store.ts';
import { tempDir } from '../../testing/temp-dir.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const textOf = (content: Uint8Array | null) => content && new TextDecoder().decode(content);

/** A local file to import, in a folder that goes with the test. */
async function localFile(text: string, parent?: string): Promise<string> {
  const path = join(await tempDir(parent), 'file');
  await writeFile(path, text);
  return path;
}

/** What every store must do. `open` gives an empty one. */
function conformance(name: string, open: () => Promise<ObjectStore>): void {
  describe(name, () => {
    test('an object that is not there has no stat and no content, and its folder is empty', async () => {
      const store = await open();
      expect(await store.stat('a/b')).toBeNull();
      expect(await store.read('a/b')).toBeNull();
      expect(await store.list('a')).toEqual([]);
      expect(await store.list('a/b/c')).toEqual([]);
    });

    test('folders are named, and no objects; a folder that is not there is not an empty one', async () => {
      const store = await open();
      await store.putIfAbsent('a/b/c', [bytes('x')]);
      await store.putIfAbsent('a/d', [bytes('x')]);
      expect(await store.folders('')).toEqual(['a']);
      expect(await store.folders('a')).toEqual(['b']);
      expect(await store.folders('none')).toBeNull();
    });

    test('nothing is at a name that is too long to be one', async () => {
      const store = await open();
      const name = 'a'.repeat(1_025);
      expect(await store.stat(name)).toBeNull();
      expect(await store.read(name)).toBeNull();
      expect(await store.list(name)).toEqual([]);
    });

    test('what is created is read back, whole and in order, with its size', async () => {
      const store = await open();
      expect(await store.putIfAbsent('a/b', [bytes('one '), bytes(''), bytes('two')])).toBe('created');
      expect(textOf(await store.read('a/b'))).toBe('one two');
      expect((await store.stat('a/b'))?.bytes).toBe(7);
      expect(await store.list('a')).toEqual(['b']);
    });

    test('an object of no bytes is an object', async () => {
      const store = await open();
      expect(await store.putIfAbsent('a', [])).toBe('created');
      expect(await store.putIfAbsent('a', [bytes('x')])).toBe('exists');
      expect((await store.read('a'))?.length).toBe(0);
    });

    test('an object of very many parts and one of a large part are written in order', async () => {
      const store = await open();
      const parts = Array.from({ length: 5000 }, (_, at) => bytes(`${at},`));
      const large = new Uint8Array(5_000_003).map((_, at) => at * 31);
      expect(await store.putIfAbsent('many', [...parts, large, bytes('end')])).toBe('created');
      const digest = (content: Uint8Array) => createHash('sha256').update(content).digest('hex');
      const expected = Buffer.concat([...parts, large, bytes('end')]);
      expect(digest((await store.read('many')) ?? new Uint8Array())).toBe(digest(expected));
    });

    test('an object that is there is never changed by putIfAbsent', async () => {
      const store = await open();
      await store.putIfAbsent('a/b', [bytes('first')]);
      const before = await store.stat('a/b');
      expect(await store.putIfAbsent('a/b', [bytes('second')])).toBe('exists');
      expect(textOf(await store.read('a/b'))).toBe('first');
      expect(await store.stat('a/b')).toEqual(before);
      expect(await store.list('a')).toEqual(['b']);
    });

    test('of twenty who create at once exactly one succeeds, and its bytes are the object', async () => {
      const store = await open();
      for (let round = 0; round < 10; round++) {
        const writers = Array.from({ length: 20 }, (_, at) => `writer ${at} `.repeat(500));
        const outcomes = await Promise.all(writers.map((text) => store.putIfAbsent(`v/${round}`, [bytes(text)])));
        expect(outcomes.filter((outcome) => outcome === 'created')).toHaveLength(1);
        expect(textOf(await store.read(`v/${round}`))).toBe(writers[outcomes.indexOf('created')]);
      }
      expect(new Set(await store.list('v'))).toEqual(new Set(Array.from({ length: 10 }, (_, at) => `${at}`)));
    });

    test('an object appears only after what it waits for', async () => {
      const store = await open();
      const { promise, resolve } = Promise.withResolvers<void>();
      const putting = store.putIfAbsent('v/1', [bytes('x')], promise);
      await store.putIfAbsent('v/other', [bytes('y')]);
      expect(await store.stat('v/1')).toBeNull();
      resolve();
      expect(await putting).toBe('created');
      expect(textOf(await store.read('v/1'))).toBe('x');
    });

    test('an object does not appear at all when what it waits for fails, and nothing is left of it', async () => {
      const store = await open();
      await store.putIfAbsent('v/0', [bytes('')]);
      const failure = Promise.reject(new Error('not durable'));
      await expect(store.putIfAbsent('v/1', [bytes('x')], failure)).rejects.toThrow('not durable');
      expect(await store.list('v')).toEqual(['v/0'.slice(2)]);
      expect(await store.putIfAbsent('v/1', [bytes('x')])).toBe('created');
    });

    test('a reader never sees half an object, though it is replaced all the time', async () => {
      const store = await open();
      const contents = ['a', 'b'].map((letter) => letter.repeat(300_000));
      await store.put('hint', bytes(contents[0] ?? ''));
      let done = false;
      const writing = (async () => {
        for (let at = 0; at < 40; at++) await store.put('hint', bytes(contents[at % 2] ?? ''));
        done = true;
      })();
      while (!done) expect(contents).toContain(textOf(await store.read('hint')));
      await writing;
    });

    test('a replaced object has another tag, also when its size is the same', async () => {
      const store = await open();
      const tags = new Set<string | undefined>();
      for (let at = 0; at < 20; at++) {
        await store.put('hint', bytes(`version ${at % 10}`));
        tags.add((await store.stat('hint'))?.tag);
      }
      expect(tags.size).toBe(20);
      const last = await store.stat('hint');
      expect(await store.stat('hint')).toEqual(last);
    });

    test('an object removed and created anew has another tag', async () => {
      const store = await open();
      await store.putIfAbsent('a', [bytes('x')]);
      const before = await store.stat('a');
      await store.remove('a');
      await store.putIfAbsent('a', [bytes('x')]);
      expect((await store.stat('a'))?.tag).not.toBe(before?.tag);
    });

    test('a listing names objects directly in the folder, and nothing else', async () => {
      const store = await open();
      for (const key of ['v/1', 'v/2', 'v/deep/3', 'w/4', 'v2']) await store.putIfAbsent(key, [bytes(key)]);
      expect(new Set(await store.list('v'))).toEqual(new Set(['1', '2']));
    });

    test('another place can be read, and only read', async () => {
      const [store, other] = [await open(), await open()];
      await other.putIfAbsent('a/b', [bytes('theirs')]);
      const readable = store.readableAt(other.root);
      expect(textOf((await readable?.read('a/b')) ?? null)).toBe('theirs');
      expect([await readable?.list('a'), (await readable?.stat('a/b'))?.bytes]).toEqual([['b'], 6]);
      expect([store.readableAt('nowhere://a/b'), store.readableAt('no/place')]).toEqual([null, null]);
    });

    test('a local file is imported as it is, and is durable after sync', async () => {
      const store = await open();
      const path = await localFile('segment');
      await store.importFile(path, '_indices/u/page_data.lance');
      await store.sync(['_indices/u/page_data.lance']);
      expect(textOf(await store.read('_indices/u/page_data.lance'))).toBe('segment');
      expect(await store.list('_indices/u')).toEqual(['page_data.lance']);
    });

    test('a local file from another file system is imported too', async () => {
      const store = await open();
      const path = await localFile('from afar', '/dev/shm');
      await store.importFile(path, 'a/b');
      expect(textOf(await store.read('a/b'))).toBe('from afar');
    });

    test('a local file that is not there is an error, and leaves nothing', async () => {
      const store = await open();
      const importing = store.importFile(join(await tempDir(), 'none'), 'a/b');
      await expect(importing).rejects.toMatchObject({ code: 'store_unavailable' });
      expect(await store.stat('a/b')).toBeNull();
    });

    test('removing takes an object or a folder away, and may be done again', async () => {
      const store = await open();
      for (const key of ['a/1', 'a/2', 'a/b/3', 'ab/4']) await store.putIfAbsent(key, [bytes('x')]);
      await store.remove('a/1');
      await store.remove('a/1');
      expect(await store.list('a')).toEqual(['2']);
      await store.removeFolder('a');
      await store.removeFolder('a');
      expect([await store.list('a'), await store.list('a/b'), await store.list('ab')]).toEqual([[], [], ['4']]);
    });

    test('names may hold spaces, dots and letters of any language', async () => {
      const store = await open();
      const name = 'größe 100 % #1.lance';
      await store.putIfAbsent(`a b/${name}`, [bytes('x')]);
      expect(await store.list('a b')).toEqual([name]);
      expect((await store.stat(`a b/${name}`))?.bytes).toBe(1);
    });
  });
}

conformance('the local file system', async () => localStore(await tempDir()));

describe('the local file system, where it fails', () => {
  test('nothing but the object is left in its folder', async () => {
    const root = await tempDir();
    const store = localStore(root);
    const putting = Array.from({ length: 20 }, () => store.putIfAbsent('v/1', [bytes('x')]));
    await Promise.all([...putting, store.put('v/hint', bytes('y'))]);
    expect(new Set(await store.list('v'))).toEqual(new Set(['1', 'hint']));
  });

  test('the file that was imported and the one in the table are not the same later on', async () => {
    const path = await localFile('from afar', '/dev/shm');
    const root = await tempDir();
    expect((await stat(path)).dev).not.toBe((await stat(root)).dev);
    await localStore(root).importFile(path, 'a/b');
    expect(await readFile(join(root, 'a/b'), 'utf8')).toBe('from afar');
  });

  test('a root that another process deleted is not made again', async () => {
    const root = join(await tempDir(), 't.lance');
    const store = localStore(root);
    const path = await localFile('segment');
    for (const write of [
      () => store.putIfAbsent('v/1', [bytes('x')]),
      () => store.put('v/1', bytes('x')),
      () => store.importFile(path, 'v/1'),
    ]) {
      await expect(write()).rejects.toMatchObject({ code: 'store_unavailable' });
    }
    await expect(stat(root)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('a file where a folder should be is unavailable for writing and absent for reading', async () => {
    const root = await tempDir();
    await writeFile(join(root, 'v'), '');
    const store = localStore(root);
    for (const write of [() => store.putIfAbsent('v/1', [bytes('x')]), () => store.put('v/1', bytes('x'))]) {
      await expect(write()).rejects.toMatchObject({
        code: 'store_unavailable',
        message: expect.stringContaining('v/1'),
      });
    }
    expect([await store.read('v/1'), await store.stat('v/1'), await store.list('v')]).toEqual([null, null, []]);
  });

  test('a folder where an object should be is unavailable', async () => {
    const root = await tempDir();
    await mkdir(join(root, 'v'));
    await expect(localStore(root).read('v')).rejects.toMatchObject({ code: 'store_unavailable' });
  });

  test('a folder that may not be written to is denied, and stays empty', async () => {
    const root = await tempDir();
    await mkdir(join(root, 'v'));
    await chmod(join(root, 'v'), 0o555);
    const store = localStore(root);
    await asUnprivilegedUser(root, async () => {
      await expect(store.putIfAbsent('v/1', [bytes('x')])).rejects.toMatchObject({ code: 'store_denied' });
      await expect(store.put('v/1', bytes('x'))).rejects.toMatchObject({ code: 'store_denied' });
    });
    expect(await store.list('v')).toEqual([]);
  });

  test('a folder that may not be read is denied', async () => {
    const root = await tempDir();
    await mkdir(join(root, 'v'));
    await writeFile(join(root, 'v', '1'), '');
    await chmod(join(root, 'v'), 0);
    onTestFinished(() => chmod(join(root, 'v'), 0o755));
    const store = localStore(root);
    await asUnprivilegedUser(root, async () => {
      for (const read of [() => store.list('v'), () => store.read('v/1'), () => store.stat('v/1')]) {
        await expect(read()).rejects.toMatchObject({ code: 'store_denied' });
      }
    });
  });

  test('an object that was created, but whose folder cannot be made durable, may be there: that is no refusal', async () => {
    const root = await tempDir();
    await mkdir(join(root, 'v'));
    await chmod(join(root, 'v'), 0o333);
    const store = localStore(root);
    await asUnprivilegedUser(root, async () => {
      await expect(store.putIfAbsent('v/1', [bytes('x')])).rejects.toMatchObject({ code: 'store_unavailable' });
    });
    expect(await store.list('v')).toEqual(['1']);
  });

  test('a full disk is full, and leaves nothing behind', async () => {
    const script = new URL('./full-disk.ts', import.meta.url).pathname;
    // A file system of 64 KiB needs a mount, so it lives in a name space of its own, in a process of its own.
    const { stdout } = await promisify(execFile)('unshare', ['-Urm', process.execPath, script, await tempDir()]);
    expect(JSON.parse(stdout)).toEqual({
      created: 'created',
      put: 'store_full',
      replaced: 'store_full',
      left: ['small'],
    });
  });

  test('a read-only mount is denied, whether the folder is there or has to be made', async () => {
    const script = new URL('./read-only-mount.ts', import.meta.url).pathname;
    const args = [process.execPath, script, await tempDir(), await localFile('segment')];
    const { stdout } = await promisify(execFile)('unshare', ['-Urm', ...args]);
    const denied = 'store_denied EROFS';
    expect(JSON.parse(stdout)).toEqual({
      read: 1,
      list: ['1'],
      createInFolder: denied,
      createInNew: denied,
      put: denied,
      importFile: denied,
      remove: denied,
      removeFolder: denied,
      scratch: 'config_invalid EROFS',
    });
  });
});

/** Runs as a user without rights: root may do anything. Tests of a file run one after the other, in a process of their own. */
async function asUnprivilegedUser(root: string, run: () => Promise<void>): Promise<void> {
  if (process.geteuid?.() !== 0) return run();
  await chmod(root, 0o755);
  process.seteuid?.(65534);
  try {
    await run();
  } finally {
    process.seteuid?.(0);
  }
}
