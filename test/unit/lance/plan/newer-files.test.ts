import { expect, test } from 'vitest';
import { parseManifest } from '../../../../src/lance/codec/manifest.ts';
import { newerFilesReason, unreadableFragments } from '../../../../src/lance/plan/newer-files.ts';
import { DEFAULT_POLICY } from '../../../../src/lance/plan/row-ids.ts';
import { planTable } from '../../../../src/lance/plan/table-plan.ts';
import { isCovered } from '../../../../src/lance/plan/version-coverage.ts';
import type { ManifestSpec } from '../manifest-fixture.ts';
import { manifestFile } from '../manifest-fixture.ts';

const LIMITS = { maxRows: 1000, maxFragments: 10 };
const MIXED = { readerFlags: 256n, writerFlags: 256n };

/** A table of one fragment per given minor version of its data file, 2.x. */
const tableOf = (minors: readonly number[], more: ManifestSpec = {}) =>
  parseManifest(
    manifestFile({
      fragments: minors.map((minor, id) => ({ id, files: [{ path: `f${id}`, fields: [0, 1], minor }] })),
      indexes: [{ uuid: 1, fragments: [0] }],
      ...more,
    }),
  );

const unreadable = (table: ReturnType<typeof tableOf>) => [...unreadableFragments(table, table.fragments.ids)];

test('what the engine reads is told by the file version, in a table of mixed versions and in one of a newer version', () => {
  expect(unreadable(tableOf([0, 1, 2, 3, 12], MIXED))).toEqual([
    [3, '2.3'],
    [4, '2.12'],
  ]);
  expect(unreadable(tableOf([3, 3], { dataFormat: '2.3' })).length).toBe(2);
  expect(unreadable(tableOf([2, 2], { dataFormat: '3.0' }))).toEqual([]);
});

test('a plain table is not searched', () => {
  expect(unreadable(tableOf([3], { dataFormat: '2.2' }))).toEqual([]);
});

test('a message names the fragments and the versions', () => {
  const all = new Map(Array.from({ length: 7 }, (_, id) => [id, '2.3'] as const));
  expect(newerFilesReason(all)?.message).toBe(
    'fragments 0, 1, 2, 3, 4 and 2 more have data files of version 2.3; the engine reads up to 2.2',
  );
  expect(newerFilesReason(new Map())).toBeNull();
});

test('what can be read is planned, which is not all, and only when nothing else is missing the table is declined', () => {
  const plan = planTable(tableOf([2, 2, 3], MIXED), DEFAULT_POLICY, LIMITS);
  expect([plan.requests.map(({ fragments }) => [...fragments]), plan.complete]).toEqual([[[1]], false]);
  expect([...plan.unreadable]).toEqual([[2, '2.3']]);
  const left = tableOf([2, 3], MIXED);
  expect(() => planTable(left, DEFAULT_POLICY, LIMITS)).toThrow(
    expect.objectContaining({ code: 'table_newer_data_files' }),
  );
  // The fragment was compacted into one that can be read.
  expect(planTable(tableOf([2, 2], MIXED), DEFAULT_POLICY, LIMITS).requests.length).toBe(1);
});

test('nothing is declined where the newer fragments are indexed, by the Lance that wrote them', () => {
  const table = tableOf([2, 3], { ...MIXED, indexes: [{ uuid: 1, fragments: [0, 1] }] });
  expect(planTable(table, DEFAULT_POLICY, LIMITS)).toMatchObject({ requests: [], complete: true });
});

test('an index that has to be replaced whole is declined, since the new segment would lack fragments', () => {
  const table = tableOf([2, 2, 3], { ...MIXED, indexes: [{ uuid: 1, fragments: [0], details: null }] });
  const inferred = {
    ...table,
    indexes: table.indexes.map((it) => ({ ...it, typeUrl: '/lance.table.BTreeIndexDetails' })),
  };
  expect(() => planTable(inferred, DEFAULT_POLICY, LIMITS)).toThrow(
    expect.objectContaining({ code: 'table_newer_data_files' }),
  );
});

test('a wait for a fragment that is never indexed is an error, and one for others is not', () => {
  const table = tableOf([2, 2, 3], MIXED);
  expect(isCovered(Uint32Array.of(0), table, DEFAULT_POLICY)).toBe(true);
  expect(() => isCovered(Uint32Array.of(0, 2), table, DEFAULT_POLICY)).toThrow(
    expect.objectContaining({ code: 'table_newer_data_files' }),
  );
});
