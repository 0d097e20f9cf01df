import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { SegmentIdentity } from '../../../../src/lance/codec/index-metadata.ts';
import {
  decodeIndexMetadata,
  encodeSegment,
  formatUuid,
  indexDecoder,
} from '../../../../src/lance/codec/index-metadata.ts';
import { copyFields } from '../../../../src/lance/codec/wire.ts';
import { SegmentdError } from '../../../../src/lib/errors.ts';
import type { WireField } from '../manifest-fixture.ts';
import { BTREE_DETAILS, bitmap, indexEntry, message, uuidBytes, uuidText } from '../manifest-fixture.ts';

const IDENTITY: SegmentIdentity = {
  name: 'id_idx',
  datasetVersion: 7,
  fragments: [4, 2],
  createdAtMs: 1_700_000_000_123,
  details: null,
  files: [
    { path: 'page_data.lance', bytes: 5000 },
    { path: 'page_lookup.lance', bytes: 70 },
  ],
};

/** What LanceDB's builder leaves in the manifest of a view. */
const built = (...more: readonly WireField[]) =>
  indexEntry({
    uuid: 3,
    name: 'of_the_view',
    version: 1,
    fragments: [9],
    more: [[10, message([1, 'old'], [2, 1])], ...more],
  });

test('decodes an entry', () => {
  const raw = indexEntry({
    uuid: 0xabcd,
    fragments: [3, 1],
    version: 12,
    more: [
      [10, message([1, 'page_data.lance'], [2, 4096], [3, 99])],
      [10, message([1, 'page_lookup.lance'], [2, 12])],
    ],
  });
  expect({ ...decodeIndexMetadata(raw), fragments: undefined }).toEqual({
    raw,
    uuid: uuidText(0xabcd),
    fields: [0],
    name: 'id_idx',
    datasetVersion: 12,
    fragments: undefined,
    typeUrl: '/lance.table.BTreeIndexDetails',
    details: message([6, BTREE_DETAILS]),
    indexVersion: 0,
    createdAtMs: 1_700_000_000_000,
    baseId: null,
    files: [
      { path: 'page_data.lance', bytes: 4096 },
      { path: 'page_lookup.lance', bytes: 12 },
    ],
    hasCoveringFields: false,
  });
  expect(Array.from(decodeIndexMetadata(raw).fragments ?? [])).toEqual([1, 3]);
});

test('no bitmap and a bitmap of no bytes both mean unknown', () => {
  expect(decodeIndexMetadata(indexEntry({ uuid: 1, fragments: null })).fragments).toBeNull();
  expect(decodeIndexMetadata(indexEntry({ uuid: 1, fragments: null, more: [[5, '']] })).fragments).toBeNull();
  expect(decodeIndexMetadata(indexEntry({ uuid: 1, fragments: [] })).fragments).toHaveLength(0);
});

test('base 0 is a base too', () => {
  expect(decodeIndexMetadata(indexEntry({ uuid: 1, more: [[9, 0]] })).baseId).toBe(0);
});

test('covering fields are seen', () => {
  expect(decodeIndexMetadata(indexEntry({ uuid: 1, more: [[11, 4]] })).hasCoveringFields).toBe(true);
});

test.each([
  ['no uuid', message([3, 'x'])],
  ['a short uuid', message([1, message([1, new Uint8Array(15)])])],
  ['an empty uuid', message([1, message([1, ''])])],
  ['a bitmap that is none', message([1, message([1, uuidBytes(1)])], [5, 'not roaring'])],
])('refuses %s', (_name, raw) => {
  expect(() => decodeIndexMetadata(raw)).toThrow(expect.objectContaining({ code: 'table_index_unreadable' }));
});

test('any bytes at all are read or refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      try {
        decodeIndexMetadata(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(SegmentdError);
      }
    }),
    { numRuns: 1000 },
  );
});

test('uuids are written with hyphens and leading zeros', () => {
  const bytes = Uint8Array.from({ length: 16 }, (_, at) => at * 17);
  expect(formatUuid(bytes)).toBe('00112233-4455-6677-8899-aabbccddeeff');
  expect(formatUuid(uuidBytes(10))).toBe('00000000-0000-0000-0000-00000000000a');
});

test('a segment is published under the identity it has in the table', () => {
  const entry = decodeIndexMetadata(encodeSegment(built(), IDENTITY));
  expect({ ...entry, raw: undefined, fragments: Array.from(entry.fragments ?? []) }).toEqual({
    raw: undefined,
    uuid: uuidText(3),
    fields: [0],
    name: 'id_idx',
    datasetVersion: 7,
    fragments: [2, 4],
    typeUrl: '/lance.table.BTreeIndexDetails',
    details: message([6, BTREE_DETAILS]),
    indexVersion: 0,
    createdAtMs: 1_700_000_000_123,
    baseId: null,
    files: IDENTITY.files,
    hasCoveringFields: false,
  });
});

test('created_at is in milliseconds: a reader of nanoseconds would not open the table', () => {
  const [createdAt] = copyFields(encodeSegment(built(), IDENTITY), (field) => field === 8);
  expect(Buffer.from(createdAt ?? [])).toEqual(Buffer.from(message([8, 1_700_000_000_123])));
});

test('each field that is replaced stands there once', () => {
  const entry = encodeSegment(built([9, 5], [11, 7]), IDENTITY);
  const count = (field: number) => copyFields(entry, (it) => it === field).length;
  expect([3, 4, 5, 6, 7, 8, 9, 10, 11].map(count)).toEqual([1, 1, 1, 1, 1, 1, 0, 2, 0]);
});

test('the bitmap is the portable one of the ids', () => {
  const [bytes] = copyFields(encodeSegment(built(), IDENTITY), (field) => field === 5);
  expect(Buffer.from(bytes ?? [])).toEqual(Buffer.from(message([5, bitmap(2, 4)])));
});

test('a segment that covers nothing is never written: without a bitmap it would be trusted with everything', () => {
  expect(() => encodeSegment(built(), { ...IDENTITY, fragments: [] })).toThrow(
    expect.objectContaining({ code: 'internal' }),
  );
});

test('details are those of the siblings, where there are any', () => {
  const details = message([6, message([1, 'other/lance.table.BTreeIndexDetails'], [2, 'x'])]);
  const copied = copyFields(encodeSegment(built(), { ...IDENTITY, details }), (field) => field === 6);
  expect(copied.map((field) => Buffer.from(field))).toEqual([Buffer.from(details)]);
});

test('what the builder wrote beyond that is kept byte for byte', () => {
  const unknown = [
    [60, 'new'],
    [61, 2 ** 40],
  ] as const;
  const kept = copyFields(encodeSegment(built(...unknown), IDENTITY), (field) => field >= 60 || field === 7);
  expect(Buffer.concat(kept)).toEqual(Buffer.from(message([7, 0], ...unknown)));
});

test('a segment says the version that it is given instead of the one of its builder, once', () => {
  const entry = encodeSegment(built(), { ...IDENTITY, indexVersion: 1 });
  expect(copyFields(entry, (field) => field === 7).map((field) => Buffer.from(field))).toEqual([
    Buffer.from(message([7, 1])),
  ]);
});

test('entries are the same whether an older manifest had them, in another order, with others between, or not', () => {
  const entries = Array.from({ length: 80 }, (_, at) =>
    at % 3 === 0
      ? indexEntry({ uuid: at + 1, fragments: [at], version: at + 1, more: [[10, message([1, 'f'], [2, at])]] })
      : indexEntry({ uuid: at + 1, fragments: [at, at + 1], ...(at % 3 === 1 && { details: null }) }),
  );
  const some = fc.array(fc.constantFrom(...entries), { maxLength: 90 });
  fc.assert(
    fc.property(some, some, fc.boolean(), (before, now, isSimilar) => {
      const known = before.map(decodeIndexMetadata);
      const raws = (isSimilar ? before.filter((_, at) => at % 5 !== 2) : now).map((raw) => Uint8Array.from(raw));
      const decode = indexDecoder(known);
      expect(raws.map(decode)).toEqual(raws.map((raw) => decodeIndexMetadata(raw)));
    }),
    { numRuns: 300 },
  );
});

test('an entry that an older manifest had is not decoded again, and holds on to nothing of the older file', () => {
  const raw = indexEntry({ uuid: 5, fragments: [1, 2] });
  const known = { ...decodeIndexMetadata(raw), fileParameters: { unknown: 'it could not be read' } };
  const section = Uint8Array.from([9, 9, ...raw]);
  const found = indexDecoder([known])(section.subarray(2));
  expect(found.fragments).toBe(known.fragments);
  expect(found).toEqual(decodeIndexMetadata(raw));
  expect(found.raw.buffer).toBe(section.buffer);
  expect(found.details.buffer).toBe(section.buffer);
});

test('what stands for details that an entry lacks is found out anew', () => {
  const raw = indexEntry({ uuid: 5, fragments: [1, 2], details: null });
  const inferred = { ...decodeIndexMetadata(raw), typeUrl: '/lance.table.BTreeIndexDetails' };
  expect(indexDecoder([inferred])(Uint8Array.from(raw)).typeUrl).toBe(decodeIndexMetadata(raw).typeUrl);
});
