import { messageOf } from '../lib/errors.ts';

/** The header of a record that stands for one that could not be unpacked; its value says why. */
export const UNDECODABLE_HEADER = 'segmentd-undecodable';

/** More records than fit a batch of a megabyte; the reader takes as many of them as the batch has. */
const PLACEHOLDERS = 65_536;
const REASON_BYTES = 40;

/**
 * Records without key and value at the offsets of a batch that cannot be unpacked. The batch's own header, which is not
 * compressed, says how many records it has, and the reader stops after that many. They turn into dead letters that name the
 * right offsets, where an error would end the consumer at the same batch for ever.
 *
 * Record => length:varint attributes:int8 timestampDelta:varlong offsetDelta:varint key:varint(-1) value:varint(-1)
 *           headers:varint [nameLength:varint name valueLength:varint value]
 */
export function placeholderRecords(error: unknown): Buffer {
  const reason = Buffer.from(messageOf(error)).subarray(0, REASON_BYTES);
  const name = Buffer.from(UNDECODABLE_HEADER);
  const header = Buffer.concat([zigzag(1), zigzag(name.length), name, zigzag(reason.length), reason]);
  const records: Buffer[] = [];
  for (let delta = 0; delta < PLACEHOLDERS; delta++) {
    const body = Buffer.concat([Buffer.of(0), zigzag(0), zigzag(delta), zigzag(-1), zigzag(-1), header]);
    records.push(zigzag(body.length), body);
  }
  return Buffer.concat(records);
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
