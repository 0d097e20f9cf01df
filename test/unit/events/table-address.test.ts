import fc from 'fast-check';
import { expect, test } from 'vitest';
import { resolveTable } from '../../../src/events/table-address.ts';
import { SegmentdError } from '../../../src/lib/errors.ts';

const databases = new Map([
  ['docs', '/data/docs'],
  ['nested', '/data/docs/nested/'],
  ['cloud', 's3://bucket/lake'],
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
])('%s is %s', (address, id, uri) => {
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
  ['S3://bucket/lake/t.lance', 'event_table_outside'],
  ['file:///data/docs/a.lance', 'event_table_outside'],
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
    '/data/docs/a.lance/',
    '/data/docs/x/a.lance',
    '/data/docs/../docs/a.lance',
    '/data/docs//a.lance',
    's3://bucket/lake/x/t.lance',
  ].map((address) => [address, address === '/' ? 'event_table_outside' : 'event_table_invalid']),
])('%j is refused as %s', (address = '', code = '') => {
  expect(codeOf(address)).toBe(code);
});

test('a long address is cut in the message', () => {
  expect(() => resolveTable(databases, `docs/${'é'.repeat(5_000)}`)).toThrow(/^.{1,200}$/u);
});

test('the result always lies directly in its database', { timeout: 60_000 }, () => {
  const nasty = fc.constantFrom(
    '/',
    '.',
    '..',
    '%2e',
    '\\',
    '\0',
    'docs',
    'nested',
    'a',
    '.lance',
    '/data/docs/',
    's3://',
  );
  const address = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(nasty, { maxLength: 8 }).map((parts) => parts.join('')),
    fc.stringMatching(/^(docs|nested|cloud|none)\/[A-Za-z0-9_.-]{1,20}$/),
    fc.stringMatching(/^\/data\/docs\/[A-Za-z0-9_./-]{1,20}\.lance$/),
  );
  fc.assert(
    fc.property(address, (text) => {
      try {
        const table = resolveTable(databases, text);
        const base = databases.get(table.database)?.replace(/\/$/, '');
        expect(table.uri).toBe(`${base}/${table.name}.lance`);
        expect(table.name).toMatch(/^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,248}$/);
        expect(table.id).toBe(`${table.database}/${table.name}`);
        expect(resolveTable(databases, table.id)).toEqual(table);
      } catch (error) {
        expect(error).toBeInstanceOf(SegmentdError);
      }
    }),
    { numRuns: 2_000 },
  );
});
