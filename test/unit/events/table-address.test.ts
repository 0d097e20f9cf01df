import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Databases } from '../../../src/events/table-address.ts';
import { ADDRESS_PATTERN, resolveTable } from '../../../src/events/table-address.ts';
import { SegmentdError } from '../../../src/lib/errors.ts';

const databases = new Map([
  ['docs', '/data/docs'],
  ['nested', '/data/docs/nested/'],
  ['spaced', '/data/my lake é'],
  ['cloud', 's3://bucket/lake'],
  ['whole', 'gs://bucket'],
]);

const codeOf = (address: string): string => {
  try {
    return resolveTable(databases, address).uri;
  } catch (error) {
    return error instanceof SegmentdError ? error.code : String(error);
  }
};

test.each([
  ['docs/a', 'docs/a', '/data/docs/a.lance'],
  ['nested/a.b-C_1', 'nested/a.b-C_1', '/data/docs/nested/a.b-C_1.lance'],
  ['cloud/t', 'cloud/t', 's3://bucket/lake/t.lance'],
  [`docs/${'a'.repeat(249)}`, `docs/${'a'.repeat(249)}`, `/data/docs/${'a'.repeat(249)}.lance`],
  ['/data/docs/a.lance', 'docs/a', '/data/docs/a.lance'],
  ['/data/docs/nested/a.lance', 'nested/a', '/data/docs/nested/a.lance'],
  ['s3://bucket/lake/t.lance', 'cloud/t', 's3://bucket/lake/t.lance'],
  ['s3://bucket/lake/t.lance/', 'cloud/t', 's3://bucket/lake/t.lance'],
  ['S3://bucket/lake/t.lance//', 'cloud/t', 's3://bucket/lake/t.lance'],
  ['gs://bucket/t.lance', 'whole/t', 'gs://bucket/t.lance'],
  // What LanceDB and other writers call the same folder.
  ...[
    'file:///data/docs/a.lance',
    'file:///data/docs/a.lance/',
    'FILE:///data/docs/a.lance',
    'file://localhost/data/docs/a.lance',
    'file://LocalHost/data/docs/a.lance',
    'file:/data/docs/a.lance',
    'file:////data//docs/a.lance//',
    'file:///d%61ta/docs/%61%2Elance',
    'file:///data/./docs/%2e/a.lance/.',
    '/data/docs/a.lance/',
    '/data/docs/a.lance///',
    '/data/docs//a.lance',
    '//data/docs/a.lance',
    '/data/./docs/././a.lance/./',
  ].map((address) => [address, 'docs/a', '/data/docs/a.lance']),
  ['file:///data/docs/nested/a.lance', 'nested/a', '/data/docs/nested/a.lance'],
  ['file:///data/my%20lake%20%C3%A9/a.lance', 'spaced/a', '/data/my lake é/a.lance'],
  ['file:///data/my lake é/a.lance', 'spaced/a', '/data/my lake é/a.lance'],
])('%s is %s', (address = '', id = '', uri = '') => {
  const [database = '', name = ''] = id.split('/');
  expect(resolveTable(databases, address)).toEqual({ id, database, name, uri });
});

test.each([
  ['other/a', 'event_database_unknown'],
  ['__proto__/a', 'event_database_unknown'],
  ['/etc/passwd', 'event_table_outside'],
  ['/data/docs-2/a.lance', 'event_table_outside'],
  ['/data/docs', 'event_table_outside'],
  ['s3://bucket/lake2/t.lance', 'event_table_outside'],
  ['s3://Bucket/lake/t.lance', 'event_table_outside'],
  ['s3a://bucket/lake/t.lance', 'event_table_outside'],
  ['s3://bucket/./lake/t.lance', 'event_table_outside'],
  ['s3://bucket/lake%2Ft.lance', 'event_table_outside'],
  ['gs://bucket2/t.lance', 'event_table_outside'],
  ['gs://bucket/', 'event_table_outside'],
  ['file:///data/docs-2/a.lance', 'event_table_outside'],
  ['file:///data/do\ncs/a.lance', 'event_table_outside'],
  ['/data/my%20lake%20%C3%A9/a.lance', 'event_table_outside'],
  ['/data/docs\\..\\docs/a.lance', 'event_table_outside'],
  ['https://localhost/data/docs/a.lance', 'event_table_outside'],
  ...[
    '',
    'docs',
    'docs/',
    '/',
    'docs//a',
    'docs/a/b',
    'docs/..',
    'docs/.',
    'docs/.hidden',
    'docs/../docs/a',
    '../docs/a',
    'docs/%2e%2e',
    'docs/a%2fb',
    'docs/a\\b',
    'docs/a\0',
    'docs/a\n',
    'docs/\u0430', // Cyrillic a
    'docs/a\u2024b', // one dot leader
    'docs/a b',
    'docs/a?versionId=1',
    'docs/a#b',
    `docs/${'a'.repeat(250)}`,
    '/data/docs/a',
    '/data/docs/.lance',
    'docs/a/',
    'docs/./a',
    './docs/a',
    '/data/docs/x/a.lance',
    '/data/docs/a.lance/tree/dev',
    '/data/docs/../docs/a.lance',
    '/data/docs/a.lance/..',
    '/data/docs/a.lance/../a.lance',
    '/data/docs/..a.lance/../a.lance',
    '/data/docs/%61.lance',
    '/data/docs/a\0.lance',
    'file:///data/docs/../docs/a.lance',
    'file:///data/docs/%2e%2e/docs/a.lance',
    'file:///data/docs/.%2E/docs/a.lance',
    'file:///data/docs/%252e%252e/docs/a.lance',
    'file:///data/docs%2Fa.lance',
    'file:///data/docs/x%2f..%2fa.lance',
    'file:///data/docs/a%00.lance',
    'file:///data/docs/a.lance%00',
    'file:///data/docs/a%5C.lance',
    'file:///data/docs/..\\a.lance',
    'file:///data/docs\\a.lance',
    'file:///data/docs/%2Ehidden.lance',
    'file:///data/docs/%D0%B0.lance', // Cyrillic a
    'file:///data/docs/a%E2%80%A4b.lance', // one dot leader
    'file:///data/docs/%ff.lance',
    'file:///data/docs/a%.lance',
    'file:///data/docs/a.lance?versionId=1',
    'file:///data/docs/a.lance#b',
    'file://other/data/docs/a.lance',
    'file://localhost:80/data/docs/a.lance',
    'file://user@localhost/data/docs/a.lance',
    'file://data/docs/a.lance',
    'file:data/docs/a.lance',
    's3://bucket/lake/x/t.lance',
    's3://bucket/lake//t.lance',
    's3://bucket/lake/../lake/t.lance',
    's3://bucket/lake/t.lance/.',
    's3://bucket/lake/t.lance?versionId=1',
    's3://bucket/lake/%74.lance',
  ].map((address) => [address, address === '/' ? 'event_table_outside' : 'event_table_invalid']),
])('%j is refused as %s', (address = '', code = '') => {
  expect(codeOf(address)).toBe(code);
});

test('a long address is cut in the message', () => {
  expect(() => resolveTable(databases, `docs/${'é'.repeat(5_000)}`)).toThrow(/^.{1,200}$/u);
});

const PIECES = [
  ...['/', '//', '/./', '/../', '.', '..', '%2e', '%2E%2e', '%2f', '%5c', '%00', '%', '\\', '\0', '?', '#', '\n'],
  ...['docs', 'nested', 'data', 'a', '.lance', '/data/docs/', '/data/docs/nested/', 'my lake é', 'my%20lake%20%C3%A9'],
  ...[
    's3://',
    's3://bucket/lake/',
    'S3://bucket/lake/',
    'gs://bucket/',
    'file:',
    'file://',
    'file:///data/docs/',
    'file://localhost/',
    'FILE:/',
  ],
];
const anyAddress = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.array(fc.constantFrom(...PIECES), { maxLength: 8 }).map((parts) => parts.join('')),
  fc.stringMatching(/^(docs|nested|cloud|none)\/[A-Za-z0-9_.$-]{1,20}$/),
  fc.stringMatching(/^(file:\/\/|file:)?\/data\/docs\/[A-Za-z0-9_./-]{1,20}\.lance\/?$/),
);
const resolved = (address: string) => {
  try {
    return resolveTable(databases, address);
  } catch (error) {
    expect(error).toBeInstanceOf(SegmentdError);
    return (error as SegmentdError).code;
  }
};

test('no accepted address leads out of the databases, however a file system or a URL parser reads it', () => {
  let accepted = 0;
  fc.assert(
    fc.property(anyAddress, (text) => {
      const table = resolved(text);
      if (typeof table === 'string') return;
      accepted++;
      const base = databases.get(table.database)?.replace(/\/$/, '');
      expect(table.name).toMatch(/^[A-Za-z0-9_-][A-Za-z0-9_.$-]{0,248}$/);
      expect(table.id).toBe(`${table.database}/${table.name}`);
      expect(resolveTable(databases, table.id)).toEqual(table);
      // Of one with namespaces only a catalog knows the place.
      expect(table.uri).toBe(`${base}/${table.name}${table.name.includes('$') ? '' : '.lance'}`);
      if (table.name.includes('$')) return;
      expect(resolveTable(databases, table.uri)).toEqual(table);
      if (/\/[0-9a-f]{8}_[^/]*$/.test(text) && !text.endsWith('.lance')) return;
      // What others make of the same address is the same place.
      if (text.startsWith('/')) expect(resolve(text)).toBe(table.uri);
      if (/^file:/i.test(text)) expect(resolve(fileURLToPath(text))).toBe(table.uri);
    }),
    { numRuns: 5_000 },
  );
  expect(accepted).toBeGreaterThan(100);
});

test('the JSON Schema takes every address that is taken, no other name and no way up', () => {
  const pattern = new RegExp(ADDRESS_PATTERN, 'u');
  fc.assert(
    fc.property(anyAddress, (text) => {
      const outcome = resolved(text);
      if (typeof outcome !== 'string') expect(text).toMatch(pattern);
      // Of a location it cannot know the databases, only that none is reached by going up.
      const isLocation = text.startsWith('/') || text.includes(':');
      if (outcome === 'event_table_invalid' && !isLocation) expect(text).not.toMatch(pattern);
      if (text.startsWith('/') && text.split('/').includes('..')) expect(text).not.toMatch(pattern);
    }),
    { numRuns: 5_000 },
  );
});

describe('with catalogs', () => {
  const LISTED: Readonly<Record<string, string>> = {
    'docs/ns$t': '775d8cd1_ns$t',
    'docs/ns$new': '1ecde0f7_ns$old',
    'docs/ns$alias': 'a.lance',
    'docs/ns$inner': 'nested/b.lance',
    'docs/ns$deep': 'x/y.lance',
    'docs/root': '544f779c_root',
    'cloud/ns$t': '11111111_ns$t',
  };
  const listed: Databases = Object.assign(new Map(databases), {
    listed: {
      changes: 0,
      locationOf: (database: string, name: string) => LISTED[`${database}/${name}`],
      nameOf: (database: string, location: string) =>
        Object.entries(LISTED)
          .find(([id, it]) => id.startsWith(`${database}/`) && it === location)?.[0]
          .slice(database.length + 1),
    },
  });

  test.each([
    ['docs/ns$t', 'docs/ns$t', '/data/docs/775d8cd1_ns$t'],
    ['/data/docs/775d8cd1_ns$t/', 'docs/ns$t', '/data/docs/775d8cd1_ns$t'],
    ['file:///data/docs/775d8cd1_ns%24t', 'docs/ns$t', '/data/docs/775d8cd1_ns$t'],
    ['s3://bucket/lake/11111111_ns$t', 'cloud/ns$t', 's3://bucket/lake/11111111_ns$t'],
    // Renamed: the folder keeps the old name.
    ['/data/docs/1ecde0f7_ns$old', 'docs/ns$new', '/data/docs/1ecde0f7_ns$old'],
    // A folder has one name.
    ['docs/ns$alias', 'docs/a', '/data/docs/a.lance'],
    ['docs/ns$inner', 'nested/b', '/data/docs/nested/b.lance'],
    ['/data/docs/x/y.lance', 'docs/ns$deep', '/data/docs/x/y.lance'],
    ['docs/root', 'docs/root', '/data/docs/544f779c_root'],
    ['/data/docs/544f779c_root', 'docs/root', '/data/docs/544f779c_root'],
    ['docs/a', 'docs/a', '/data/docs/a.lance'],
    // Not listed (yet), or no longer: a place where no table is.
    ['docs/ns$none', 'docs/ns$none', '/data/docs/ns$none'],
    ['/data/docs/deadbeef_ns$none', 'docs/ns$none', '/data/docs/ns$none'],
    ['/data/docs/deadbeef_ns$t', 'docs/ns$t', '/data/docs/775d8cd1_ns$t'],
    ['nested/ns$t', 'nested/ns$t', '/data/docs/nested/ns$t'],
  ])('%s is %s', (address = '', id = '', uri = '') => {
    const [database = '', name = ''] = id.split('/');
    expect(resolveTable(listed, address)).toEqual({ id, database, name, uri });
    expect(address).toMatch(new RegExp(ADDRESS_PATTERN, 'u'));
  });

  test.each([
    ['docs/$$', 'does not name a table'],
    ['docs/ns$', 'does not name a table'],
    ['docs/ns$..', 'does not name a table'],
    ['/data/docs/775d8cd1_ns$..', 'does not name a table'],
    ['/data/docs/__manifest', 'does not name a table'],
    ['/data/docs/ns$t', 'does not name a table'],
    ['/data/docs/775d8cd1_ns$t/tree/dev/fix', 'is the branch "dev/fix" of docs/ns$t; segmentd serves main branches'],
    ['s3://bucket/lake/t.lance/tree/dev', 'is the branch "dev" of cloud/t; segmentd serves main branches'],
  ])('%s is refused: %s', (address = '', why = '') => {
    expect(() => resolveTable(listed, address)).toThrow(
      expect.objectContaining({ code: 'event_table_invalid', message: expect.stringContaining(why) }),
    );
  });

  test('no name and no folder leads out of the databases', () => {
    const part = fc.constantFrom(
      'docs',
      'ns',
      't',
      '$',
      '..',
      '.',
      '/',
      '775d8cd1_',
      '.lance',
      '%',
      '/data/docs/',
      'tree',
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 7 }), (parts) => {
        let table: ReturnType<typeof resolveTable>;
        try {
          table = resolveTable(listed, parts.join(''));
        } catch (error) {
          expect(error).toBeInstanceOf(SegmentdError);
          return;
        }
        const base = `${databases.get(table.database)?.replace(/\/$/, '')}/`;
        expect(table.uri.startsWith(base)).toBe(true);
        expect(resolve(table.uri)).toBe(table.uri);
        expect(resolveTable(listed, table.id)).toEqual(table);
      }),
      { numRuns: 5_000 },
    );
  });
});
