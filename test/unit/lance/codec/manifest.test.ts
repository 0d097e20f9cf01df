import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ManifestChange } from '../../../../src/lance/codec/manifest.ts';
import { parseManifest, spliceManifest } from '../../../../src/lance/codec/manifest.ts';
import { manifestMessageOf, sectionAt } from '../../../../src/lance/codec/manifest-file.ts';
import { encodeCreateIndex } from '../../../../src/lance/codec/transaction.ts';
import { copyFields } from '../../../../src/lance/codec/wire.ts';
import { SegmentdError } from '../../../../src/lib/errors.ts';
import type { ManifestSpec } from '../manifest-fixture.ts';
import { container, fragment, indexEntry, manifestFile, message, uuidText } from '../manifest-fixture.ts';

const transaction = (uuid: string) =>
  encodeCreateIndex({ uuid, readVersion: 1, added: [], removed: [], properties: {} });

const change = (more: Partial<ManifestChange> = {}): ManifestChange => ({
  version: 2,
  timestampMs: 1_800_000_000_456,
  writer: { library: 'segmentd', version: '1.2.3' },
  transaction: transaction('ours'),
  transactionFile: '1-ours.txn',
  added: [{ entry: indexEntry({ uuid: 50, fragments: [1] }) }],
  removed: new Set(),
  ...more,
});

const splice = (spec: ManifestSpec, more: Partial<ManifestChange> = {}) => {
  const parts = spliceManifest(parseManifest(manifestFile(spec)), change(more));
  return new Uint8Array(Buffer.concat(parts));
};
const fieldOf = (file: Uint8Array, field: number) =>
  Buffer.concat(copyFields(manifestMessageOf(file), (it) => it === field));

test('parses what a manifest says', () => {
  const manifest = parseManifest(
    manifestFile({
      version: 9,
      fragments: [
        { id: 3, rows: 5 },
        { id: 4, rows: 6 },
      ],
      indexes: [{ uuid: 1 }, { uuid: 2, name: 'name_idx', fields: [1] }],
      readerFlags: 1n,
      writerFlags: 9n,
      transaction: transaction('theirs'),
      transactionFile: '8-theirs.txn',
      more: [[18, message([1, 5], [2, 'alias'], [3, 1], [4, '/base'])]],
    }),
  );
  expect(manifest).toMatchObject({
    version: 9,
    timestampMs: 1_700_000_000_250,
    readerFlags: 1n,
    writerFlags: 9n,
    writer: { library: 'lance', version: '12.0.0' },
    dataFormat: '2.2',
    basePaths: [{ id: 5, path: '/base', isTableRoot: true }],
    transactionFile: '8-theirs.txn',
    transaction: { uuid: 'theirs', operation: 'CreateIndex' },
  });
  expect(manifest.schema.map(({ name }) => name)).toEqual(['id', 'name']);
  expect(Array.from(manifest.fragments.ids)).toEqual([3, 4]);
  expect(manifest.indexes.map(({ name, uuid }) => [name, uuid])).toEqual([
    ['id_idx', uuidText(1)],
    ['name_idx', uuidText(2)],
  ]);
});

test('a manifest without indexes, transaction, writer and data format says so', () => {
  const bare = container([message([3, 4])]);
  expect(parseManifest(bare)).toMatchObject({
    version: 4,
    indexes: [],
    transaction: null,
    writer: null,
    dataFormat: null,
  });
});

test('flags are read with all their 64 bits', () => {
  expect(parseManifest(manifestFile({ readerFlags: 2n ** 63n, writerFlags: 2n ** 53n })).readerFlags).toBe(2n ** 63n);
});

test('the transaction is found where newer Lance notes it', () => {
  const section = transaction('theirs');
  const file = container([section, message([3, 4], [23, 0])]);
  expect(parseManifest(file).transaction?.uuid).toBe('theirs');
});

test('the next manifest says what the change says, and all else as before', () => {
  const before = parseManifest(manifestFile({ indexes: [{ uuid: 1 }], transaction: transaction('theirs') }));
  const file = new Uint8Array(Buffer.concat(spliceManifest(before, change())));
  const after = parseManifest(file);
  expect(after).toMatchObject({
    version: 2,
    timestampMs: 1_800_000_000_456,
    writer: { library: 'segmentd', version: '1.2.3' },
    transactionFile: '1-ours.txn',
    transaction: { uuid: 'ours' },
    schema: before.schema,
    readerFlags: before.readerFlags,
    dataFormat: before.dataFormat,
  });
  expect(after.indexes.map(({ uuid }) => uuid)).toEqual([uuidText(1), uuidText(50)]);
  expect(fieldOf(file, 2)).toEqual(fieldOf(before.file, 2));
});

test('new segments come last, and those removed go, whatever else shares their name', () => {
  const file = splice(
    { indexes: [{ uuid: 1 }, { uuid: 2 }, { uuid: 3, name: 'other' }] },
    {
      added: [{ entry: indexEntry({ uuid: 8 }) }, { entry: indexEntry({ uuid: 9 }) }],
      removed: new Set([uuidText(1), uuidText(77)]),
    },
  );
  expect(parseManifest(file).indexes.map(({ uuid }) => uuid)).toEqual([2, 3, 8, 9].map(uuidText));
});

test('unknown fields survive byte for byte: of the manifest, the index section, an entry, a fragment, a schema field', () => {
  const [inManifest, inSection] = [message([70, 'manifest'], [71, 2 ** 50]), message([72, 'section'])];
  const entry = indexEntry({ uuid: 1, more: [[73, 'entry']] });
  const part = fragment({ id: 0, more: [[74, 'fragment']] });
  const file = splice({
    fragments: [part],
    indexes: [entry],
    moreIndexes: [[72, 'section']],
    more: [
      [70, 'manifest'],
      [71, 2 ** 50],
      [1, message([2, 'x'], [3, 9], [75, 'field'])],
    ],
  });
  const after = parseManifest(file);
  expect(Buffer.concat([fieldOf(file, 70), fieldOf(file, 71)])).toEqual(Buffer.from(inManifest));
  expect(Buffer.concat(copyFields(after.indexSection, (field) => field === 72))).toEqual(Buffer.from(inSection));
  expect(Buffer.from(after.indexes[0]?.raw ?? [])).toEqual(Buffer.from(entry));
  expect(Buffer.from(after.fragments.bytesOf(0))).toEqual(Buffer.from(part));
  expect(fieldOf(file, 1).includes('field')).toBe(true);
});

test('any mix of fields keeps those that are not replaced, byte for byte and in their order', () => {
  // 1 to 23 are defined; the others are unknown fields.
  const unknown = fc.array(
    fc.tuple(fc.integer({ min: 24, max: 5000 }), fc.oneof(fc.maxSafeNat(), fc.string(), fc.uint8Array())),
    { maxLength: 10 },
  );
  fc.assert(
    fc.property(unknown, (more) => {
      const kept = copyFields(manifestMessageOf(splice({ more })), (field) => field >= 24);
      expect(Buffer.concat(kept)).toEqual(Buffer.from(message(...more)));
    }),
  );
});

test.each([
  [4, 'offset of auxiliary data', [[4, 123]]],
  [8, 'tag of the version', [[8, 'v1']]],
  [23, 'offset of the transaction as newer Lance notes it', [[23, 0]]],
] as const)('field %i, the %s, is never copied', (field, _name, more) => {
  expect(fieldOf(splice({ more: [...more] }), field)).toHaveLength(0);
});

test('offsets of sections are those of the new file, once each', () => {
  const spec = { indexes: [{ uuid: 1 }], transaction: transaction('theirs') };
  const file = splice(spec);
  const count = (field: number) => copyFields(manifestMessageOf(file), (it) => it === field).length;
  expect([3, 6, 7, 12, 13, 21].map(count)).toEqual([1, 1, 1, 1, 1, 1]);
  expect(fieldOf(file, 21)).not.toEqual(fieldOf(manifestFile(spec), 21));
  expect(fieldOf(file, 6)).toEqual(Buffer.from(message([6, 0])));
  expect(Buffer.from(sectionAt(file, 0, 'index'))).toEqual(
    Buffer.from(message([1, indexEntry({ uuid: 1 })], [1, indexEntry({ uuid: 50, fragments: [1] })])),
  );
});

test('an added entry takes the place of one that leaves, or goes to the end', () => {
  const file = splice(
    { indexes: [{ uuid: 1 }, { uuid: 2 }, { uuid: 3 }, { uuid: 4 }] },
    {
      added: [
        { entry: indexEntry({ uuid: 50 }) },
        { entry: indexEntry({ uuid: 51 }), replacesEntry: uuidText(2) },
        { entry: indexEntry({ uuid: 52 }), replacesEntry: uuidText(77) },
        { entry: indexEntry({ uuid: 53 }), replacesEntry: uuidText(2) },
      ],
      removed: new Set([uuidText(2), uuidText(3)]),
    },
  );
  expect(parseManifest(file).indexes.map(({ uuid }) => uuid)).toEqual([1, 51, 53, 4, 50, 52].map(uuidText));
});

test('a table that disables transaction files gets no name of one', () => {
  expect(fieldOf(splice({ transactionFile: '0-old.txn' }, { transactionFile: '' }), 12)).toHaveLength(0);
});

test.each([1, 3, 0])('version %i cannot follow version 1', (version) => {
  expect(() => splice({}, { version })).toThrow(expect.objectContaining({ code: 'internal' }));
});

test('a chain of changes parses back at every step', () => {
  let manifest = parseManifest(manifestFile());
  for (let version = 2; version < 30; version++) {
    const added = [{ entry: indexEntry({ uuid: version, fragments: [version] }) }];
    const removed = new Set(version % 5 === 0 ? [uuidText(version - 1)] : []);
    const parts = spliceManifest(manifest, change({ version, added, removed }));
    manifest = parseManifest(new Uint8Array(Buffer.concat(parts)));
  }
  expect(manifest.version).toBe(29);
  expect(manifest.indexes).toHaveLength(28 - 5);
  expect(manifest.fragments.length).toBe(1);
});

test('any damage to a manifest file is seen or harmless, never another kind of error', () => {
  const file = manifestFile({ indexes: [{ uuid: 1 }], transaction: transaction('theirs') });
  const damage = fc.array(fc.tuple(fc.nat(file.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(damage, fc.nat(3), (bytes, cut) => {
      const damaged = file.slice(cut);
      for (const [at, byte] of bytes) if (at < damaged.length) damaged[at] = byte;
      try {
        parseManifest(damaged);
      } catch (error) {
        expect(error).toBeInstanceOf(SegmentdError);
        expect(error).toHaveProperty('code', expect.stringMatching(/^table_(index_)?unreadable$/));
      }
    }),
    { numRuns: 3000 },
  );
});

test('what a manifest has in common with an older one need not be scanned again, and reads the same', () => {
  const specs = fc.record({
    before: fc.uniqueArray(fc.nat(40), { maxLength: 12 }),
    more: fc.uniqueArray(fc.nat(60), { maxLength: 6 }),
    changed: fc.option(fc.nat(11)),
    between: fc.boolean(),
  });
  fc.assert(
    fc.property(specs, ({ before, more, changed, between }) => {
      const first = before.map((id) => ({ id }));
      const older = parseManifest(manifestFile({ fragments: first, ...(between ? { schema: [] } : {}) }));
      const then = first.map((it, at) => (at === changed ? { ...it, deleted: 7 } : it));
      const added = more.filter((id) => !before.includes(id)).map((id) => ({ id, rows: 5, deleted: 0 }));
      const file = manifestFile({ version: 2, fragments: [...then, ...added] });
      const [fresh, resumed] = [parseManifest(file), parseManifest(file, older)];
      const columns = ({ fragments: { ids, rows, starts, ends, migration, hasOverlays } }: typeof fresh) => ({
        columns: [ids, rows, starts, ends].map((column) => Array.from(column)),
        migration,
        hasOverlays,
      });
      expect(columns(resumed)).toEqual(columns(fresh));
      expect(resumed.version).toBe(2);
    }),
    { numRuns: 300 },
  );
});
