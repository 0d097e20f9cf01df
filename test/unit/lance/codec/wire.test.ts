import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Cursor, copyFields } from '../../../../src/lance/codec/wire.ts';
import { SegmentdError } from '../../../../src/lib/errors.ts';

type Value =
  | { kind: 'varint'; value: number }
  | { kind: 'varint64'; value: bigint }
  | { kind: 'int32'; value: number }
  | { kind: 'string'; value: string }
  | { kind: 'bytes'; value: Uint8Array }
  | { kind: 'packed' | 'unpacked'; value: number[] }
  | { kind: 'fixed'; value: number; size: 4 | 8 };

const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const value: fc.Arbitrary<Value> = fc.oneof(
  fc.record({ kind: fc.constant('varint'), value: fc.maxSafeNat() } as const),
  fc.record({ kind: fc.constant('varint64'), value: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) } as const),
  fc.record({ kind: fc.constant('int32'), value: int32 } as const),
  fc.record({ kind: fc.constant('string'), value: fc.string({ unit: 'grapheme' }) } as const),
  fc.record({ kind: fc.constant('bytes'), value: fc.uint8Array() } as const),
  fc.record({ kind: fc.constantFrom('packed', 'unpacked'), value: fc.array(int32, { minLength: 1 }) } as const),
  fc.record({ kind: fc.constant('fixed'), value: fc.nat(), size: fc.constantFrom(4, 8) } as const),
);
const fields = fc.array(fc.tuple(fc.integer({ min: 1, max: 2 ** 29 - 1 }), value), { maxLength: 12 });

function write(writer: BinaryWriter, number: number, it: Value): BinaryWriter {
  switch (it.kind) {
    case 'varint':
      return writer.tag(number, WireType.Varint).uint64(it.value);
    case 'varint64':
      return writer.tag(number, WireType.Varint).uint64(it.value);
    case 'int32':
      return writer.tag(number, WireType.Varint).int32(it.value);
    case 'string':
      return writer.tag(number, WireType.LengthDelimited).string(it.value);
    case 'bytes':
      return writer.tag(number, WireType.LengthDelimited).bytes(it.value);
    case 'packed':
      writer.tag(number, WireType.LengthDelimited).fork();
      for (const each of it.value) writer.int32(each);
      return writer.join();
    case 'unpacked':
      for (const each of it.value) writer.tag(number, WireType.Varint).int32(each);
      return writer;
    case 'fixed':
      return it.size === 4
        ? writer.tag(number, WireType.Bit32).fixed32(it.value)
        : writer.tag(number, WireType.Bit64).fixed64(it.value);
  }
}

function read(cursor: Cursor, it: Value): unknown {
  switch (it.kind) {
    case 'varint':
      return cursor.varint();
    case 'varint64':
      return cursor.varint64();
    case 'int32':
      return cursor.int32();
    case 'string':
      return cursor.string();
    case 'bytes':
      return cursor.slice();
    case 'packed':
    case 'unpacked': {
      const into: number[] = [];
      cursor.int32s(into);
      for (let more = 1; it.kind === 'unpacked' && more < it.value.length; more++) {
        cursor.next();
        cursor.int32s(into);
      }
      return into;
    }
    case 'fixed':
      cursor.skip();
      return it.value;
  }
}

const encode = (list: readonly [number, Value][]) => {
  const writer = new BinaryWriter();
  for (const [number, it] of list) write(writer, number, it);
  return writer.finish();
};

test('reads what protobuf wrote: numbers, text, bytes, messages, packed and not', () => {
  fc.assert(
    fc.property(fields, (list) => {
      const cursor = new Cursor(encode(list));
      for (const [number, it] of list) {
        expect(cursor.next()).toBe(true);
        expect(cursor.field).toBe(number);
        expect(read(cursor, it)).toEqual(it.value);
      }
      expect(cursor.next()).toBe(false);
    }),
  );
});

test('skips every kind of value, and gives each field back byte for byte', () => {
  fc.assert(
    fc.property(fields, (list) => {
      const bytes = encode(list);
      expect(Buffer.concat(copyFields(bytes, () => true))).toEqual(Buffer.from(bytes));
      const odd = list.filter(([number]) => number % 2 === 1);
      const kept = copyFields(bytes, (number) => number % 2 === 1);
      expect(Buffer.concat(kept)).toEqual(Buffer.from(encode(odd)));
    }),
  );
});

test('a cursor stays inside the message it was made for', () => {
  const outer = new BinaryWriter().tag(1, WireType.LengthDelimited).fork().tag(7, WireType.Varint).uint32(300).join();
  const bytes = outer.tag(2, WireType.Varint).uint32(5).finish();
  const cursor = new Cursor(bytes);
  cursor.next();
  const inner = cursor.message();
  inner.next();
  expect([inner.field, inner.varint(), inner.next()]).toEqual([7, 300, false]);
  cursor.next();
  expect([cursor.field, cursor.varint(), cursor.next()]).toEqual([2, 5, false]);
});

const unreadable = (read: () => unknown) => {
  try {
    read();
    return 'fine';
  } catch (error) {
    return error instanceof SegmentdError ? error.code : error;
  }
};

test.each<[string, number[], (cursor: Cursor) => unknown]>([
  ['a tag without a value', [0x08], (it) => it.varint()],
  ['a varint without an end', [0x08, 0xff, 0xff], (it) => it.varint()],
  ['a varint without an end, skipped', [0x08, 0xff, 0xff], (it) => it.skip()],
  ['a varint of eleven bytes', [0x08, ...Array.from({ length: 10 }, () => 0x80), 1], (it) => it.varint()],
  ['flags of eleven bytes', [0x08, ...Array.from({ length: 10 }, () => 0x80), 1], (it) => it.varint64()],
  ['flags without an end', [0x08, 0x80], (it) => it.varint64()],
  ['a number beyond 2^53', [0x08, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10], (it) => it.varint()],
  ['a length past the end', [0x0a, 0x05, 1, 2], (it) => it.slice()],
  ['a length past the end, skipped', [0x0a, 0x05, 1, 2], (it) => it.skip()],
  ['a message past the end', [0x0a, 0x05, 1, 2], (it) => it.message()],
  ['four bytes that are three', [0x0d, 1, 2, 3], (it) => it.skip()],
  ['eight bytes that are seven', [0x09, 1, 2, 3, 4, 5, 6, 7], (it) => it.skip()],
  ['a group', [0x0b, 0x0c], (it) => it.skip()],
  ['text in another encoding', [0x0a, 0x02, 0xc3, 0x28], (it) => it.string()],
  ['text where a number stands', [0x08, 0x02], (it) => it.string()],
])('refuses %s', (_name, bytes, action) => {
  const cursor = new Cursor(Uint8Array.from(bytes));
  cursor.next();
  expect(unreadable(() => action(cursor))).toBe('table_unreadable');
});

test('refuses field number 0', () => {
  expect(unreadable(() => new Cursor(Uint8Array.of(0)).next())).toBe('table_unreadable');
});

test('the greatest number is 2^53 - 1', () => {
  const bytes = new BinaryWriter().tag(1, WireType.Varint).uint64(Number.MAX_SAFE_INTEGER).finish();
  const cursor = new Cursor(bytes);
  cursor.next();
  expect(cursor.varint()).toBe(Number.MAX_SAFE_INTEGER);
});

test('any bytes at all are read or refused, never anything else', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      const walk = () => {
        const cursor = new Cursor(bytes);
        while (cursor.next()) {
          if (cursor.wire === 2) unreadable(() => cursor.string());
          else cursor.skip();
        }
      };
      expect(['fine', 'table_unreadable']).toContain(unreadable(walk));
    }),
    { numRuns: 1000 },
  );
});
