import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { EventLimits } from '../../../src/events/append-event.ts';
import { decodeRecord, encodeAppendEvent } from '../../../src/events/append-event.ts';
import { SegmentdError } from '../../../src/lib/errors.ts';

const databases = new Map([['docs', '/data/docs']]);
const bytes = (value: unknown): Uint8Array => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
/** The one event of a plain record. */
const decodeAppendEvent = (known: ReadonlyMap<string, string>, value: Uint8Array | null, limits?: EventLimits) =>
  decodeRecord(known, { value, headers: new Map() }, limits)[0];
const decode = (value: unknown) => decodeAppendEvent(databases, bytes(value));
const table = { id: 'docs/t', database: 'docs', name: 't', uri: '/data/docs/t.lance' };

const codeOf = (action: () => unknown): string => {
  try {
    action();
    return 'accepted';
  } catch (error) {
    return error instanceof SegmentdError ? error.code : `threw ${error}`;
  }
};

test('the smallest event names a table', () => {
  expect(decode({ table: 'docs/t' })).toEqual({ table });
  expect(decode({ table: '/data/docs/t.lance' })).toEqual({ table });
});

test('all fields arrive; unknown ones and nulls are ignored', () => {
  const fields = { version: 7, fragments: [0, 4_294_967_295], id: 'i', time: '2026-01-01', producer: 'p', rows: 0 };
  expect(decode({ table: 'docs/t', ...fields, 'x-trace': 'abc', more: { a: [1] } })).toEqual({ table, ...fields });
  expect(decode({ table: 'docs/t', version: null, fragments: null, id: null })).toEqual({ table });
});

test.each([
  ['event_not_json', 'nope'],
  ['event_not_json', '{"table":"docs/t"'],
  ['event_not_json', '{"table":"docs/t","version":NaN}'],
  ['event_not_json', '['.repeat(100_000)],
  ['event_invalid', []],
  ['event_invalid', '[{"table":"docs/t"}]'],
  ['event_invalid', 'null'],
  ['event_invalid', '"docs/t"'],
  ['event_invalid', {}],
  ['event_invalid', { table: 1 }],
  ['event_invalid', { table: '' }],
  ['event_invalid', { table: ['docs/t'] }],
  ['event_invalid', { table: `docs/${'t'.repeat(3_000)}` }],
  ['event_invalid', { table: 'docs/t', version: '7' }],
  ['event_invalid', { table: 'docs/t', version: 0 }],
  ['event_invalid', { table: 'docs/t', version: -1 }],
  ['event_invalid', { table: 'docs/t', version: 1.5 }],
  ['event_invalid', { table: 'docs/t', version: 2 ** 53 }],
  ['event_invalid', '{"table":"docs/t","version":1e999}'],
  ['event_invalid', { table: 'docs/t', fragments: 1 }],
  ['event_invalid', { table: 'docs/t', fragments: [-1] }],
  ['event_invalid', { table: 'docs/t', fragments: [2 ** 32] }],
  ['event_invalid', { table: 'docs/t', fragments: [null] }],
  ['event_invalid', { table: 'docs/t', fragments: new Array(100_001).fill(1) }],
  ['event_invalid', { table: 'docs/t', id: 'x'.repeat(257) }],
  ['event_invalid', { table: 'docs/t', rows: -1 }],
  ['event_database_unknown', { table: 'toString/t' }],
  ['event_table_invalid', { table: 'docs/..' }],
  ['event_table_outside', { table: '/etc/x.lance' }],
])('%s: %.60j', (code, value) => {
  expect(codeOf(() => decode(value))).toBe(code);
});

test('no value, and one that is too large', () => {
  expect(codeOf(() => decodeAppendEvent(databases, null))).toBe('event_empty');
  expect(codeOf(() => decodeAppendEvent(databases, new Uint8Array()))).toBe('event_empty');
  const atLimit = Buffer.concat([bytes({ table: 'docs/t' }), Buffer.alloc(1024 * 1024 - 18, ' ')]);
  expect(atLimit.byteLength).toBe(1024 * 1024);
  expect(decodeAppendEvent(databases, atLimit)).toEqual({ table });
  expect(codeOf(() => decodeAppendEvent(databases, Buffer.concat([atLimit, Buffer.from(' ')])))).toBe(
    'event_too_large',
  );
  expect(codeOf(() => decodeAppendEvent(databases, bytes({ table: 'docs/t' }), { maxValueBytes: 5 }))).toBe(
    'event_too_large',
  );
});

test('text that is not UTF-8 is refused; a byte order mark is not', () => {
  expect(codeOf(() => decodeAppendEvent(databases, Buffer.from([0x7b, 0xff, 0x7d])))).toBe('event_not_json');
  expect(decode('\ufeff{"table":"docs/t"}')).toEqual({ table });
});

test('prototypes stay as they are', () => {
  decode('{"table":"docs/t","__proto__":{"version":9},"constructor":{"prototype":{"version":9}}}');
  expect(Object.hasOwn(Object.prototype, 'version')).toBe(false);
  expect(decode('{"table":"docs/t","__proto__":{"version":9}}')).toEqual({ table });
  expect(codeOf(() => decode('{"__proto__":{"table":"docs/t"}}'))).toBe('event_invalid');
});

test('what is encoded decodes to the same, under the key of its table', () => {
  const event = fc.record(
    {
      table: fc.constant(table),
      version: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
      fragments: fc.array(fc.integer({ min: 0, max: 2 ** 32 - 1 }), { maxLength: 20 }),
      id: fc.string({ maxLength: 100 }),
      producer: fc.string({ maxLength: 100 }),
      rows: fc.maxSafeNat(),
    },
    { requiredKeys: ['table'] },
  );
  fc.assert(
    fc.property(event, (each) => {
      const { key, value } = encodeAppendEvent(each);
      expect(key.toString()).toBe('docs/t');
      expect(decodeAppendEvent(databases, value)).toEqual(each);
    }),
  );
});

test('no value makes it throw anything but a SegmentdError of the event family', { timeout: 60_000 }, () => {
  const value = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.json({ maxDepth: 4 }).map(bytes),
    fc
      .record({
        table: fc.oneof(fc.constant('docs/t'), fc.anything()),
        version: fc.anything(),
        fragments: fc.anything(),
      })
      .map((each) => Buffer.from(safeJson(each))),
  );
  fc.assert(
    fc.property(value, (each) => {
      expect(codeOf(() => decodeAppendEvent(databases, each))).toMatch(/^(accepted|event_[a-z_]+)$/);
    }),
    { numRuns: 2_000 },
  );
});

/** `fc.anything` makes values that JSON cannot hold. */
function safeJson(value: unknown): string {
  try {
    return JSON.stringify(value) ?? '';
  } catch {
    return '{}';
  }
}
