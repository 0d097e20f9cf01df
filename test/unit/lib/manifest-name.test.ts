import fc from 'fast-check';
import { expect, test } from 'vitest';
import { latestVersion, parseManifestName, versionFileName } from '../../../src/lib/manifest-name.ts';

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

const version = fc.maxSafeNat();
const scheme = fc.constantFrom('V1' as const, 'V2' as const);

test.each([
  ['V1', 1, '1.manifest'],
  ['V1', 123, '123.manifest'],
  ['V2', 1, '18446744073709551614.manifest'],
  ['V2', 2 ** 53 - 1, '18437736874454810624.manifest'],
] as const)('%s version %i is called %s', (kind, number, name) => {
  expect(versionFileName(kind, number)).toBe(name);
});

test('V2 names sort newest first, which is what they are for', () => {
  fc.assert(
    fc.property(version, version, (a, b) => {
      fc.pre(a < b);
      expect(versionFileName('V2', a) > versionFileName('V2', b)).toBe(true);
    }),
  );
});

/** What Lance and others leave in `_versions/` beside the manifests. */
const JUNK = [
  'latest_version_hint.json',
  '.tmp_0b0c',
  '9.manifest.tmp',
  '9.manifest#1',
  '9.manifest-0b0c2f6e-0000-4000-8000-000000000000',
  'x.manifest',
  'abcdefghijklmnopqrst.manifest',
  'd9223372036854775809.manifest',
  '9.txt',
  '.manifest',
  '-9.manifest',
  '9e3.manifest',
  '100000000000000000000000.manifest',
];

test('the latest version is found among any junk, in any order', () => {
  const versions = fc.uniqueArray(version, { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(scheme, versions, fc.shuffledSubarray(JUNK), fc.nat(), (kind, numbers, junk, rotate) => {
      const names = [...numbers.map((number) => versionFileName(kind, number)), ...junk];
      const rotated = names.map((_, at) => names[(at + rotate) % names.length] as string);
      expect(latestVersion(rotated)).toEqual({ scheme: kind, version: Math.max(...numbers) });
    }),
  );
});

test('there is no latest version among nothing but junk', () => {
  expect(latestVersion(JUNK)).toBeNull();
  expect(latestVersion([])).toBeNull();
});

test('a folder that mixes both kinds of names is refused, as Lance refuses it', () => {
  const mixed = [versionFileName('V2', 1), versionFileName('V1', 2)];
  for (const names of [mixed, mixed.toReversed()]) {
    expect(() => latestVersion(names)).toThrow(expect.objectContaining({ code: 'table_mixed_version_names' }));
  }
});

test('a V2 name of a version that no number can hold is passed over', () => {
  expect(latestVersion(['00000000000000000001.manifest', versionFileName('V2', 3)])).toEqual({
    scheme: 'V2',
    version: 3,
  });
});
