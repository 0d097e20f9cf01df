import { messageOf } from '../lib/errors.ts';

/** The header of a record that stands for one that could not be unpacked; its value says why. */
export const CORRUPT_BATCH_HEADER = 'segmentd-undecodable';

/** For a batch whose header cannot be found: more records than fit one of a megabyte. */
const FALLBACK_RECORDS = 65_536;
const REASON_BYTES = 40;

/**
 * Records without key and value at the offsets of a batch whose compressed records, `packed`, cannot be unpacked. The batch's
 * own header, which is not compressed, says how many records it has, and the reader stops after that many. They become dead
 * letters with the right offsets; an error would end the consumer at the same batch for ever.
 *
 * Record => length:varint attributes:int8 timestampDelta:varlong offsetDelta:varint key:varint(-1) value:varint(-1)
 *           headers:varint [nameLength:varint name valueLength:varint value]
 */
export function corruptBatchRecords(error: unknown, packed: Uint8Array): Buffer {
  const count = recordCount(packed) ?? FALLBACK_RECORDS;
  const reason = Buffer.from(messageOf(error)).subarray(0, REASON_BYTES);
  const name = Buffer.from(CORRUPT_BATCH_HEADER);
  const header = Buffer.concat([zigzag(1), zigzag(name.length), name, zigzag(reason.length), reason]);
  const records: Buffer[] = [];
  for (let delta = 0; delta < count; delta++) {
    const body = Buffer.concat([Buffer.of(0), zigzag(0), zigzag(delta), zigzag(-1), zigzag(-1), header]);
    records.push(zigzag(body.length), body);
  }
  return Buffer.concat(records);
}

/** Bytes of a batch's header up to the records, the record count last; and up to where its length counts from. */
const BATCH_HEADER_BYTES = 61;
const BATCH_LENGTH_AT = 8;
const BATCH_LENGTH_FROM = 12;
const MAGIC_AT = 16;
const MAGIC = 2;

/**
 * How many records the batch says it has. A codec is given the records alone, but as a view of the fetched bytes, in which the
 * header (https://kafka.apache.org/documentation/#recordbatch) lies in front of them. Undefined when it does not.
 */
function recordCount(packed: Uint8Array): number | undefined {
  const start = packed.byteOffset - BATCH_HEADER_BYTES;
  if (start < 0) return undefined;
  const header = new DataView(packed.buffer, start, BATCH_HEADER_BYTES);
  const length = BATCH_HEADER_BYTES - BATCH_LENGTH_FROM + packed.byteLength;
  if (header.getInt8(MAGIC_AT) !== MAGIC || header.getInt32(BATCH_LENGTH_AT) !== length) return undefined;
  return header.getInt32(BATCH_HEADER_BYTES - Int32Array.BYTES_PER_ELEMENT);
}

/** A signed varint of 32 bits. */
function zigzag(value: number): Buffer {
  const bytes: number[] = [];
  let rest = ((value << 1) ^ (value >> 31)) >>> 0;
  while (rest > 0x7f) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  bytes.push(rest);
  return Buffer.from(bytes);
}
