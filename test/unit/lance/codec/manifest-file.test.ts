import fc from 'fast-check';
import { expect, test } from 'vitest';
import { manifestFileWriter, manifestMessageOf, sectionAt } from '../../../../src/lance/codec/manifest-file.ts';
import { container } from '../manifest-fixture.ts';

const parts = fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 4 });

test('sections are found at the offsets the writer gave', () => {
  fc.assert(
    fc.property(fc.array(parts, { maxLength: 4 }), parts, (sections, manifest) => {
      const writer = manifestFileWriter();
      const offsets = sections.map((section) => writer.section(section));
      const file = new Uint8Array(Buffer.concat(writer.finish(manifest)));
      const found = offsets.map((offset) => Buffer.from(sectionAt(file, offset, 'some')));
      expect(found).toEqual(sections.map((section) => Buffer.concat(section)));
      expect(Buffer.from(manifestMessageOf(file))).toEqual(Buffer.concat(manifest));
    }),
  );
});

test('the file is what Lance writes: length, sections, offset, version 0.2, LANC', () => {
  const writer = manifestFileWriter();
  writer.section([Uint8Array.of(1, 2), Uint8Array.of(3)]);
  const file = Buffer.concat(writer.finish([Uint8Array.of(9)]));
  expect(file.toString('hex')).toBe(
    `${'03000000010203'}${'0100000009'}${'0700000000000000'}${'00000200'}${'4c414e43'}`,
  );
  expect(file).toEqual(Buffer.from(container([Uint8Array.of(1, 2, 3), Uint8Array.of(9)])));
});

test('a manifest that is part of a larger buffer is read at its own place', () => {
  const file = container([Uint8Array.of(1), Uint8Array.of(7, 7)]);
  const large = new Uint8Array(file.length + 10);
  large.set(file, 10);
  expect([...manifestMessageOf(large.subarray(10))]).toEqual([7, 7]);
});

const whole = container([Uint8Array.of(5, 6, 7)]);
const patched = (at: number, ...bytes: number[]) => {
  const file = whole.slice();
  file.set(bytes, at);
  return file;
};

test.each([
  ['no bytes', new Uint8Array(0)],
  ['fewer bytes than a footer', whole.slice(-15)],
  ['another magic', patched(whole.length - 1, 0x44)],
  ['an offset past the end', patched(whole.length - 16, 200)],
  ['an offset beyond 2^53', patched(whole.length - 16, 0, 0, 0, 0, 0, 0, 0, 0xff)],
  ['a length past the end', patched(0, 200)],
  ['a file cut off at its end', whole.slice(0, -1)],
])('refuses %s', (_name, file) => {
  expect(() => manifestMessageOf(file)).toThrow(expect.objectContaining({ code: 'table_unreadable' }));
});

test('a section outside the file is named', () => {
  expect(() => sectionAt(whole, 1000, 'index')).toThrow(/index section/);
});
