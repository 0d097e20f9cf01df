import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { recentCompaction } from '../../../../src/lance/table/compaction-history.ts';
import { LanceTable } from '../../../../src/lance/table/table.ts';
import { versionFileName } from '../../../../src/lib/manifest-name.ts';
import { localStore } from '../../../../src/store/local-store.ts';
import type { WireField } from '../manifest-fixture.ts';
import { message } from '../manifest-fixture.ts';
import { tableFolder } from '../table-fixture.ts';

const MINUTE_MS = 60_000;
const START_MS = 1_700_000_000_000;
const at = (version: number) => START_MS + version * MINUTE_MS;

type Entry = { readonly operation: WireField; readonly live: readonly number[]; readonly max: number };

const append = (live: readonly number[]): Entry => ({ operation: [100, message()], live, max: Math.max(...live) });
const rewrite = (live: readonly number[], max: number): Entry => ({ operation: [104, message()], live, max });
const reserve = (live: readonly number[], max: number, count: number): Entry => ({
  operation: [107, message([1, count])],
  live,
  max,
});

/** A table with these versions, a minute apart. */
async function tableOf(entries: readonly Entry[]) {
  const specs = entries.map(({ operation, live, max }, index) => ({
    version: index + 1,
    fragments: live.map((id) => ({ id })),
    transaction: message([1, index], [2, `uuid-${index}`], operation),
    more: [[7, message([1, at(index + 1) / 1000])] as const, [11, max] as const],
  }));
  const folder = await tableFolder(specs[0] ?? {});
  for (const spec of specs.slice(1)) await folder.write(spec);
  return { folder, table: new LanceTable(localStore(folder.root)) };
}

const nobody = () => false;

test('a compaction that has landed is found as long as it is young enough, unless it was our own', async () => {
  const { table } = await tableOf([append([0, 1]), reserve([0, 1], 2, 1), rewrite([2], 2), append([2, 3])]);
  expect(await recentCompaction(table, at(3), nobody)).toEqual({ kind: 'landed', version: 3, atMs: at(3) });
  expect(await recentCompaction(table, at(3) + 1, nobody)).toBeNull();
  expect(await recentCompaction(table, 0, (version) => version > 1)).toBeNull();
});

test('one that set ids aside which no fragment has is under way, or has failed', async () => {
  const { table } = await tableOf([append([0, 1]), reserve([0, 1], 2, 1), append([0, 1, 3])]);
  expect(await recentCompaction(table, 0, nobody)).toEqual({ kind: 'under_way', version: 2, atMs: at(2) });
  expect(await recentCompaction(table, 0, (version) => version === 2)).toBeNull();
});

test('appends and index commits are none, and what a cleanup took away is too old to matter', async () => {
  const { table, folder } = await tableOf([rewrite([0], 0), append([0, 1]), append([0, 1, 2])]);
  expect(await recentCompaction(table, at(2), nobody)).toBeNull();
  expect(await recentCompaction(table, 0, nobody)).toMatchObject({ version: 1 });
  await rm(join(folder.root, '_versions', versionFileName('V2', 1)));
  expect(await recentCompaction(table, 0, nobody)).toBeNull();
});
