import { expect, test } from 'vitest';
import { createOwnCommits } from '../../../src/control/own-commits.ts';

const URI = 's3://bucket/lake/t.lance';
const table = { id: 'lake/t', database: 'lake', name: 't', uri: URI };

test('a version that was noted is our own, with exactly its ETag', () => {
  const { note, isOwn } = createOwnCommits();
  note({ uri: URI, version: 7, tag: 'a1' });
  expect(isOwn({ table, version: 7, etag: 'a1' })).toBe(true);
  expect(isOwn({ table, version: 7, etag: 'A1' })).toBe(false);
  expect(isOwn({ table, version: 7, etag: '' })).toBe(false);
  expect(isOwn({ table, version: 8, etag: 'a1' })).toBe(false);
  expect(isOwn({ table: { ...table, uri: `${URI}s` }, version: 7, etag: 'a1' })).toBe(false);
});

test('without an ETag nothing is our own', () => {
  const { note, isOwn } = createOwnCommits();
  note({ uri: URI, version: 7, tag: 'a1' });
  expect(isOwn({ table, version: 7 })).toBe(false);
});

test('the same version of a table that was made anew is not our own, until we make it again', () => {
  const { note, isOwn } = createOwnCommits();
  note({ uri: URI, version: 7, tag: 'before' });
  expect(isOwn({ table, version: 7, etag: 'anew' })).toBe(false);
  note({ uri: URI, version: 7, tag: 'ours again' });
  expect(isOwn({ table, version: 7, etag: 'ours again' })).toBe(true);
  expect(isOwn({ table, version: 7, etag: 'before' })).toBe(false);
});

test('of more than are remembered the oldest are forgotten', () => {
  const { note, isOwn } = createOwnCommits(2);
  for (const version of [1, 2, 3]) note({ uri: URI, version, tag: `tag ${version}` });
  expect([1, 2, 3].map((version) => isOwn({ table, version, etag: `tag ${version}` }))).toEqual([false, true, true]);
});
