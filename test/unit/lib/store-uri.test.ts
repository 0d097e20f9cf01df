import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  isStoreUri,
  normalStoreUri,
  STORE_SCHEMES,
  STORE_URI_PATTERN,
  schemeOf,
  shownUri,
  storeUriProblem,
} from '../../../src/lib/store-uri.ts';

test.each([
  ['s3://bucket', 's3://bucket'],
  ['s3://bucket///', 's3://bucket'],
  ['S3://Bucket/Lake/', 's3://Bucket/Lake'],
  ['gs://my.bucket_1/a/b', 'gs://my.bucket_1/a/b'],
  ['Az://container/day=1/é +@:,&$!~', 'az://container/day=1/é +@:,&$!~'],
  ['s3://b/...', 's3://b/...'],
  ['gs://bucket--x-s3/lake', 'gs://bucket--x-s3/lake'],
])('%s is served as %s', (given, expected) => {
  expect(storeUriProblem(given)).toBeUndefined();
  expect(normalStoreUri(given)).toBe(expected);
  expect(given).toMatch(new RegExp(`^${STORE_URI_PATTERN}$`, 'u'));
});

test.each([
  ['s3a://b/x', 's3a:// is not supported: write s3://'],
  ['S3A://b/x', 's3a:// is not supported: write s3://'],
  ['s3+ddb://b/x', 'DynamoDB'],
  ['abfss://c@account.dfs.core.windows.net/x', 'write az://'],
  ['abfs://c/x', 'write az://'],
  ['gcs://b', 'write gs://'],
  ['cos://b/x', 'Tencent'],
  ['oss://b/x', 'Alibaba'],
  ['memory://x', 'one process'],
  ['http://host/b', 'as endpoint'],
  ['https://b.s3.amazonaws.com/x', 'as endpoint'],
  ['wasb://c@a/x', 'write az://'],
  ['hdfs://n/x', 'hdfs:// is not supported: segmentd serves'],
  ['constructor://x', 'constructor:// is not supported'],
  ['s3://', 'names no bucket'],
  ['s3:///x', 'names no bucket'],
  ['az://', 'names no container'],
  ['s3://user@b/x', 'user'],
  ['s3://user:s3cret@b/x', 'user'],
  ['s3://b:9000/x', 'port'],
  ['s3://-b/x', 'no bucket has'],
  ['s3://a--use1-az4--x-s3/x', 'directory bucket'],
  ['s3://a--use1-az4--xa-s3', 'directory bucket'],
  ['s3://b/a%20b', '"%"'],
  ['s3://b/x?v=1', '"?"'],
  ['s3://b?v=1', '"?"'],
  ['s3://b/x#y', '"#"'],
  ['s3://b/x\\y', '"\\\\"'],
  ['s3://b/x\ny', '"\\n"'],
  ['s3://b/{X}', '"{"'],
  ['s3://b/./x', '. or ..'],
  ['s3://b/x/..', '. or ..'],
  ['s3://b//x', 'empty'],
  ['s3://b/x ', 'blank'],
  ['/data/x', 'is not the URI'],
  ['file:///data/x', 'is not the URI'],
])('%s is refused', (uri, says) => {
  expect(storeUriProblem(uri)).toContain(says);
  expect(storeUriProblem(uri)).not.toContain('s3cret');
});

test('a URI is told from a path', () => {
  for (const uri of ['s3://b', 'S3A://', 'x+y.z-1://']) expect(isStoreUri(uri)).toBe(true);
  for (const path of ['/s3://b', 's3:/b', './s3://b', 'file://b', 'FILE:///b', '', '3s://b']) {
    expect(isStoreUri(path)).toBe(false);
  }
});

test.each([
  ['s3://user:s3cret@b/x', 's3://…@b/x'],
  ['s3://b/x?token=s3cret', 's3://b/x?…'],
  ['s3://b/x', 's3://b/x'],
  ['/data/a@b', '/data/a@b'],
])('%s is shown as %s', (uri, expected) => {
  expect(shownUri(uri)).toBe(expected);
});

const PIECES = [
  ...[
    's3://',
    'S3://',
    'gs://',
    'az://',
    's3a://',
    '/',
    '//',
    '.',
    '..',
    '/./',
    '/../',
    'bucket',
    'lake',
    't.lance',
    ' ',
  ],
  ...['%2e', '%', '?', '#', '@', ':', '\\', '--x-s3', 'é', '\n', '{', '"', '~', '$'],
];
const anyUri = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.tuple(fc.constantFrom('s3://', 'gs://', 'Az://'), fc.string({ unit: 'grapheme' })).map((parts) => parts.join('')),
  fc.array(fc.constantFrom(...PIECES), { maxLength: 8 }).map((parts) => parts.join('')),
  fc
    .tuple(
      fc.constantFrom('s3://', 'S3://', 'gs://', 'az://'),
      fc.stringMatching(/^[a-z0-9]{1,4}(\/[a-z.]{1,4}){0,3}\/?$/),
    )
    .map((parts) => parts.join('')),
);

test('a URI that is served has one spelling, which a parser of URLs reads as it stands', () => {
  let served = 0;
  fc.assert(
    fc.property(anyUri, (uri) => {
      if (storeUriProblem(uri) !== undefined) return;
      served++;
      const normal = normalStoreUri(uri);
      expect(storeUriProblem(normal)).toBeUndefined();
      expect(normalStoreUri(normal)).toBe(normal);
      expect(STORE_SCHEMES).toContain(schemeOf(uri));
      expect(normal.toLowerCase()).toBe(uri.replace(/\/+$/, '').toLowerCase());
      const { protocol, host, pathname, search, hash, username, port } = new URL(normal);
      expect(`${protocol}//${host}${decodeURI(pathname)}`).toBe(normal);
      expect([search, hash, username, port]).toEqual(['', '', '', '']);
    }),
    { numRuns: 5_000 },
  );
  expect(served).toBeGreaterThan(100);
});

test('the JSON Schema takes what is served, and nothing that is refused', () => {
  const pattern = new RegExp(`^${STORE_URI_PATTERN}$`, 'u');
  fc.assert(
    fc.property(anyUri, (uri) => {
      // Blanks at its end are cut off before a configuration is looked at.
      if (/\s$/.test(uri)) return;
      expect(pattern.test(uri)).toBe(storeUriProblem(uri) === undefined);
    }),
    { numRuns: 5_000 },
  );
});
