/** What a merge must and must not do to a table. */
import { expect } from 'vitest';
import type { Manifest } from '../../../src/lance/codec/manifest.ts';
import { maintainedIndexes } from '../../../src/lance/plan/index-plan.ts';
import { LanceTable } from '../../../src/lance/table/table.ts';
import { localStore } from '../../../src/store/local-store.ts';
import { MIN_ROWS } from '../../../testing/kind-rows.ts';
import type { Change } from './model-worker.ts';

/** Fragments that are there and in an index, each written with the name of the index. */
export function coveredOf(manifest: Manifest): Set<string> {
  const covered = new Set<string>();
  for (const { name, segments } of maintainedIndexes(manifest, 'existing', MIN_ROWS)) {
    for (const { fragments } of segments) {
      for (const id of fragments ?? []) if (manifest.fragments.indexOf(id) >= 0) covered.add(`${name} ${id}`);
    }
  }
  return covered;
}

/** Whatever was covered is still covered, unless the fragment is gone. */
export function checkNotShrunk(before: Manifest, after: Manifest, what: string): void {
  const covered = coveredOf(after);
  const isThere = (entry: string) => after.fragments.indexOf(Number(entry.slice(entry.lastIndexOf(' ') + 1))) >= 0;
  const lost = [...coveredOf(before)].filter((entry) => isThere(entry) && !covered.has(entry));
  expect(lost, `fragments that ${what} took out of the index`).toEqual([]);
}

/** The version of a merge beside the one before it: other segments, the same rows, and nothing else. */
export async function checkMerged(
  folder: string,
  version: number,
  { addSegments: add, removeSegments: remove }: Change,
): Promise<void> {
  const table = new LanceTable(localStore(folder));
  const [before, after] = [await table.at(version - 1), await table.at(version)];
  if (!before || !after) throw new Error(`version ${version} of a merge, or the one before it, is not there`);
  expect(Array.from(after.fragments.ids), 'fragments of the table').toEqual(Array.from(before.fragments.ids));
  const uuids = new Set(after.indexes.map(({ uuid }) => uuid));
  expect(
    remove.filter((uuid) => uuids.has(uuid)),
    'inputs that are still there',
  ).toEqual([]);
  expect(
    add.filter(({ uuid }) => !uuids.has(uuid)),
    'results that are not there',
  ).toEqual([]);
  const segmentsOf = ({ indexes }: Manifest) => indexes.length;
  expect(segmentsOf(after), 'segments').toBeLessThan(segmentsOf(before));
  checkNotShrunk(before, after, `the merge in ${version}`);
}
