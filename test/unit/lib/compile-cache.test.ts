import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { compileCacheFolder, compileOnce } from '../../../src/lib/compile-cache.ts';
import { tempDir } from '../../../testing/temp-dir.ts';

const home = () => '/home/ada';
const homeless = () => {
  throw new Error('no such user');
};

test.each([
  [{}, home, '/home/ada/.cache/segmentd/compiled'],
  [{ XDG_CACHE_HOME: '/var/tmp/ada' }, home, '/var/tmp/ada/segmentd/compiled'],
  [{ XDG_CACHE_HOME: 'here' }, home, '/home/ada/.cache/segmentd/compiled'],
  [
    { CACHE_DIRECTORY: '/var/cache/service', XDG_CACHE_HOME: '/var/tmp/ada' },
    home,
    '/var/cache/service/segmentd/compiled',
  ],
  [{ NODE_COMPILE_CACHE: '/elsewhere' }, home, undefined],
  [{}, homeless, undefined],
])('with %j what is compiled is kept in a folder of the user, or not at all', (env, from, folder) => {
  expect(compileCacheFolder(env, from)).toBe(folder);
});

test('nothing is kept where no folder can be made', async () => {
  const kept: string[] = [];
  const cache = await tempDir();
  for (const folder of ['/proc/none', '/dev/null', cache]) {
    compileOnce({ XDG_CACHE_HOME: folder }, (it) => kept.push(it));
  }
  const made = join(cache, 'segmentd', 'compiled');
  expect([kept, existsSync(made)]).toEqual([[made], true]);
});
