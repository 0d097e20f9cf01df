import fc from 'fast-check';
import type { KafkaMessage } from 'kafkajs';
import { expect, test } from 'vitest';
import { Fetched } from '../../../../src/kafka/consumer/consumer-record.ts';

const bytes = (text: string | null) => (text === null ? null : Buffer.from(text));
type More = { readonly key?: Buffer | null; readonly headers?: Record<string, string> };
const message = (
  offset: number,
  value: string | null,
  { key = bytes('k'), headers = {} }: More = {},
): KafkaMessage => ({
  offset: String(offset),
  timestamp: String(1_000 + offset),
  key,
  value: bytes(value),
  attributes: 0,
  headers,
});

function taken(messages: KafkaMessage[]) {
  const fetched = new Fetched(messages);
  const records: { offset: string; value: Buffer | null; key: Buffer | null; repeats: Fetched['repeats'] }[] = [];
  for (let next = fetched.take(); next !== undefined; next = fetched.take())
    records.push({ ...next, repeats: fetched.repeats });
  expect([fetched.left, fetched.bytes, fetched.nextBytes]).toEqual([0, 0, 0]);
  return records;
}

const shape = (messages: KafkaMessage[]) =>
  taken(messages).map(({ offset, repeats = [] }) => [Number(offset), ...repeats.map((it) => Number(it.offset))]);

test('records in a row that are the same become one with repeats', () => {
  const [first] = taken([message(3, 'a'), message(4, 'a'), message(9, 'a')]);
  expect(first).toMatchObject({ offset: '3', value: bytes('a'), timestamp: '1003' });
  expect(first?.repeats).toMatchObject([
    { offset: '4', timestamp: '1004' },
    { offset: '9', timestamp: '1009' },
  ]);
});

test('so do those that differ in nothing but an id or a time, each with its own value', () => {
  const values = ['one', 'two', 'six'].map((id) => JSON.stringify({ table: 'a/b', id, time: `2026-01-0${id.length}` }));
  const [first, ...others] = taken(values.map((value, at) => message(at, value)));
  expect([String(first?.value), ...(first?.repeats ?? []).map(({ value }) => String(value))]).toEqual(values);
  expect(others).toEqual([]);
});

test.each<[string, KafkaMessage[]]>([
  ['values differ', [message(0, 'a'), message(1, 'b')]],
  ['one has no value', [message(0, ''), message(1, null)]],
  ['keys differ', [message(0, 'a'), message(1, 'a', { key: bytes('l') })]],
  ['one has no key', [message(0, 'a'), message(1, 'a', { key: null })]],
  ['the first has headers', [message(0, 'a', { headers: { h: 'x' } }), message(1, 'a')]],
  ['the second has headers', [message(0, 'a'), message(1, 'a', { headers: { h: 'x' } })]],
])('not when %s', (_, messages) => {
  expect(shape(messages)).toEqual([[0], [1]]);
});

test('every record is there once, in order, with the content it had', () => {
  const content = fc.record({ value: fc.constantFrom('a', 'b', null), key: fc.constantFrom('k', null) });
  fc.assert(
    fc.property(fc.array(content), (contents) => {
      const messages = contents.map(({ value, key }, at) => message(at, value, { key: bytes(key) }));
      const records = taken(messages);
      expect(shape(messages).flat()).toEqual(contents.map((_, at) => at));
      for (const { offset, value, key, repeats = [] } of records) {
        for (const at of [Number(offset), ...repeats.map((it) => Number(it.offset))]) {
          expect([value, key]).toEqual([bytes(contents[at]?.value ?? null), bytes(contents[at]?.key ?? null)]);
        }
      }
    }),
  );
});
