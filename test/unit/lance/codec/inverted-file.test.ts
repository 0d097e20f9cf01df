import { expect, test } from 'vitest';
import { paramsOf, schemaMetadata } from '../../../../src/lance/codec/inverted-file.ts';
import { lanceFile } from '../lance-file-fixture.ts';

test('the schema metadata of a Lance file', () => {
  const file = lanceFile({ partitions: '[0]', params: '{"stem":true,"custom_stop_words":["ü"]}' });
  expect(schemaMetadata(file)).toEqual(
    new Map([
      ['partitions', '[0]'],
      ['params', '{"stem":true,"custom_stop_words":["ü"]}'],
    ]),
  );
  expect(paramsOf(file)).toEqual({ stem: true, custom_stop_words: ['ü'] });
});

test.each<[string, Uint8Array]>([
  ['that is empty', new Uint8Array()],
  ['of another kind', Buffer.alloc(100)],
  ['that is cut off', lanceFile({ params: '{}' }).subarray(0, 60)],
  ['whose end was kept alone', lanceFile({ params: '{}' }).subarray(-40)],
  ['without parameters', lanceFile({ partitions: '[0]' })],
  ['with parameters that are no JSON', lanceFile({ params: '{' })],
  ['with a list of parameters', lanceFile({ params: '[]' })],
  ['with a number for parameters', lanceFile({ params: '7' })],
])('a file %s says nothing', (_name, file) => {
  expect(paramsOf(file)).toBeNull();
});

test('a file whose table names more than there is says nothing', () => {
  const file = Buffer.from(lanceFile({ params: '{}' }));
  const table = Number(file.readBigUInt64LE(file.length - 24));
  file.writeBigUInt64LE(1_000_000n, table + 8);
  expect(schemaMetadata(file)).toBeNull();
  file.writeBigUInt64LE(1_000_000n, file.length - 24);
  expect(schemaMetadata(file)).toBeNull();
});
