import { expect, test } from 'vitest';
import { TABLE_NAME_PATTERN, tableUri } from '../../../src/lib/table-name.ts';

test.each([
  ['/data/lake', '/data/lake/t.lance'],
  ['/data/lake/', '/data/lake/t.lance'],
  ['/', '/t.lance'],
  ['s3://bucket', 's3://bucket/t.lance'],
  ['s3://bucket/lake', 's3://bucket/lake/t.lance'],
])('a table of %s lies at %s', (database, expected) => {
  expect(tableUri(database, 't')).toBe(expected);
});

test('a name leads nowhere else', () => {
  const pattern = new RegExp(`^${TABLE_NAME_PATTERN}$`);
  for (const name of ['t', 'a.b-C_1', '-', 'a..b', 't'.repeat(249)]) expect(name).toMatch(pattern);
  for (const name of ['', '.', '..', '.t', 'a/b', 'a\\b', 'a%2fb', 'a b', 'a\n', 'é', 't'.repeat(250)]) {
    expect(name).not.toMatch(pattern);
  }
});
