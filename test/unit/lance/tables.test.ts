import { expect, test } from 'vitest';
import { openTables } from '../../../src/lance/tables.ts';
import { localStore } from '../../../src/store/local-store.ts';

test('a table is opened once, and keeps its policy', () => {
  const policy = { wanted: [{ column: 'id' }], stableRowIds: 'rebuild' } as const;
  const tables = openTables(localStore, new Map([['lake/t', policy]]));
  expect(tables.open('/lake/t.lance')).toBe(tables.open('/lake/t.lance'));
  expect(tables.open('/lake/t.lance').uri).toBe('/lake/t.lance');
  expect(tables.policy('lake/t')).toBe(policy);
  expect(tables.policy('lake/other')).toEqual({ wanted: 'existing', stableRowIds: 'decline' });
});

test('of very many tables the least recently used is forgotten, and no other', () => {
  const tables = openTables(localStore, new Map());
  const [first, second] = [tables.open('/0.lance'), tables.open('/1.lance')];
  for (let number = 2; number < 256; number++) tables.open(`/${number}.lance`);
  expect(tables.open('/0.lance')).toBe(first);
  tables.open('/one-more.lance');
  expect(tables.open('/0.lance')).toBe(first);
  expect(tables.open('/1.lance')).not.toBe(second);
});
