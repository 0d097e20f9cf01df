import { expect, test } from 'vitest';
import { byteSize } from '../../../src/lib/byte-size.ts';

test.each([
  ['64MiB', 67_108_864],
  ['1GiB', 1_073_741_824],
  ['1.5GiB', 1_610_612_736],
])('%s is %d bytes', (text, bytes) => {
  expect(byteSize(text)).toBe(bytes);
});

test.each(['', '64', 'MiB', '-1MiB', '1 GiB', '1GB', '1g', '1e3MiB', '1GiB ', '9999999MiB'])('%j is none', (text) => {
  expect(byteSize(text)).toBe(null);
});
