import { expect, test } from 'vitest';
import { compileCacheFolder } from '../../../src/lib/compile-cache.ts';

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
