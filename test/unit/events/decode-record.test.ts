import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeRecord } from '../../../src/events/append-event.ts';
import { CORRUPT_BATCH_HEADER } from '../../../src/kafka/corrupt-batch.ts';
import { SegmentdError } from '../../../src/lib/errors.ts';

const databases = new Map([
  ['docs', '/data/docs'],
  ['cloud', 's3://bucket/lake'],
]);
const NAME = /^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,254}$/;

type Headers = Readonly<Record<string, string>>;
const decode = (value: unknown, headers: Headers = {}) =>
  decodeRecord(databases, {
    value: value instanceof Uint8Array || value === null ? value : bytes(value),
    headers: new Map(Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)])),
  });
const bytes = (value: unknown): Uint8Array =>
  Buffer.from(typeof value === 'string' ? value : (JSON.stringify(value) ?? ''));

/** Decodes, checks the promise of decodeRecord, and says how it ended. */
function outcome(value: unknown, headers: Headers = {}): string {
  try {
    const events = decode(value, headers);
    for (const { table, version } of events) {
      const base = databases.get(table.database);
      expect(base).toBeDefined();
      expect(table.name).toMatch(NAME);
      expect(table.uri).toBe(`${base}/${table.name}.lance`);
      expect(table.id).toBe(`${table.database}/${table.name}`);
      expect(version ?? 1).toSatisfy((each: number) => Number.isSafeInteger(each) && each >= 1);
    }
    expect(new Set(events.map(({ table }) => table.id)).size).toBe(events.length);
    return events.length === 0 ? 'nothing' : 'accepted';
  } catch (error) {
    if (!(error instanceof SegmentdError)) throw error;
    expect(error.code).toMatch(/^event_/);
    expect(error.message.length).toBeLessThan(1_000);
    return error.code;
  }
}

const table = { id: 'docs/t', database: 'docs', name: 't', uri: '/data/docs/t.lance' };
const binary = { ce_specversion: '1.0', ce_id: 'e-1', ce_source: '/w', ce_time: '2026-03-01', ce_type: 'appended' };
const envelope = { specversion: '1.0', id: 'e-1', source: '/w', time: '2026-03-01', type: 'appended' };
const provenance = { id: 'e-1', time: '2026-03-01', producer: '/w' };
const notification = (key: unknown, bucket: unknown = 'bucket') => ({
  Records: [{ eventName: 'ObjectCreated:Put', s3: { bucket: { name: bucket }, object: { key } } }],
});

test('every form ends in the same event', () => {
  const data = { table: 'docs/t', version: 3 };
  const base64 = Buffer.from(bytes(data)).toString('base64');
  expect(decode({ ...data, ...provenance })).toEqual([{ table, version: 3, ...provenance }]);
  expect(decode(data, binary)).toEqual([{ table, version: 3, ...provenance }]);
  expect(decode({ ...envelope, data })).toEqual([{ table, version: 3, ...provenance }]);
  expect(decode({ ...envelope, data_base64: base64 })).toEqual([{ table, version: 3, ...provenance }]);
});

test('the data has the last word on its provenance and its table', () => {
  const own = { id: 'own', time: 'then', producer: 'me' };
  const headers = { ...binary, ce_subject: 'docs/other' };
  expect(decode({ table: 'docs/t', ...own }, headers)).toEqual([{ table, ...own }]);
  expect(decode({ table: 'docs/t', id: null }, headers)).toEqual([{ table, ...provenance }]);
});

test('a subject names the table where the data does not, under the same rules', () => {
  expect(decode({ version: 3 }, { ...binary, ce_subject: 'docs/t' })).toEqual([{ table, version: 3, ...provenance }]);
  expect(decode({ ...envelope, subject: 'docs/t' })).toEqual([{ table, ...provenance }]);
  expect(outcome({ ...envelope, subject: 'docs/../t' })).toBe('event_table_invalid');
  expect(outcome({ ...envelope, subject: '/etc/t.lance' })).toBe('event_table_outside');
  expect(outcome({ ...envelope, subject: '' })).toBe('event_invalid');
  expect(outcome({}, binary)).toBe('event_invalid');
});

test('a notification may come in an envelope, with a header or without', () => {
  const inside = notification('lake/t.lance/_versions/7.manifest');
  const cloud = { id: 'cloud/t', database: 'cloud', name: 't', uri: 's3://bucket/lake/t.lance' };
  expect(decode(inside)).toEqual([{ table: cloud, version: 7 }]);
  expect(decode(inside, binary)).toEqual([{ table: cloud, version: 7 }]);
  expect(decode({ ...envelope, data: inside })).toEqual([{ table: cloud, version: 7 }]);
});

test('tombstones, empty values and batches that cannot be unpacked', () => {
  expect(outcome(null)).toBe('event_empty');
  expect(outcome(null, { ...binary, ce_subject: 'docs/t' })).toBe('event_empty');
  expect(outcome(new Uint8Array(), { 'content-type': 'application/cloudevents+json' })).toBe('event_empty');
  expect(outcome(null, { [CORRUPT_BATCH_HEADER]: 'zstd' })).toBe('event_undecodable');
  expect(() => decode(null, { [CORRUPT_BATCH_HEADER]: 'zstd' })).toThrow('zstd');
  // The header alone is not enough: any producer may write it.
  expect(outcome({ table: 'docs/t' }, { [CORRUPT_BATCH_HEADER]: 'x' })).toBe('accepted');
});

test('the limit holds for every form', () => {
  const value = bytes({ ...envelope, data: { table: 'docs/t' } });
  const limited = (maxValueBytes: number) =>
    decodeRecord(databases, { value, headers: new Map() }, { maxValueBytes }).length;
  expect(limited(value.byteLength)).toBe(1);
  expect(() => limited(value.byteLength - 1)).toThrow(expect.objectContaining({ code: 'event_too_large' }));
});

test('deep nesting is either understood or not JSON', () => {
  const deep = (open: string, close: string, levels: number) => `${open.repeat(levels)}${close.repeat(levels)}`;
  const arrays = deep('[', ']', 100_000);
  expect(outcome('['.repeat(100_000))).toBe('event_not_json');
  expect(outcome(arrays)).toMatch(/^event_(not_json|invalid)$/);
  expect(outcome(`${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`)).toMatch(/^event_(not_json|invalid)$/);
  for (const headers of [{}, binary]) {
    expect(outcome(`{"table":"docs/t","x":${arrays}}`, headers)).toMatch(/^(accepted|event_not_json)$/);
  }
  expect(outcome(`{"specversion":"1.0","data":${arrays}}`)).toMatch(/^event_(not_json|invalid)$/);
  expect(outcome(`{"Records":[${arrays}]}`)).toMatch(/^event_(not_json|invalid)$/);
  expect(outcome(`{"table":${arrays}}`)).toMatch(/^event_(not_json|invalid)$/);
});

test.each([
  ['{"table":"docs/x","table":"docs/t"}', 'accepted'],
  ['\ufeff{"table":"docs/t"}', 'accepted'],
  ['\ufeff\ufeff{"table":"docs/t"}', 'event_not_json'],
  ['{"table":"docs/\\ud800"}', 'event_table_invalid'],
  ['{"table":"docs/t","id":"\\ud800"}', 'accepted'],
  ['{"table":"docs/t","version":1e400}', 'event_invalid'],
  [`{"table":"docs/t","version":${'9'.repeat(100_000)}}`, 'event_invalid'],
  ['{"table":"docs/t","version":9007199254740993}', 'event_invalid'],
  ['{"table":"docs/t","version":1e-400}', 'event_invalid'],
  ['{"specversion":"1.0","data":{"table":"docs/t","__proto__":{"version":0}}}', 'accepted'],
  ['{"specversion":"1.0","__proto__":{"data":{"table":"docs/t"}}}', 'event_invalid'],
  ['{"__proto__":{"specversion":"1.0","data":{"table":"docs/t"}}}', 'event_invalid'],
  ['{"__proto__":{"Records":[]}}', 'event_invalid'],
  ['{"constructor":{"prototype":{"table":"docs/t"}}}', 'event_invalid'],
])('case %#: %.60j ends as %s', (value, expected) => {
  expect(outcome(value)).toBe(expected);
  expect(Object.hasOwn(Object.prototype, 'version')).toBe(false);
  expect(Object.hasOwn(Object.prototype, 'table')).toBe(false);
});

test('text that is not UTF-8, in every form', () => {
  const broken = Buffer.from([...Buffer.from('{"table":"docs/'), 0xed, 0xa0, 0x80, ...Buffer.from('"}')]);
  expect(outcome(broken)).toBe('event_not_json');
  expect(outcome(broken, binary)).toBe('event_not_json');
  expect(outcome(broken, { 'content-type': 'application/cloudevents+json' })).toBe('event_not_json');
  expect(outcome({ ...envelope, data_base64: broken.toString('base64') })).toBe('event_not_json');
  expect(outcome(Buffer.from('{"table":"docs/t"}', 'utf16le'))).toBe('event_not_json');
});

const TRICKS = [
  '/',
  '//',
  '.',
  '..',
  '/../',
  '%2e%2e',
  '%2F',
  '%252e',
  '%00',
  '%c0%ae',
  '%',
  '+',
  '\\',
  '\0',
  '\n',
  '\ud800',
  '\u2024', // one dot leader
  '\u2215', // division slash
  '\uff0f', // full-width slash
  '\u0430', // Cyrillic a
  '\u202e', // right-to-left override
  'docs',
  'cloud',
  'bucket',
  'lake',
  't',
  '.lance',
  '/data/docs/',
  's3://',
  's3://bucket/lake/',
  'file:///data/docs/',
  '/_versions/',
  '7.manifest',
  '18446744073709551608.manifest',
  'd7.manifest',
  '/tree/',
];
const tricky = fc.oneof(
  { weight: 3, arbitrary: fc.array(fc.constantFrom(...TRICKS), { maxLength: 10 }).map((parts) => parts.join('')) },
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom('docs/t', 's3://bucket/lake/t.lance', '/data/docs/t.lance', '/elsewhere/t.lance', 'x'.repeat(5_000)),
);
const key = fc.oneof(
  tricky,
  fc.tuple(tricky, tricky).map(([folder, file]) => `lake/${folder}.lance/_versions/${file}`),
  tricky.map((folder) => `lake/${folder}.lance/_versions/7.manifest`),
  fc.stringMatching(/^lake\/[A-Za-z0-9_.%+-]{1,12}\.lance\/_versions\/[0-9]{1,20}\.manifest$/),
);
const anything = fc.anything({ withBigInt: false, withNullPrototype: false });
const fields = fc.record(
  {
    table: fc.oneof({ weight: 4, arbitrary: tricky }, anything),
    version: fc.oneof(fc.double(), fc.maxSafeInteger(), anything),
    fragments: fc.oneof(fc.array(fc.double()), anything),
    id: fc.oneof(tricky, anything),
    time: anything,
    producer: anything,
    rows: anything,
  },
  { requiredKeys: [] },
);
const s3Record = fc.record(
  {
    eventName: fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom('ObjectCreated:Put', 's3:ObjectCreated:Copy', 'ObjectRemoved:Delete') },
      anything,
    ),
    eventTime: anything,
    responseElements: anything,
    s3: fc.record({
      bucket: fc.record({ name: fc.oneof({ weight: 4, arbitrary: fc.constant('bucket') }, tricky, anything) }),
      object: fc.record({ key: fc.oneof({ weight: 6, arbitrary: key }, anything), eTag: anything }),
    }),
  },
  { requiredKeys: ['eventName', 's3'] },
);
const notifications = fc.record(
  {
    Records: fc.oneof({ weight: 5, arbitrary: fc.array(s3Record, { minLength: 1, maxLength: 4 }) }, anything),
    Event: fc.constantFrom('s3:TestEvent', 'other'),
    EventName: anything,
    Key: tricky,
  },
  { requiredKeys: ['Records'] },
);
const data = fc.oneof(fields, notifications, anything);
const envelopes = fc.record(
  {
    specversion: fc.oneof({ weight: 5, arbitrary: fc.constant('1.0') }, anything),
    id: fc.oneof(tricky, anything),
    source: fc.oneof(tricky, fc.constant(null)),
    time: fc.oneof(tricky, fc.constant(null)),
    subject: fc.oneof(tricky, fc.constant('docs/t')),
    datacontenttype: fc.oneof({ weight: 4, arbitrary: fc.constant('application/json') }, tricky),
    data,
    data_base64: fc.oneof(
      fields.map((each) => Buffer.from(toJson(each)).toString('base64')),
      fc.base64String(),
      tricky,
    ),
  },
  { requiredKeys: ['specversion'] },
);
const mediaTypes = fc.oneof(
  fc.constantFrom('application/json', 'application/cloudevents+json', 'application/cloudevents', 'application/avro'),
  tricky,
);
const headers = fc.record(
  {
    'content-type': mediaTypes,
    ce_specversion: fc.oneof({ weight: 3, arbitrary: fc.constant('1.0') }, tricky),
    ce_id: tricky,
    ce_source: tricky,
    ce_time: tricky,
    ce_subject: fc.oneof(tricky, fc.constant('docs/t')),
    [CORRUPT_BATCH_HEADER]: tricky,
  },
  { requiredKeys: [] },
);
const values = fc.oneof(
  fc.constant(null),
  fc.uint8Array({ maxLength: 200 }),
  fc.json({ maxDepth: 4 }).map(bytes),
  fc.oneof(fields, notifications, envelopes).map((each) => Buffer.from(toJson(each))),
  // Cut and bent JSON is close enough to the real thing to get far.
  fc
    .tuple(fc.oneof(fields, notifications, envelopes), fc.nat(), fc.integer({ min: 0, max: 255 }))
    .map(([each, at, byte]) => {
      const text = Buffer.from(toJson(each));
      if (text.length > 0) text[at % text.length] = byte;
      return text;
    }),
);

/** `fc.anything` makes values that JSON cannot hold. */
function toJson(value: unknown): string {
  try {
    return JSON.stringify(value) ?? '';
  } catch {
    return '{}';
  }
}

/** Ends that the generators do not reach in every run. */
const RARE: [Uint8Array | null, Record<string, string>][] = [
  [bytes('{"table":"s3://elsewhere/t.lance"}'), {}],
  [bytes('{"table":"docs/../t"}'), {}],
  [bytes('{"specversion":"2.0"}'), {}],
  [bytes('{}'), { 'content-type': 'application/cloudevents+avro' }],
  [bytes('{"Event":"s3:TestEvent"}'), {}],
  [null, { [CORRUPT_BATCH_HEADER]: 'no codec' }],
  [null, {}],
];

test('whatever the record holds: events of configured tables, or a SegmentdError of the event family', {
  timeout: 60_000,
}, () => {
  const seen = new Map<string, number>();
  fc.assert(
    fc.property(values, fc.oneof(fc.constant({}), headers), (value, some) => {
      const ended = outcome(value, some);
      seen.set(ended, (seen.get(ended) ?? 0) + 1);
    }),
    { numRuns: 4_000, examples: RARE },
  );
  // They reach every end but the two about size and the config, which have tests of their own.
  expect([...seen.keys()]).toEqual(
    expect.arrayContaining([
      'accepted',
      'nothing',
      'event_empty',
      'event_undecodable',
      'event_not_json',
      'event_cloudevent_version',
      'event_content_type',
      'event_invalid',
      'event_table_invalid',
      'event_table_outside',
    ]),
  );
});
