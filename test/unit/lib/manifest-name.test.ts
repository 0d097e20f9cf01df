import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseManifestName, versionFileName } from '../../../src/lib/manifest-name.ts';

test.each([
  ['1.manifest', { scheme: 'V1', version: 1 }],
  ['9007199254740991.manifest', { scheme: 'V1', version: Number.MAX_SAFE_INTEGER }],
  ['18446744073709551614.manifest', { scheme: 'V2', version: 1 }],
  ['18446744073709551573.manifest', { scheme: 'V2', version: 42 }],
])('%s', (name, expected) => {
  expect(parseManifestName(name)).toEqual(expected);
});

test.each([
  '',
  '.manifest',
  'd9223372036854775810.manifest',
  '9007199254740992.manifest',
  '00000000000000000001.manifest',
  '184467440737095516150.manifest',
  '-1.manifest',
  '1.5.manifest',
  '1.manifest.tmp',
  '1.manifest#1',
  '1.manifest-0b9e7b55-9f43-4d3c-a7a5-57a1a4a2b0cf',
  '.tmp_1.manifest',
  '1.MANIFEST',
  '1.manifest\n',
  '\u0661.manifest', // an Arabic one
  'latest_version_hint.json',
])('%j names no version', (name) => {
  expect(parseManifestName(name)).toBeNull();
});

test('a name that was made is read again', () => {
  const version = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
  fc.assert(
    fc.property(fc.constantFrom('V1' as const, 'V2' as const), version, (scheme, each) => {
      expect(parseManifestName(versionFileName(scheme, each))).toEqual({ scheme, version: each });
    }),
  );
});
