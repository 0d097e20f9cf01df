import { expect, test } from 'vitest';
import { catalogEntries } from '../../../src/control/catalog-entries.ts';
import type { CatalogRow } from '../../../src/lance/engine/catalog-rows.ts';

const row = (objectType: string, objectId: string, more: Partial<CatalogRow> = {}): CatalogRow => ({
  objectId,
  objectType,
  location: null,
  metadata: null,
  ...more,
});
const table = (name: string, location: string | null, metadata: string | null = null) =>
  row('table', name, { location, metadata });

test('tables are listed with their folders, namespaces are not', () => {
  const rows = [
    row('namespace', 'ns'),
    row('view', 'ns$v', { location: 'v' }),
    table('plain', 'plain.lance'),
    table('ns$t', '775d8cd1_ns$t'),
    table('ns$sub$t', '358c365a_ns$sub$t'),
    table('ns$new', '1ecde0f7_ns$old'),
    table('ns$registered', 'elsewhere/x.lance'),
  ];
  expect(catalogEntries(rows)).toEqual({
    tables: [
      { name: 'plain', location: 'plain.lance', managed: false },
      { name: 'ns$t', location: '775d8cd1_ns$t', managed: false },
      { name: 'ns$sub$t', location: '358c365a_ns$sub$t', managed: false },
      { name: 'ns$new', location: '1ecde0f7_ns$old', managed: false },
      { name: 'ns$registered', location: 'elsewhere/x.lance', managed: false },
    ],
    unfit: [],
  });
});

test.each([
  '',
  '..',
  'ns$..',
  'ns$',
  '$t',
  'ns$$t',
  '$$',
  'ns$.hidden',
  'ns$a/b',
  'ns$a b',
  'ns$ä',
  'ns$%2e',
  'ns$a\n',
  `ns$${'t'.repeat(250)}`,
])('no event can name %j', (name) => {
  expect(catalogEntries([table(name, 'a')])).toEqual({ tables: [], unfit: [name] });
});

test.each([
  null,
  '',
  '.',
  '..',
  '/',
  '/etc',
  '../x.lance',
  'a/../../x.lance',
  'a/./x.lance',
  'a//x.lance',
  'a/',
  'file:///etc',
  's3://bucket/x.lance',
  'C:\\x',
  'a\\b',
  'a%2e',
  'a b',
  'a\n',
  'a?b',
  'a#b',
  '__manifest',
  '__manifest/x.lance',
  't.lance/tree/dev',
  '775d8cd1_ns$t/tree/dev',
  't.lance/data',
])('no table lies at %j', (location) => {
  expect(catalogEntries([table('ns$t', location)])).toEqual({ tables: [], unfit: ['ns$t'] });
});

test('a catalog manages versions where it says so, for a table or a namespace around it, or has them', () => {
  const rows = [
    table('says', 'a', '{"managed_versioning":"true"}'),
    table('means', 'b', '{"managed_versioning":true}'),
    table('shouts', 'c', '{"managed_versioning":"TRUE"}'),
    row('namespace', 'ns', { metadata: '{"owner":"me","managed_versioning":"true"}' }),
    table('ns$sub$t', 'd'),
    table('has', 'e'),
    row('table_version', 'has$00000000000000000001', { metadata: '{"manifest_size":370}' }),
    table('ns2$t', 'f'),
    table('hasnt', 'g', '{"managed_versioning":"false"}'),
    table('mute', 'h', '{"managed":"true"}'),
    table('broken', 'i', '{'),
    table('null', 'j', 'null'),
  ];
  const managed = catalogEntries(rows).tables.filter((it) => it.managed);
  expect(managed.map(({ name }) => name)).toEqual(['says', 'means', 'shouts', 'ns$sub$t', 'has']);
});
