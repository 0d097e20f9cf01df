import { expect, test } from 'vitest';
import { recordDecoder } from '../../../src/events/append-event.ts';

const databases = new Map([['lake', '/lake']]);
const record = (value: string, headers: Record<string, string> = {}) => ({
  value: Buffer.from(value),
  headers: new Map(Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)])),
});

test('the same bytes again are not parsed again, others are', () => {
  const decode = recordDecoder(databases);
  const first = decode(record('{"table":"lake/a"}'));
  expect(first).toMatchObject([{ table: { id: 'lake/a' } }]);
  expect(decode(record('{"table":"lake/a"}'))).toBe(first);
  expect(decode(record('{"table":"lake/b"}'))).toMatchObject([{ table: { id: 'lake/b' } }]);
  expect(decode(record('{"table":"lake/a"}'))).toMatchObject([{ table: { id: 'lake/a' } }]);
});

test('headers that change the meaning of the same bytes are heeded', () => {
  const decode = recordDecoder(databases);
  const value = '{"table":"lake/a"}';
  decode(record(value));
  expect(() => decode(record(value, { ce_specversion: '7' }))).toThrow('specversion');
  expect(decode(record(value, { ce_specversion: '1.0', ce_id: 'x' }))).toMatchObject([{ id: 'x' }]);
});

test('a bad record is bad each time, also beside a good one', () => {
  const decode = recordDecoder(databases);
  expect(() => decode(record('{'))).toThrow('JSON');
  decode(record('{"table":"lake/a"}'));
  expect(() => decode(record('{'))).toThrow('JSON');
  expect(() => decode({ value: null, headers: new Map() })).toThrow('no value');
  expect(decode(record('{"table":"lake/a"}'))).toHaveLength(1);
});

test('asks about a commit once for the same bytes, and leaves our own out', () => {
  const notification = (etag: string) =>
    JSON.stringify({
      Records: [
        {
          eventName: 's3:ObjectCreated:Put',
          s3: { bucket: { name: 'bucket' }, object: { key: 'lake/t.lance/_versions/7.manifest', eTag: etag } },
        },
      ],
    });
  const asked: (string | undefined)[] = [];
  const decode = recordDecoder(new Map([['cloud', 's3://bucket/lake']]), {
    isOwnCommit: ({ etag }) => {
      asked.push(etag);
      return etag === 'ours';
    },
  });
  expect(decode(record(notification('ours')))).toEqual([]);
  expect(decode(record(notification('ours')))).toEqual([]);
  expect(decode(record(notification('theirs')))).toMatchObject([{ table: { id: 'cloud/t' }, version: 7 }]);
  const envelope = { 'content-type': 'application/cloudevents+json' };
  const inEnvelope = `{"specversion": "1.0", "data": ${notification('ours')}}`;
  expect(decode(record(inEnvelope, envelope))).toEqual([]);
  expect(asked).toEqual(['ours', 'theirs', 'ours']);
});
