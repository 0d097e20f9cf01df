import { expect, test } from 'vitest';
import { openEnvelope } from '../../../src/events/cloud-event.ts';
import { SegmentdError } from '../../../src/lib/errors.ts';

const bytes = (value: unknown): Uint8Array => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
const open = (headers: Record<string, string>, value: unknown) =>
  openEnvelope(bytes(value), new Map(Object.entries(headers).map(([name, text]) => [name, bytes(text)])));

const refusal = (headers: Record<string, string>, value: unknown): string => {
  try {
    return JSON.stringify(open(headers, value));
  } catch (error) {
    return error instanceof SegmentdError ? `${error.code}: ${error.message}` : `threw ${error}`;
  }
};

const data = { table: 'docs/t', version: 3 };
const attributes = { id: 'e-1', source: '/writers/7', time: '2026-03-01T09:00:00Z', subject: 'docs/s', type: 'x' };
const defaults = { table: 'docs/s', id: 'e-1', producer: '/writers/7', time: '2026-03-01T09:00:00Z' };
const inHeaders = {
  ce_specversion: '1.0',
  ce_id: 'e-1',
  ce_source: '/writers/7',
  ce_time: '2026-03-01T09:00:00Z',
  ce_subject: 'docs/s',
  ce_type: 'x',
};
const structured = { 'content-type': 'application/cloudevents+json; charset=UTF-8' };
const envelope = { specversion: '1.0', ...attributes };
const base64 = (value: unknown) => Buffer.from(bytes(value)).toString('base64');

test('a record without an envelope is its own data', () => {
  expect(open({}, data)).toEqual({ data, defaults: {} });
  expect(open({ 'content-type': 'text/plain', ce_id: 'alone' }, data)).toEqual({ data, defaults: {} });
  expect(open({}, { ...data, specversion: '0.3' })).toEqual({ data: { ...data, specversion: '0.3' }, defaults: {} });
  expect(open({}, [])).toEqual({ data: [], defaults: {} });
});

test.each([
  undefined,
  '',
  'application/json',
  'Application/JSON; charset=utf-8',
  'application/vnd.acme.append+json',
  'text/json',
])('binary mode with the content type %j', (type) => {
  expect(open({ ...inHeaders, ...(type !== undefined && { 'content-type': type }) }, data)).toEqual({ data, defaults });
});

test.each(['application/cloudevents+json', 'application/cloudevents', 'APPLICATION/CloudEvents+JSON;charset=utf-8'])(
  'structured mode with the content type %s',
  (type) => {
    expect(open({ 'content-type': type }, { ...envelope, data })).toEqual({ data, defaults });
  },
);

test('structured mode is recognised by its shape, and wins over attributes in headers', () => {
  expect(open({}, { ...envelope, data })).toEqual({ data, defaults });
  expect(open({ ...inHeaders, ce_id: 'other', ...structured }, { ...envelope, data })).toEqual({ data, defaults });
});

test('data in base64, with every media type of JSON', () => {
  for (const datacontenttype of [undefined, null, 'application/json', 'application/x+json']) {
    expect(open(structured, { ...envelope, datacontenttype, data_base64: base64(data) })).toEqual({ data, defaults });
  }
});

test('an envelope without data leaves an empty object to be filled', () => {
  expect(open(structured, envelope)).toEqual({ data: {}, defaults });
  expect(open(structured, { ...envelope, data: null, data_base64: null })).toEqual({ data: {}, defaults });
});

test('attributes that are missing, null or long', () => {
  expect(open(structured, { specversion: '1.0', data })).toEqual({ data, defaults: {} });
  expect(open(structured, { specversion: '1.0', id: null, subject: null, data }).defaults).toEqual({});
  const long = open(structured, { specversion: '1.0', id: 'i'.repeat(9_000), source: 's'.repeat(9_000), data });
  expect(long.defaults).toEqual({ id: 'i'.repeat(256), producer: 's'.repeat(256) });
  expect(open({ ce_specversion: '1.0', ce_time: 't'.repeat(9_000) }, data).defaults).toEqual({ time: 't'.repeat(256) });
});

test.each<[string, Record<string, string>, unknown]>([
  ['event_cloudevent_version', { ce_specversion: '0.3' }, data],
  ['event_cloudevent_version', { ce_specversion: '1.0.2' }, data],
  ['event_cloudevent_version', { ce_specversion: '' }, data],
  ['event_cloudevent_version', structured, { ...envelope, specversion: '0.3', data }],
  ['event_cloudevent_version', structured, { ...envelope, specversion: 1, data }],
  ['event_cloudevent_version', structured, { data }],
  ['event_cloudevent_version', {}, { specversion: null, data }],
  ['event_content_type', { ...inHeaders, 'content-type': 'application/avro' }, data],
  ['event_content_type', { ...inHeaders, 'content-type': 'json' }, data],
  ['event_content_type', { 'content-type': 'application/cloudevents+avro' }, { ...envelope, data }],
  ['event_content_type', { 'content-type': 'application/cloudevents-batch+json' }, [{ ...envelope, data }]],
  ['event_content_type', structured, { ...envelope, datacontenttype: 'text/plain', data: 'x' }],
  ['event_content_type', structured, { ...envelope, datacontenttype: 'application/protobuf', data_base64: 'AAAA' }],
  ['event_not_json', inHeaders, 'nope'],
  ['event_not_json', structured, 'nope'],
  ['event_not_json', structured, { ...envelope, data_base64: base64('nope') }],
  ['event_not_json', structured, { ...envelope, data_base64: '' }],
  ['event_invalid', structured, [{ ...envelope, data }]],
  ['event_invalid', structured, 'null'],
  ['event_invalid', structured, { ...envelope, id: 5, data }],
  ['event_invalid', structured, { ...envelope, subject: ['docs/t'], data }],
  ['event_invalid', structured, { ...envelope, data, data_base64: base64(data) }],
  ['event_invalid', structured, { ...envelope, data_base64: { a: 1 } }],
  ['event_invalid', structured, { ...envelope, data_base64: `${base64(data)}\n` }],
  ['event_invalid', structured, { ...envelope, data_base64: `${base64(data)}A` }],
])('%s, case %#: %j', (code, headers, value) => {
  expect(refusal(headers, value)).toMatch(new RegExp(`^${code}: .{5,200}$`));
});

test('text in data is no JSON document, as the specification has it', () => {
  expect(open(structured, { ...envelope, data: JSON.stringify(data) }).data).toBe(JSON.stringify(data));
});
