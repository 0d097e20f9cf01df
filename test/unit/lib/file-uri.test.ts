import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FILE_URI, pathOfFileUri } from '../../../src/lib/file-uri.ts';

test.each([
  ['file:///a/b', '/a/b'],
  ['file:/a/b', '/a/b'],
  ['FILE://LOCALHOST/a', '/a'],
  ['file:///', '/'],
  ['file:///a%20b/%C3%A9%25', '/a b/é%'],
  ['file:///a/../b/%2e%2E/', '/a/../b/../'],
])('%s names %s', (uri, path) => {
  expect([FILE_URI.test(uri), pathOfFileUri(uri)]).toEqual([true, path]);
});

test.each([
  ['file://host/a', 'host'],
  ['file://localhost', 'host'],
  ['file://localhost:1/a', 'host'],
  ['file:///a?b', 'query'],
  ['file:///a#b', 'fragment'],
  ['file:///a%2Fb', 'encoded slash'],
  ['file:///a%5cb', 'encoded slash'],
  ['file:///a\\b', 'backslash'],
  ['file:///a%00', 'NUL'],
  ['file:///%ff', 'UTF-8'],
  ['file:///100%', '%25'],
])('%s names no file here', (uri, says) => {
  expect(() => pathOfFileUri(uri)).toThrow(says);
});

test('an encoded path comes back as it was', () => {
  const path = fc.array(fc.string({ unit: 'grapheme' }), { minLength: 1 }).map((parts) => `/${parts.join('/')}`);
  fc.assert(
    fc.property(
      path.filter((it) => !/[\\\0]/.test(it)),
      (it) => {
        const uri = `file://${it.split('/').map(encodeURIComponent).join('/')}`;
        expect(pathOfFileUri(uri)).toBe(it);
      },
    ),
  );
});
