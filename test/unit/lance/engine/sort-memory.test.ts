import { expect, test } from 'vitest';
import { parseManifest } from '../../../../src/lance/codec/manifest.ts';
import { buildBytes } from '../../../../src/lance/engine/sort-memory.ts';
import type { SegmentRequest } from '../../../../src/lance/segment.ts';
import type { ManifestSpec } from '../manifest-fixture.ts';
import { manifestFile, message } from '../manifest-fixture.ts';

const MIB = 2 ** 20;
const POOL = 1024 * MIB;
const RESERVE = 40 * MIB;

const request = (rows: number): SegmentRequest => ({
  index: 'x',
  kind: 'btree',
  parameters: {},
  fieldId: 0,
  column: 'c',
  fragments: Uint32Array.of(0),
  rows,
});

/** What the rows of a column take beyond the reserve, per row. */
function perRow(type: string, indexes: ManifestSpec['indexes'] = []): number {
  const fragments = [
    { id: 0, rows: 1000 },
    { id: 1, rows: 3000 },
  ];
  const manifest = parseManifest(manifestFile({ schema: [{ id: 0, name: 'c', type }], fragments, indexes }));
  return (buildBytes(manifest, request(1000), POOL) - RESERVE) / 1000;
}

test.each([
  ['bool', 9],
  ['int16', 10],
  ['float', 12],
  ['date32:day', 12],
  ['int64', 16],
  ['timestamp:us:-', 16],
  ['fixed_size_binary:16', 24],
])('a row of %s is its value and its address, %d bytes, twice and a fifth more', (type, bytes) => {
  expect(perRow(type)).toBeCloseTo(bytes * 2.4);
});

test.each([
  ['int64', 33],
  ['string', 65],
])('the measured need of a row of %s, %d bytes, is covered', (type, measured) => {
  expect(perRow(type)).toBeGreaterThan(measured);
});

test('a string is as long as the segments of the index say, and never taken for short', () => {
  const segment = (uuid: number, fragments: number[], bytes: number, name = 'x') => ({
    uuid,
    name,
    fragments,
    more: [[10, message([1, 'page_data.lance'], [2, bytes])] as const],
  });
  const of = (...indexes: ReturnType<typeof segment>[]) => perRow('string', indexes) / 2.4 - 8;
  expect(of()).toBeCloseTo(48);
  // 3000 rows of 100 bytes, compressed by half or better.
  expect(of(segment(1, [1], 300_000), segment(2, [0], 1000))).toBeCloseTo(200);
  expect(of(segment(1, [1], 3000))).toBeCloseTo(48);
  // Of another index, or of fragments that are gone.
  expect(of(segment(1, [1], 300_000, 'other'))).toBeCloseTo(48);
  expect(of(segment(1, [7], 300_000))).toBeCloseTo(48);
});

test('a small pool is a small reserve', () => {
  const manifest = parseManifest(manifestFile());
  expect(buildBytes(manifest, request(0), 60 * MIB)).toBe(20 * MIB);
  expect(buildBytes(manifest, request(0), POOL)).toBe(RESERVE);
});
