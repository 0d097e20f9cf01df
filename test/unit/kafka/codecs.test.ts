import { createRequire } from 'node:module';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { CompressionCodecs, CompressionTypes } from 'kafkajs';
import { beforeAll, expect, test } from 'vitest';
import { MAX_UNPACKED_BYTES, registerCodecs } from '../../../src/kafka/codecs.ts';
import { CORRUPT_BATCH_HEADER } from '../../../src/kafka/corrupt-batch.ts';

type Codec = { decompress(data: Buffer): Promise<Buffer>; compress(encoder: { buffer: Buffer }): Promise<Buffer> };
type Record = { offset: string; key: Buffer | null; value: Buffer | null; headers: { [name: string]: Buffer } };

const require = createRequire(import.meta.url);
const Decoder = require('kafkajs/src/protocol/decoder');
const decodeBatch: (
  decoder: unknown,
) => Promise<{ records: Record[] }> = require('kafkajs/src/protocol/recordBatch/v0/decoder');
const decodeRecord = require('kafkajs/src/protocol/recordBatch/record/v0/decoder');

beforeAll(() => registerCodecs());

/** A batch whose records are `packed`, as it lies in what was fetched. */
function batchAround(packed: Buffer, count: number, { at = 0, magic = 2 } = {}): Buffer {
  const batch = Buffer.alloc(at + 61 + packed.length);
  batch.writeInt32BE(49 + packed.length, at + 8);
  batch.writeInt8(magic, at + 16);
  batch.writeInt16BE(CompressionTypes.GZIP, at + 21);
  batch.writeInt32BE(count, at + 57);
  packed.copy(batch, at + 61);
  return batch.subarray(at + 61);
}

const codec = (
  type: CompressionTypes.GZIP | CompressionTypes.Snappy | CompressionTypes.LZ4 | CompressionTypes.ZSTD,
): Codec => CompressionCodecs[type]();

/** As the client reads a batch of `count` records. */
function read(unpacked: Buffer, count: number): Record[] {
  const decoder = new Decoder(unpacked);
  const context = { firstOffset: '100', firstTimestamp: '0', magicByte: 2 };
  return Array.from({ length: count }, () => decodeRecord(new Decoder(decoder.readVarIntBytes()), context));
}

test.each([
  ['gzip', CompressionTypes.GZIP],
  ['snappy', CompressionTypes.Snappy],
  ['zstd', CompressionTypes.ZSTD],
] as const)('%s gives back what it took', async (_, type) => {
  const data = Buffer.from('append '.repeat(10_000));
  const packed = await codec(type).compress({ buffer: data });
  expect(packed.length).toBeLessThan(data.length / 5);
  expect(data.equals(await codec(type).decompress(packed))).toBe(true);
});

const lying = Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f, 0x00]);
const lz4Header = Buffer.from('04224d186c70ffffffffffff0f00', 'hex');

test.each([
  ['gzip garbage', CompressionTypes.GZIP, Buffer.from('garbage')],
  ['gzip bomb', CompressionTypes.GZIP, gzipSync(Buffer.alloc(MAX_UNPACKED_BYTES + 1))],
  ['zstd garbage', CompressionTypes.ZSTD, Buffer.from('garbage')],
  ['zstd bomb', CompressionTypes.ZSTD, zstdCompressSync(Buffer.alloc(MAX_UNPACKED_BYTES + 1))],
  ['snappy garbage', CompressionTypes.Snappy, Buffer.from('garbage')],
  ['snappy that claims four gigabytes', CompressionTypes.Snappy, lying],
  ['lz4 garbage', CompressionTypes.LZ4, Buffer.from('garbage')],
  ['lz4 that claims petabytes', CompressionTypes.LZ4, lz4Header],
  ['nothing', CompressionTypes.ZSTD, Buffer.alloc(0)],
] as const)('%s is read as empty records at the right offsets', async (_, type, packed) => {
  const records = read(await codec(type).decompress(packed), 300);
  expect(records.map(({ offset }) => Number(offset))).toEqual(Array.from({ length: 300 }, (__, index) => 100 + index));
  for (const { key, value, headers } of [records[0], records[299]].flatMap((each) => each ?? [])) {
    expect([key, value]).toEqual([null, null]);
    expect(headers[CORRUPT_BATCH_HEADER]?.length).toBeGreaterThan(0);
  }
});

test('of a batch that cannot be unpacked the client reads a record for each that it says it has', async () => {
  const count = 70_000;
  const { buffer, byteOffset, byteLength } = batchAround(Buffer.from('garbage'), count, { at: 9 });
  const fetched = Buffer.from(buffer, byteOffset - 61, 61 + byteLength);
  const { records } = await decodeBatch(new Decoder(fetched));
  expect(records).toHaveLength(count);
  expect(records.at(-1)?.offset).toBe(String(count - 1));
});

test('bytes in front of the records that are no batch header are ignored', async () => {
  const packed = batchAround(Buffer.from('garbage'), 3, { magic: 1 });
  expect(read(await codec(CompressionTypes.GZIP).decompress(packed), 300)).toHaveLength(300);
});
