import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { decodeIndexMetadata } from '../../../../src/lance/codec/index-metadata.ts';
import { isOwnUuid, ownUuid, withUuid } from '../../../../src/lance/codec/own-uuid.ts';
import { indexEntry } from '../manifest-fixture.ts';

test('what segmentd names is a uuid of version 4 that it knows again, each time another', () => {
  const uuids = Array.from({ length: 100 }, ownUuid);
  for (const uuid of uuids)
    expect(uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(uuids.every(isOwnUuid)).toBe(true);
  expect(new Set(uuids).size).toBe(100);
});

test('those of others, and what is no uuid, are not ours', () => {
  const others = Array.from({ length: 1_000 }, () => randomUUID());
  expect(others.filter(isOwnUuid)).toEqual([]);
  const own = ownUuid();
  for (const text of ['', 'index', own.toUpperCase(), `${own}0`, own.slice(1)]) expect(isOwnUuid(text)).toBe(false);
});

test('an entry under another uuid is otherwise the same', () => {
  const entry = indexEntry({ uuid: 7, fragments: [1, 2] });
  const uuid = ownUuid();
  const { raw: _, ...before } = decodeIndexMetadata(entry);
  const { raw: __, ...after } = decodeIndexMetadata(withUuid(entry, uuid));
  expect(after).toEqual({ ...before, uuid });
});
