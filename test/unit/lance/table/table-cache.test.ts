import { expect, test } from 'vitest';
import type { TablePolicy } from '../../../../src/lance/plan/row-ids.ts';
import { DEFAULT_POLICY } from '../../../../src/lance/plan/row-ids.ts';
import { openTableCache } from '../../../../src/lance/table/table-cache.ts';
import { localStore } from '../../../../src/store/local-store.ts';
import { manifestFile } from '../manifest-fixture.ts';
import { tableFolder } from '../table-fixture.ts';

test('a table is opened once, and keeps its policy', () => {
  const policy = { wanted: [{ column: 'id' }], stableRowIds: 'rebuild' } as const;
  const policies = new Map<string, TablePolicy>([['lake/t', policy]]);
  const tables = openTableCache(localStore, (id) => policies.get(id) ?? DEFAULT_POLICY);
  expect(tables.open('/lake/t.lance')).toBe(tables.open('/lake/t.lance'));
  expect(tables.open('/lake/t.lance').uri).toBe('/lake/t.lance');
  expect(tables.policy('lake/t')).toBe(policy);
  expect(tables.policy('lake/other')).toEqual({ wanted: 'existing', stableRowIds: 'decline' });
});

/** A store of which each reading is a request. */
const remote = (uri: string) => ({ ...localStore(uri), remote: true });

test('of tables on a disk the thousand that were used last are kept: the others are read again as fast', () => {
  const tables = openTableCache(localStore, () => DEFAULT_POLICY);
  const opened = Array.from({ length: 2_000 }, (_, number) => tables.open(`/${number}.lance`));
  const remembered = (number: number) => tables.open(`/${number}.lance`) === opened[number];
  expect([0, 999, 1_000, 1_999].map(remembered)).toEqual([false, false, true, true]);
});

test('a large manifest on a disk is none of these', async () => {
  const large = await tableFolder({ version: 2, fragments: Array.from({ length: 2_000 }, (_, id) => ({ id })) });
  const tables = openTableCache(localStore, () => DEFAULT_POLICY);
  const used = tables.open(large.root);
  await used.latest();
  for (let number = 0; number < 3_000; number++) tables.open(`/${number}.lance`);
  expect(tables.open(large.root)).toBe(used);
});

test('of very many tables the least recently used are forgotten, and no others', () => {
  const tables = openTableCache(remote, () => DEFAULT_POLICY, { rememberedBytes: 8 * 1024 * 1024 });
  const opened = Array.from({ length: 2_000 }, (_, number) => tables.open(`/${number}.lance`));
  const remembered = (number: number) => tables.open(`/${number}.lance`) === opened[number];
  // Room for 1,024.
  expect([0, 975, 976, 1_999].map(remembered)).toEqual([false, false, true, true]);
});

test('a table in use is kept although it is larger than what may be remembered', async () => {
  const tables = openTableCache(localStore, () => DEFAULT_POLICY, { rememberedBytes: 1 });
  for (let number = 0; number < 998; number++) tables.open(`/${number}.lance`);
  const used = tables.open('/used.lance');
  tables.open('/998.lance');
  const last = tables.open('/used.lance');
  expect(last).not.toBe(used);
  expect(tables.open('/used.lance')).toBe(last);
});

test('every table tells of the versions that land in it', async () => {
  const [one, other] = [await tableFolder({ version: 2 }), await tableFolder({ version: 4 })];
  const landed: unknown[] = [];
  const tables = openTableCache(localStore, () => DEFAULT_POLICY, { onLanded: (version) => landed.push(version) });
  await tables.open(one.root).landed(3, manifestFile({ version: 3 }), 'a');
  await tables.open(other.root).landed(5, manifestFile({ version: 5 }), 'b');
  expect(landed).toEqual([
    { uri: one.root, version: 3, tag: 'a' },
    { uri: other.root, version: 5, tag: 'b' },
  ]);
});
