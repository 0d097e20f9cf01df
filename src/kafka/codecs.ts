import { createRequire } from 'node:module';
import { promisify } from 'node:util';
import { gunzip, gzip, zstdCompress, zstdDecompress } from 'node:zlib';
import kafkajs from 'kafkajs';
import { corruptBatchRecords } from './corrupt-batch.ts';

// Node detects only some named exports of this CommonJS module; this one is on the default export.
const { CompressionCodecs, CompressionTypes } = kafkajs;

type Codec = {
  compress(encoder: { buffer: Buffer }): Promise<Buffer>;
  decompress(compressed: Buffer): Promise<Buffer>;
};

/** Both libraries come without types. */
type Snappy = () => Codec;
type Lz4 = {
  decompress(data: Uint8Array): Uint8Array;
  decompressBound(data: Uint8Array): number;
};

/**
 * The largest batch that is unpacked: brokers accept a few kilobytes that unpack to gigabytes. Append events are a few hundred
 * bytes and a batch of them about a megabyte.
 */
export const MAX_UNPACKED_BYTES = 64 * 1024 * 1024;

/**
 * Teaches kafkajs to read every compression that a producer may use. One batch in a codec it lacks, or one that cannot be
 * unpacked, would otherwise end the consumer, and end it again after each restart; such a batch is read as empty records
 * that go to the dead-letter topic.
 */
export function registerCodecs(): void {
  const require = createRequire(import.meta.url);
  // That they are there is seen now, and not when a batch comes; they are loaded by the first batch that needs them.
  for (const name of ['kafkajs-snappy', 'lz4js']) require.resolve(name);
  const snappy = once(() => (require('kafkajs-snappy') as Snappy)());
  const lz4 = once(() => require('lz4js') as Lz4);
  const limits = { maxOutputLength: MAX_UNPACKED_BYTES };

  register(CompressionTypes.GZIP, {
    compress: ({ buffer }) => promisify(gzip)(buffer),
    decompress: (packed) => promisify(gunzip)(packed, limits),
  });
  register(CompressionTypes.ZSTD, {
    compress: ({ buffer }) => promisify(zstdCompress)(buffer),
    decompress: (packed) => promisify(zstdDecompress)(packed, limits),
  });
  register(CompressionTypes.LZ4, {
    // The library's frames lack a flag that brokers insist on, and segmentd has no need to write this codec.
    compress: () => Promise.reject(new Error('writing lz4 is not supported')),
    decompress: async (packed) => {
      refuseAbove(lz4().decompressBound(packed));
      return asBuffer(lz4().decompress(packed));
    },
  });
  register(CompressionTypes.Snappy, {
    compress: (encoder) => snappy().compress(encoder),
    decompress: async (packed) => {
      refuseAbove(snappyLength(packed));
      return asBuffer(await snappy().decompress(packed));
    },
  });
}

function once<T>(make: () => T): () => T {
  let made: { readonly it: T } | undefined;
  return () => {
    made ??= { it: make() };
    return made.it;
  };
}

function register(type: keyof typeof CompressionCodecs, codec: Codec): void {
  const safe: Codec = {
    compress: codec.compress,
    // Any failure here is a property of the batch: memory is bounded above.
    decompress: (packed) => codec.decompress(packed).catch((error: unknown) => corruptBatchRecords(error, packed)),
  };
  CompressionCodecs[type] = () => safe;
}

const asBuffer = (data: Uint8Array): Buffer => Buffer.from(data.buffer, data.byteOffset, data.byteLength);

function refuseAbove(bytes: number): void {
  if (!(bytes <= MAX_UNPACKED_BYTES))
    throw new RangeError(`unpacks to ${bytes} bytes, more than ${MAX_UNPACKED_BYTES}`);
}

const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const XERIAL_HEADER_BYTES = 16;

/** What the data claims to unpack to: a varint in front of each block; Java frames blocks with a header and their sizes. */
function snappyLength(packed: Buffer): number {
  if (!packed.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC)) return varint(packed);
  let total = 0;
  for (let at = XERIAL_HEADER_BYTES; at + 4 <= packed.length; ) {
    const size = packed.readUInt32BE(at);
    total += varint(packed.subarray(at + 4, at + 4 + size));
    at += 4 + size;
  }
  return total;
}

function varint(data: Uint8Array): number {
  let value = 0;
  for (const [index, byte] of data.subarray(0, 5).entries()) {
    value += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) return value;
  }
  throw new RangeError('the length in front of the data is malformed');
}
