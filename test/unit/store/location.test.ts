import { expect, test } from 'vitest';
import { tableLocation } from '../../../src/store/location.ts';

test.each([
  ['/db/t.lance', '/db/t.lance'],
  ['/db/t.lance///', '/db/t.lance'],
  ['t.lance', '/work/here/t.lance'],
  ['../t.lance', '/work/t.lance'],
  ['file:///db/my%20table.lance', '/db/my table.lance'],
  ['FILE:///db/t.lance/', '/db/t.lance'],
  ['file:/db/t.lance', '/db/t.lance'],
  ['file://localhost/db/t.lance/.', '/db/t.lance'],
  ['/db//t.lance/./', '/db/t.lance'],
  ['/db/my table.lance', '/db/my table.lance'],
  ['/db/a:b.lance', '/db/a:b.lance'],
])('%s lies at %s', (given, expected) => {
  expect(tableLocation(given, '/work/here')).toBe(expected);
});

test.each([
  '/db/t',
  '',
  '/db',
  's3://bucket/t.lance',
  'gs://bucket/t.lance',
  'file:///db/t',
  'file://db/t.lance',
  'file:///d%2Fb/t.lance',
  'file:///db/t.lance?version=1',
  'file:///db/a?x/t.lance',
  '/db/t.lance/data',
])('%s is not the place of a local table', (given) => {
  expect(() => tableLocation(given, '/work')).toThrow(expect.objectContaining({ code: 'usage' }));
});
