import { expect, test } from 'vitest';
import { RecentMap } from '../../../src/lib/recent-map.ts';

test('the key that was set the longest time ago makes room for a new one', () => {
  const map = new RecentMap<string, number>(3);
  map.set('a', 1).set('b', 2).set('c', 3).set('a', 4).set('d', 5);
  expect([...map]).toEqual([
    ['c', 3],
    ['a', 4],
    ['d', 5],
  ]);
});

test('setting a key again makes no other one go', () => {
  const map = new RecentMap<string, number>(2);
  map.set('a', 1).set('b', 2).set('b', 3);
  expect([...map.keys()]).toEqual(['a', 'b']);
});
