import { expect, test } from 'vitest';
import { locationOf, namesTable } from '../../../src/store/location.ts';

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
  ['s3://bucket/db/t.lance', 's3://bucket/db/t.lance'],
  ['S3://bucket/db/t.lance//', 's3://bucket/db/t.lance'],
  ['gs://bucket/t.lance', 'gs://bucket/t.lance'],
  ['az://container/my db/t.lance', 'az://container/my db/t.lance'],
])('the table %s lies at %s', (given, expected) => {
  expect([namesTable(given), locationOf(given, '/work/here')]).toEqual([true, expected]);
});

test.each([
  ['db', '/work/db'],
  ['/db/t', '/db/t'],
  ['/db/t.lance/data', '/db/t.lance/data'],
  ['file:///db/t', '/db/t'],
  ['s3://bucket', 's3://bucket'],
  ['AZ://container/db/', 'az://container/db'],
])('the database %s lies at %s', (given, expected) => {
  expect([namesTable(given), locationOf(given, '/work')]).toEqual([false, expected]);
});

test.each([
  '',
  's3a://bucket/t.lance',
  's3://bucket/./t.lance',
  's3://bucket/t.lance/.',
  'gs://bucket/t.lance?generation=1',
  'file://db/t.lance',
  'file:///d%2Fb/t.lance',
  'file:///db/t.lance?version=1',
  'file:///db/a?x/t.lance',
])('%j is no place', (given) => {
  expect(() => locationOf(given, '/work')).toThrow(expect.objectContaining({ code: 'usage' }));
});

test.each(['s3://key:s3cret@bucket/t.lance', 's3://bucket/t.lance?X-Amz-Signature=s3cret', 's3a://s3cret@b/t.lance'])(
  'what may be secret in %s is not repeated',
  (given) => {
    expect(() => locationOf(given, '/')).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('s3cret') }),
    );
  },
);
