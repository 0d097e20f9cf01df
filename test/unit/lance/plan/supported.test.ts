import { describe, expect, test } from 'vitest';
import { parseManifest } from '../../../../src/lance/codec/manifest.ts';
import { unsupportedReason } from '../../../../src/lance/plan/supported.ts';
import type { ManifestSpec } from '../manifest-fixture.ts';
import { manifestFile, message } from '../manifest-fixture.ts';

const codeOf = (spec: ManifestSpec) => unsupportedReason(parseManifest(manifestFile(spec)))?.code ?? null;

test('a plain table is served', () => {
  expect(codeOf({ indexes: [{ uuid: 1 }] })).toBeNull();
});

describe('flags', () => {
  /** Bit by bit: the answer when readers, writers, or both must know it. */
  const BITS: readonly (readonly [
    bit: number,
    name: string,
    reader: string | null,
    writer: string | null,
    both: string | null,
  ])[] = [
    [0, 'deletion files', null, null, null],
    [1, 'stable row ids', null, null, null],
    [2, 'the deprecated v2 format', null, null, null],
    [3, 'table config', null, null, null],
    [4, 'base paths', null, null, null],
    [5, 'no transaction files', null, null, null],
    [6, 'data overlays', 'table_data_overlays', 'table_data_overlays', 'table_data_overlays'],
    [7, 'covering indexes', 'table_covering_index', 'table_covering_index', 'table_covering_index'],
    [8, 'mixed data file versions', 'table_mixed_versions_flag', 'table_mixed_versions_flag', null],
  ];
  test.each(BITS)('bit %i, %s', (bit, _name, reader, writer, both) => {
    const flag = 1n << BigInt(bit);
    expect([
      codeOf({ readerFlags: flag }),
      codeOf({ writerFlags: flag }),
      codeOf({ readerFlags: flag, writerFlags: flag }),
    ]).toEqual([reader, writer, both]);
  });

  test.each(Array.from({ length: 64 - 9 }, (_, at) => at + 9))('bit %i is of a Lance to come', (bit) => {
    const flag = 1n << BigInt(bit);
    expect(codeOf({ readerFlags: flag })).toBe('table_unknown_reader_flag');
    expect(codeOf({ writerFlags: flag })).toBe('table_unknown_writer_flag');
    expect(codeOf({ readerFlags: flag | 2n, writerFlags: flag | 2n })).toBe('table_unknown_reader_flag');
  });

  test('are named one by one', () => {
    const unknown = (1n << 9n) | (1n << 12n) | (1n << 63n);
    const { message: said } = unsupportedReason(parseManifest(manifestFile({ readerFlags: unknown | 3n }))) ?? {};
    expect(said).toBe('unknown reader feature flags 512, 4096, 9223372036854775808');
  });

  test('all that are known to be harmless together', () => {
    const harmless = 1n | 2n | 4n | 8n | 16n | 32n | 256n;
    expect(codeOf({ readerFlags: harmless, writerFlags: harmless })).toBeNull();
  });
});

test.each<[string, ManifestSpec, string]>([
  ['an overlay that no flag announces', { fragments: [{ id: 0, more: [[11, '']] }] }, 'table_data_overlays'],
  [
    'a fragment reuse index',
    { indexes: [{ uuid: 1 }, { uuid: 2, name: '__lance_frag_reuse' }] },
    'table_fragment_reuse_index',
  ],
  ['a MemWAL', { indexes: [{ uuid: 1 }, { uuid: 2, name: '__lance_mem_wal' }] }, 'table_mem_wal_index'],
  ['a covering index that no flag announces', { indexes: [{ uuid: 1, more: [[11, 1]] }] }, 'table_covering_index'],
  ['no word of the file format', { dataFormat: null }, 'table_legacy_data_files'],
  ['the first file format', { dataFormat: '0.1' }, 'table_legacy_data_files'],
  ['the first file format by its other name', { dataFormat: 'legacy' }, 'table_legacy_data_files'],
  ['no word of the writer', { writer: null }, 'table_needs_migration'],
  ['a lance too old', { writer: ['lance', '0.8.14'] }, 'table_needs_migration'],
  ['a lance far too old', { writer: ['lance', '0.7.99'] }, 'table_needs_migration'],
  ['a lance of an unreadable version', { writer: ['lance', 'main'] }, 'table_needs_migration'],
  ['a lance of no version', { writer: ['lance', ''] }, 'table_needs_migration'],
  ['a fragment without a row count', { fragments: [{ id: 0, rows: 0 }] }, 'table_needs_migration'],
  ['a deletion file without a count', { fragments: [{ id: 0, deleted: 0 }] }, 'table_needs_migration'],
])('declines %s', (_name, spec, code) => {
  expect(codeOf(spec)).toBe(code);
});

test.each<[string, ManifestSpec]>([
  ['lance 0.8.15', { writer: ['lance', '0.8.15'] }],
  ['a release candidate of lance 1', { writer: ['lance', '1.0.0-rc.1'] }],
  ['lance 12', { writer: ['lance', '12.0.0'] }],
  ['another writer, whatever its version', { writer: ['segmentd', '0.1.0'] }],
  ['the stable file format', { dataFormat: '2.0' }],
  ['a file format to come', { dataFormat: '10.1' }],
  ['counted deletions', { fragments: [{ id: 0, deleted: 3 }], readerFlags: 1n, writerFlags: 1n }],
  ['an index of another kind', { indexes: [{ uuid: 1, fields: [0, 1] }] }],
  ['unknown fields', { more: [[90, message([1, 'x'])]] }],
  ['an empty table', { fragments: [] }],
])('serves %s', (_name, spec) => {
  expect(codeOf(spec)).toBeNull();
});
