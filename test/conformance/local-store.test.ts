import { execFile } from 'node:child_process';
import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { loopTurn } from '../../src/lib/loop-turn.ts';
import { localStore } from '../../src/store/local-store.ts';
import { tempDir } from '../../testing/temp-dir.ts';
import { bytes, localFolder, namesIn, textOf } from './store-suite.ts';

describe('the local file system, where it fails', () => {
  test('content and tag are of one file, though another takes its name meanwhile', async () => {
    const store = localStore(await tempDir());
    const known = new Map<string | undefined, string>();
    const write = async (letter: string) => {
      await store.put('hint', bytes(letter.repeat(300_000)));
      known.set((await store.stat('hint'))?.tag, letter);
    };
    await write('a');
    const reading = store.read('hint');
    await write('b');
    for (const object of [await reading, await store.read('hint')]) {
      expect(textOf(object)?.slice(-1)).toBe(known.get(object?.tag));
    }
  });

  test('looks, which wait for nothing outside, go on in the next turn of the event loop once this one has been long', async () => {
    const store = localStore(await tempDir());
    await store.put('hint', bytes('x'));
    for (const isLong of [true, false]) {
      const long = vi.spyOn(loopTurn, 'isLong').mockReturnValue(isLong);
      onTestFinished(() => long.mockRestore());
      for (const look of [() => store.stat('hint'), () => store.stat('none'), () => store.read('hint')]) {
        let hasTurned = false;
        setImmediate(() => {
          hasTurned = true;
        });
        await look();
        expect(hasTurned).toBe(isLong);
      }
    }
  });

  test('nothing but the object is left in its folder', async () => {
    const root = await tempDir();
    const store = localStore(root);
    const putting = Array.from({ length: 20 }, () => store.putIfAbsent('v/1', [bytes('x')]));
    await Promise.all([...putting, store.put('v/hint', bytes('y'))]);
    expect(new Set(await namesIn(store, 'v'))).toEqual(new Set(['1', 'hint']));
  });

  test('the file that was imported and the one in the table are not the same later on', async () => {
    const folder = await localFolder('from afar', '/dev/shm');
    const root = await tempDir();
    expect((await stat(folder)).dev).not.toBe((await stat(root)).dev);
    await localStore(root).importFolder(folder, 'a/b', ['file']);
    expect(await readFile(join(root, 'a/b/file'), 'utf8')).toBe('from afar');
  });

  test('a root that another process deleted is not made again', async () => {
    const root = join(await tempDir(), 't.lance');
    const store = localStore(root);
    const folder = await localFolder('segment');
    for (const write of [
      () => store.putIfAbsent('v/1', [bytes('x')]),
      () => store.put('v/1', bytes('x')),
      () => store.importFolder(folder, 'v/1', ['file']),
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
    expect(await namesIn(store, 'v')).toEqual(['1']);
  });

  test('a full disk is full, and leaves nothing behind', async () => {
    const script = new URL('./full-disk.ts', import.meta.url).pathname;
    // A file system of 64 KiB needs a mount, so it lives in a name space of its own, in a process of its own.
    const { stdout } = await promisify(execFile)('unshare', ['-Urm', process.execPath, script, await tempDir()]);
    expect(JSON.parse(stdout)).toEqual({
      created: 'created',
      put: 'store_full',
      replaced: 'store_full',
      left: [{ name: 'small' }],
    });
  });

  test('more files are made durable at once than the process may open', async () => {
    const script = new URL('./many-files.ts', import.meta.url).pathname;
    const args = ['-c', 'ulimit -n 200 && exec "$@"', 'sh', process.execPath, script, await tempDir(), '500'];
    expect((await promisify(execFile)('sh', args)).stdout).toBe('synced 500');
  });

  test('a read-only mount is denied, whether the folder is there or has to be made', async () => {
    const script = new URL('./read-only-mount.ts', import.meta.url).pathname;
    const args = [process.execPath, script, await tempDir(), await localFolder('segment')];
    const { stdout } = await promisify(execFile)('unshare', ['-Urm', ...args]);
    const denied = 'store_denied EROFS';
    expect(JSON.parse(stdout)).toEqual({
      read: 1,
      list: [{ name: '1' }],
      createInFolder: denied,
      createInNew: denied,
      put: denied,
      importFolder: denied,
      remove: denied,
      removeFolder: denied,
      scratch: 'scratch_unusable EROFS',
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
