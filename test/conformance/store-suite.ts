/** What every store must do. */
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { ObjectStore, PutResult, ReadableStore, StoredObject } from '../../src/store/object-store.ts';
import { tempDir } from '../../testing/temp-dir.ts';

export const bytes = (text: string) => new TextEncoder().encode(text);
export const textOf = (object: StoredObject | null) => object && new TextDecoder().decode(object.content);
export const namesIn = async (store: ReadableStore, folder: string) =>
  (await store.list(folder)).map(({ name }) => name);

/** Passes when the object was created. */
export const created = { outcome: 'created', tag: expect.any(String) };
export const exists = { outcome: 'exists' };

/** A local folder to import, with one `file`; goes with the test. */
export async function localFolder(content: string | Uint8Array, parent?: string): Promise<string> {
  const folder = join(await tempDir(parent), 'folder');
  await mkdir(folder);
  await writeFile(join(folder, 'file'), content);
  return folder;
}

const digest = (content: Uint8Array) => createHash('sha256').update(content).digest('hex');

/** `open` gives an empty store. `tags`: whether each writing has a tag of its own, or each content. */
export function storeSuite(open: () => Promise<ObjectStore>, tags: 'of writings' | 'of contents'): void {
  readingAndListing(open);
  creating(open);
  tagging(open, tags);
  importingAndRemoving(open);
}

function readingAndListing(open: () => Promise<ObjectStore>): void {
  test('an object that is not there has no stat and no content, and its folder is empty', async () => {
    const store = await open();
    expect(await store.stat('a/b')).toBeNull();
    expect(await store.read('a/b')).toBeNull();
    expect(await store.list('a')).toEqual([]);
    expect(await store.list('a/b/c')).toEqual([]);
  });

  test('folders are named, and no objects; a folder that is not there is not an empty one', async () => {
    const store = await open();
    expect((await store.folders('')) ?? []).toEqual([]);
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

  test('a reader never sees half an object, though it is replaced all the time', async () => {
    const store = await open();
    const contents = ['a', 'b'].map((letter) => letter.repeat(300_000));
    await store.put('hint', bytes(contents[0] ?? ''));
    let done = false;
    const times = store.remote ? 10 : 40;
    const writing = (async () => {
      for (let at = 0; at < times; at++) await store.put('hint', bytes(contents[at % 2] ?? ''));
      done = true;
    })();
    while (!done) expect(contents).toContain(textOf(await store.read('hint')));
    await writing;
  });

  test('a listing names objects directly in the folder, and nothing else', async () => {
    const store = await open();
    for (const key of ['v/1', 'v/2', 'v/deep/3', 'w/4', 'v2']) await store.putIfAbsent(key, [bytes(key)]);
    expect(new Set(await namesIn(store, 'v'))).toEqual(new Set(['1', '2']));
  });

  test('a survey has every object of a folder, those below it too, with its size and when it was written', async () => {
    const store = await open();
    const beganMs = Date.now();
    for (const key of ['v/1', 'v/a/b/2', 'w/3', 'v2']) await store.put(key, bytes(key));
    const found = (await store.survey('v')).sort((a, b) => a.name.localeCompare(b.name));
    expect(found.map(({ name, bytes: size }) => [name, size])).toEqual([
      ['1', 3],
      ['a/b/2', 7],
    ]);
    // Stores count in seconds, and by clocks of their own.
    for (const { modifiedMs } of found) expect(Math.abs(modifiedMs - beganMs)).toBeLessThan(60_000);
    expect(await store.survey('none')).toEqual([]);
  });

  test('a survey misses nothing because folders beside it are deleted meanwhile', async () => {
    const store = await open();
    await store.put('v/kept/1', bytes('x'));
    for (let round = 0; round < 5; round++) {
      const others = Array.from({ length: 20 }, (_, at) => `v/${round}-${at}`);
      await Promise.all(others.map((folder) => store.put(`${folder}/1`, bytes('x'))));
      const removing = Promise.all(others.map((folder) => store.removeFolder(folder)));
      expect((await store.survey('v')).map(({ name }) => name)).toContain('kept/1');
      await removing;
    }
  });

  test('a listing has no more objects than were asked for, in the order of names where the store has one', async () => {
    const store = await open();
    const names = ['b', 'a', 'C', 'ä', '10', '9'];
    for (const name of names) await store.putIfAbsent(`v/${name}`, [bytes(name)]);
    const all = await namesIn(store, 'v');
    expect(new Set(all)).toEqual(new Set(names));
    if (store.listsInOrder) expect(all).toEqual(['10', '9', 'C', 'a', 'b', 'ä']);
    for (const limit of [1, 2, 6, 7]) {
      const some = (await store.list('v', limit)).map(({ name }) => name);
      expect(some).toEqual(all.slice(0, limit));
    }
  });

  test('names may hold spaces, dots and letters of any language', async () => {
    const store = await open();
    const name = 'größe 100 % #1.lance';
    await store.putIfAbsent(`a b/${name}`, [bytes('x')]);
    expect(await namesIn(store, 'a b')).toEqual([name]);
    expect((await store.stat(`a b/${name}`))?.bytes).toBe(1);
    expect(textOf(await store.read(`a b/${name}`))).toBe('x');
    await store.remove(`a b/${name}`);
    expect(await store.stat(`a b/${name}`)).toBeNull();
  });

  test('another place can be read, and only read', async () => {
    const [store, other] = [await open(), await open()];
    await other.putIfAbsent('a/b', [bytes('theirs')]);
    const readable = store.readableAt(other.root);
    expect(textOf((await readable?.read('a/b')) ?? null)).toBe('theirs');
    expect(readable && [await namesIn(readable, 'a'), (await readable.stat('a/b'))?.bytes]).toEqual([['b'], 6]);
    expect([store.readableAt('nowhere://a/b'), store.readableAt('no/place')]).toEqual([null, null]);
  });
}

function creating(open: () => Promise<ObjectStore>): void {
  test('what is created is read back, whole and in order, with its size', async () => {
    const store = await open();
    expect(await store.putIfAbsent('a/b', [bytes('one '), bytes(''), bytes('two')])).toEqual(created);
    expect(textOf(await store.read('a/b'))).toBe('one two');
    expect((await store.stat('a/b'))?.bytes).toBe(7);
    expect(await namesIn(store, 'a')).toEqual(['b']);
  });

  test('an object of no bytes is an object', async () => {
    const store = await open();
    expect(await store.putIfAbsent('a', [])).toEqual(created);
    expect(await store.putIfAbsent('a', [bytes('x')])).toEqual(exists);
    expect((await store.read('a'))?.content.length).toBe(0);
  });

  test('an object of very many parts and one of a large part are written in order', async () => {
    const store = await open();
    const parts = Array.from({ length: 5000 }, (_, at) => bytes(`${at},`));
    const large = new Uint8Array(5_000_003).map((_, at) => at * 31);
    expect(await store.putIfAbsent('many', [...parts, large, bytes('end')])).toEqual(created);
    const expected = Buffer.concat([...parts, large, bytes('end')]);
    expect(digest((await store.read('many'))?.content ?? new Uint8Array())).toBe(digest(expected));
  });

  test('an object that is there is never changed by putIfAbsent', async () => {
    const store = await open();
    await store.putIfAbsent('a/b', [bytes('first')]);
    const before = await store.stat('a/b');
    expect(await store.putIfAbsent('a/b', [bytes('second')])).toEqual(exists);
    expect(textOf(await store.read('a/b'))).toBe('first');
    expect(await store.stat('a/b')).toEqual(before);
    expect(await namesIn(store, 'a')).toEqual(['b']);
  });

  test('of fifty who create at once exactly one succeeds, and its bytes are the object', async () => {
    const store = await open();
    for (let round = 0; round < 5; round++) {
      const writers = Array.from({ length: 50 }, (_, at) => `writer ${at} `.repeat(500));
      const results = await Promise.all(writers.map((text) => store.putIfAbsent(`v/${round}`, [bytes(text)])));
      const winners = results.filter(
        (result): result is PutResult & { outcome: 'created' } => result.outcome === 'created',
      );
      expect(winners).toHaveLength(1);
      const object = await store.read(`v/${round}`);
      expect(textOf(object)).toBe(writers[results.findIndex(({ outcome }) => outcome === 'created')]);
      expect(object?.tag).toBe(winners[0]?.tag);
    }
    expect(new Set(await namesIn(store, 'v'))).toEqual(new Set(Array.from({ length: 5 }, (_, at) => `${at}`)));
  });

  test('an object appears only after what it waits for', async () => {
    const store = await open();
    const { promise, resolve } = Promise.withResolvers<void>();
    const putting = store.putIfAbsent('v/1', [bytes('x')], promise);
    await store.putIfAbsent('v/other', [bytes('y')]);
    expect(await store.stat('v/1')).toBeNull();
    resolve();
    expect(await putting).toEqual(created);
    expect(textOf(await store.read('v/1'))).toBe('x');
  });

  test('an object does not appear at all when what it waits for fails, and nothing is left of it', async () => {
    const store = await open();
    await store.putIfAbsent('v/0', [bytes('')]);
    const failure = Promise.reject(new Error('not durable'));
    await expect(store.putIfAbsent('v/1', [bytes('x')], failure)).rejects.toThrow('not durable');
    expect(await namesIn(store, 'v')).toEqual(['0']);
    expect(await store.putIfAbsent('v/1', [bytes('x')])).toEqual(created);
  });
}

function tagging(open: () => Promise<ObjectStore>, tags: 'of writings' | 'of contents'): void {
  test('everything that tells a tag tells the same one', async () => {
    const store = await open();
    const put = await store.putIfAbsent('v/1', [bytes('content')]);
    const tag = put.outcome === 'created' ? put.tag : '';
    expect(tag).toMatch(/^[^"\s]+$/);
    expect(await store.stat('v/1')).toEqual({ bytes: 7, tag });
    expect((await store.read('v/1'))?.tag).toBe(tag);
    const [listed] = await store.list('v', 1);
    expect(listed?.name).toBe('1');
    // A listing may tell no stat; one that does tells this.
    expect(listed?.stat ?? { bytes: 7, tag }).toEqual({ bytes: 7, tag });
    expect(store.remote).toBe(listed?.stat !== undefined);
  });

  test('a tag changes when the content changes, also when the size is the same', async () => {
    const store = await open();
    const seen = new Set<string | undefined>();
    for (let at = 0; at < 10; at++) {
      await store.put('hint', bytes(`version ${at}`));
      seen.add((await store.stat('hint'))?.tag);
    }
    expect(seen.size).toBe(10);
    const last = await store.stat('hint');
    expect(await store.stat('hint')).toEqual(last);
  });

  test(`a tag is one ${tags}: the same bytes, written again or created anew`, async () => {
    const store = await open();
    const seen: (string | undefined)[] = [];
    const note = async () => seen.push((await store.stat('a'))?.tag);
    await store.putIfAbsent('a', [bytes('x')]);
    await note();
    await store.put('a', bytes('x'));
    await note();
    await store.remove('a');
    await store.putIfAbsent('a', [bytes('x')]);
    await note();
    expect(new Set(seen).size).toBe(tags === 'of writings' ? 3 : 1);
  });
}

function importingAndRemoving(open: () => Promise<ObjectStore>): void {
  test('a local folder is imported as it is, and is durable after sync', async () => {
    const store = await open();
    const folder = await localFolder('segment');
    await writeFile(join(folder, 'second'), 'of it');
    await store.importFolder(folder, '_indices/u', ['file', 'second']);
    await store.sync(['_indices/u/file', '_indices/u/second']);
    expect(textOf(await store.read('_indices/u/file'))).toBe('segment');
    expect(textOf(await store.read('_indices/u/second'))).toBe('of it');
    expect(new Set(await namesIn(store, '_indices/u'))).toEqual(new Set(['file', 'second']));
  });

  test('a local folder from another file system is imported too', async () => {
    const store = await open();
    const folder = await localFolder('from afar', '/dev/shm');
    await store.importFolder(folder, 'a/b', ['file']);
    expect(textOf(await store.read('a/b/file'))).toBe('from afar');
  });

  test('a local folder that is not there is an error, and leaves nothing', async () => {
    const store = await open();
    const importing = store.importFolder(join(await tempDir(), 'none'), 'a/b', ['file']);
    await expect(importing).rejects.toMatchObject({ code: 'store_unavailable' });
    expect(await store.stat('a/b/file')).toBeNull();
  });

  test('removing takes an object or a folder away, and may be done again', async () => {
    const store = await open();
    for (const key of ['a/1', 'a/2', 'a/b/3', 'ab/4']) await store.putIfAbsent(key, [bytes('x')]);
    await store.remove('a/1');
    await store.remove('a/1');
    expect(await namesIn(store, 'a')).toEqual(['2']);
    await store.removeFolder('a');
    await store.removeFolder('a');
    const left = await Promise.all(['a', 'a/b', 'ab'].map((folder) => namesIn(store, folder)));
    expect(left).toEqual([[], [], ['4']]);
  });
}
