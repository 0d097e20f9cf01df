/**
 * The protobuf wire format, read in place: a cursor over bytes that never copies and never allocates per field.
 *
 *   message = { tag value }          tag = varint (field number << 3 | wire type)
 *   wire types: 0 varint · 1 eight bytes · 2 length-delimited · 5 four bytes     (3 and 4, groups, are refused)
 *
 * Writing goes through BinaryWriter of @bufbuild/protobuf; this reader exists because a manifest of 100,000 fragments is
 * scanned for a handful of numbers, which a decoder into objects does a hundred times slower.
 */
import { SegmentdError } from '../../lib/errors.ts';

const WIRE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

const utf8 = new TextDecoder('utf-8', { fatal: true });

function malformed(what: string): never {
  throw new SegmentdError('table_unreadable', `malformed protobuf in the manifest: ${what}`);
}

/** A position in a message. `next()` moves to the next field; exactly one value method, or `skip()`, must follow. */
export class Cursor {
  readonly bytes: Uint8Array;
  pos: number;
  readonly end: number;
  /** Number and wire type of the current field, and where its tag began. */
  field = 0;
  wire = 0;
  fieldStart = 0;

  constructor(bytes: Uint8Array, pos = 0, end = bytes.length) {
    this.bytes = bytes;
    this.pos = pos;
    this.end = end;
  }

  next(): boolean {
    if (this.pos >= this.end) return false;
    this.fieldStart = this.pos;
    const tag = this.varint();
    this.field = Math.floor(tag / 8);
    this.wire = tag & 7;
    if (this.field === 0) malformed('field number 0');
    return true;
  }

  /** An unsigned varint up to 2^53 - 1; larger values are refused rather than rounded. */
  varint(): number {
    const { bytes, end } = this;
    let pos = this.pos;
    let byte = pos < end ? (bytes[pos++] as number) : malformed('truncated varint');
    if (byte < 0x80) {
      this.pos = pos;
      return byte;
    }
    let value = byte & 0x7f;
    let scale = 128;
    for (let length = 1; length < 10; length++) {
      byte = pos < end ? (bytes[pos++] as number) : malformed('truncated varint');
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (value > Number.MAX_SAFE_INTEGER) malformed('an integer beyond 2^53');
        this.pos = pos;
        return value;
      }
      scale *= 128;
    }
    return malformed('varint longer than ten bytes');
  }

  /** The same as the value of a field, which has to be written as one: for messages that a writer may have made differently. */
  number(): number {
    if (this.wire !== WIRE.varint) malformed(`field ${this.field} has wire type ${this.wire}, expected a varint`);
    return this.varint();
  }

  /** A varint as all its 64 bits, for flag words. */
  varint64(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      if (this.pos >= this.end) malformed('truncated varint');
      const byte = this.bytes[this.pos++] as number;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    return malformed('varint longer than ten bytes');
  }

  /** An int32, negative values included (they travel as ten-byte varints). */
  int32(): number {
    return Number(BigInt.asIntN(32, this.varint64()));
  }

  /** Enters a length-delimited value: returns its end and leaves the cursor at its first byte. */
  enter(): number {
    if (this.wire !== WIRE.bytes) malformed(`field ${this.field} has wire type ${this.wire}, expected a length`);
    const length = this.varint();
    const end = this.pos + length;
    if (end > this.end) malformed(`field ${this.field} runs past the end`);
    return end;
  }

  /** The bytes of a length-delimited value, a view. */
  slice(): Uint8Array {
    const end = this.enter();
    const value = this.bytes.subarray(this.pos, end);
    this.pos = end;
    return value;
  }

  /** A cursor over a length-delimited value; this one moves past it. */
  message(): Cursor {
    const end = this.enter();
    const inner = new Cursor(this.bytes, this.pos, end);
    this.pos = end;
    return inner;
  }

  string(): string {
    try {
      return utf8.decode(this.slice());
    } catch (error) {
      throw new SegmentdError('table_unreadable', `field ${this.field} is not UTF-8`, { cause: error });
    }
  }

  /** Values of a repeated int32, packed or not, appended to `into`. */
  int32s(into: number[]): void {
    if (this.wire === WIRE.varint) {
      into.push(this.int32());
      return;
    }
    const inner = this.message();
    while (inner.pos < inner.end) into.push(inner.int32());
  }

  skip(): void {
    switch (this.wire) {
      case WIRE.varint:
        while ((this.pos < this.end ? (this.bytes[this.pos++] as number) : malformed('truncated varint')) >= 0x80);
        return;
      case WIRE.fixed64:
        this.pos += 8;
        break;
      case WIRE.bytes:
        this.pos = this.enter();
        return;
      case WIRE.fixed32:
        this.pos += 4;
        break;
      default:
        malformed(`wire type ${this.wire}`);
    }
    if (this.pos > this.end) malformed('truncated field');
  }

  /** The whole current field, tag included. Call after its value was read or skipped. */
  rawField(): Uint8Array {
    return this.bytes.subarray(this.fieldStart, this.pos);
  }
}

/** The fields of `message` whose number `keep` accepts, byte for byte and in their order: how unknown fields survive. */
export function copyFields(message: Uint8Array, keep: (field: number) => boolean): Uint8Array[] {
  const kept: Uint8Array[] = [];
  const cursor = new Cursor(message);
  while (cursor.next()) {
    cursor.skip();
    if (keep(cursor.field)) kept.push(cursor.rawField());
  }
  return kept;
}
