import { expect, test } from 'vitest';
import {
  LISTED_NAME_PATTERN,
  madeName,
  TABLE_FOLDER_PATTERN,
  TABLE_NAME_PATTERN,
  tableUri,
} from '../../../src/lib/table-name.ts';

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

const HOSTILE = [
  '',
  '.',
  '..',
  '$',
  '$$',
  'a$',
  '$a',
  'a$$b',
  'a$..',
  '..$a',
  'a$.b',
  'a/b$c',
  'a$b/c',
  'a$b c',
  'a$ä',
  'a$%2e',
  'a$b\n',
];

test('a listed name has namespaces, each held to what a name is held to', () => {
  const pattern = new RegExp(`^${LISTED_NAME_PATTERN}$`);
  for (const name of ['t', 'ns$t', 'a.b$c-d$E_1', `ns$${'t'.repeat(246)}`]) expect(name).toMatch(pattern);
  for (const name of [...HOSTILE, `ns$${'t'.repeat(247)}`]) expect(name).not.toMatch(pattern);
});

test.each([
  ['775d8cd1_ns$t', 'ns$t'],
  ['00000000_t', 't'],
  ['775d8cd1_ns$a.lance', 'ns$a.lance'],
  ['775d8cd_ns$t', undefined],
  ['775D8CD1_ns$t', undefined],
  ['ns$t', undefined],
  ['775d8cd1_', undefined],
  ['775d8cd1_..', undefined],
  ['775d8cd1_ns$..', undefined],
])('the folder %s was made for %s', (folder, name) => {
  expect(madeName(folder)).toBe(name);
});

test('the folder of a table is one by its end or its beginning', () => {
  const pattern = new RegExp(`^${TABLE_FOLDER_PATTERN}$`);
  for (const folder of ['t.lance', 'a$b.lance', '775d8cd1_ns$t', '775d8cd1_ns$a.lance'])
    expect(folder).toMatch(pattern);
  for (const folder of ['t', 'ns$t', '.lance', '..lance', '775d8cd1_ns$..', '__manifest'])
    expect(folder).not.toMatch(pattern);
});
