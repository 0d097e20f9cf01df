import fc from 'fast-check';
import { expect, test } from 'vitest';
import { counted, formatBytes, formatShare, formatTable, printable } from '../../../../src/commands/terminal/output.ts';

test('a table pads its columns, numbers to the right, without spaces at the end of a line', () => {
  const rows = [
    ['id_idx', 1234, 'yes'],
    ['a', 7, ''],
  ];
  expect(formatTable(['index', 'rows', 'x'], rows).split('\n')).toEqual([
    'index    rows  x',
    'id_idx  1,234  yes',
    'a           7',
  ]);
  expect(formatTable(['index', 'rows'], [])).toBe('index  rows');
});

test('a share is 100 % only when it is whole, and never rounded up', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (share) => {
      const shown = Number(formatShare(share).replace(' %', ''));
      expect(shown / 100).toBeLessThanOrEqual(share + Number.EPSILON);
      expect(shown === 100).toBe(share === 1);
    }),
  );
  expect([0, 0.5, 1 - Number.EPSILON, 1].map(formatShare)).toEqual(['0.00 %', '50.00 %', '99.99 %', '100.00 %']);
});

test.each([
  [null, 'unknown'],
  [0, '0 B'],
  [1023, '1023 B'],
  [1024, '1.0 KiB'],
  [1536, '1.5 KiB'],
  [1024 ** 3, '1.0 GiB'],
  [5 * 1024 ** 5, '5120.0 TiB'],
])('%s bytes are %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

test('a name keeps to its line and moves no cursor', () => {
  expect(printable('new\nline \u001b[2J\u0085 🦀 Größe')).toBe('new\\u000aline \\u001b[2J\\u0085 🦀 Größe');
  expect(formatTable(['name'], [['a\nb']])).toBe('name\na\\u000ab');
});

test('one of a thing is called one, and none is many', () => {
  const all = [0, 1, 2, 1_200].map((count) => counted(count, 'dead letter'));
  expect(all).toEqual(['0 dead letters', '1 dead letter', '2 dead letters', '1,200 dead letters']);
});
