import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeTransactionHead, encodeCreateIndex } from '../../../../src/lance/codec/transaction.ts';
import { indexEntry, message } from '../manifest-fixture.ts';

const added = [indexEntry({ uuid: 1 }), indexEntry({ uuid: 2 })];
const removed = [indexEntry({ uuid: 3 })];

test('a CreateIndex is what Lance reads as one', () => {
  const bytes = encodeCreateIndex({ uuid: 'u-1', readVersion: 5, added, removed, properties: { who: 'me', why: '' } });
  const expected = message(
    [1, 5],
    [2, 'u-1'],
    [4, message([1, 'who'], [2, 'me'])],
    [4, message([1, 'why'], [2, ''])],
    [103, message(...added.map((it) => [1, it] as const), ...removed.map((it) => [2, it] as const))],
  );
  expect(Buffer.from(bytes)).toEqual(Buffer.from(expected));
});

test('what it says of itself comes back', () => {
  fc.assert(
    fc.property(
      fc.maxSafeNat(),
      fc.uuid(),
      fc.uniqueArray(fc.tuple(fc.string({ minLength: 1 }), fc.string()), { selector: ([key]) => key }),
      (readVersion, uuid, entries) => {
        const properties = Object.fromEntries(entries.filter(([key]) => key !== '__proto__'));
        const head = decodeTransactionHead(encodeCreateIndex({ uuid, readVersion, added, removed: [], properties }));
        expect(head).toEqual({
          uuid,
          readVersion,
          operation: 'CreateIndex',
          properties: new Map(Object.entries(properties)),
        });
      },
    ),
  );
});

test.each([
  [100, 'Append'],
  [104, 'Rewrite'],
  [108, 'Update'],
  [115, 'DataOverlay'],
  [116, '116'],
  [4000, '4000'],
])('operation %i is called %s', (field, name) => {
  const head = decodeTransactionHead(message([1, 3], [2, 'u'], [3, 'tag'], [field, message([1, 2])], [20, 'new']));
  expect(head).toMatchObject({ uuid: 'u', readVersion: 3, operation: name });
});

test('a transaction without an operation has none', () => {
  expect(decodeTransactionHead(message([2, 'u'])).operation).toBe('none');
});

test('of a reservation it tells how many fragment ids, and of new segments whether they replace others', () => {
  const reservation = message([1, 3], [2, 'u'], [107, message([9, 'new'], [1, 12])]);
  expect(decodeTransactionHead(reservation)).toMatchObject({ operation: 'ReserveFragments', reserved: 12 });
  const replaces = (news: typeof added, olds: typeof removed) =>
    decodeTransactionHead(encodeCreateIndex({ uuid: 'u', readVersion: 1, added: news, removed: olds, properties: {} }))
      .replaces;
  expect([replaces(added, removed), replaces(added, []), replaces([], removed)]).toEqual([true, undefined, undefined]);
});
