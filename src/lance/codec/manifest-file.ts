/**
 * The container of a manifest file.
 *
 *   file    = { section } manifest footer
 *   section = u32le(length) protobuf                (IndexSection, Transaction: found by offsets inside the manifest)
 *   footer  = u64le(offset of manifest section) u16le(major) u16le(minor) "LANC"
 */
import { SegmentdError } from '../../lib/errors.ts';

const MAGIC = 0x434e414c; // "LANC", little-endian
const FOOTER_BYTES = 16;
/** The versions every Lance since 0.8 writes into a manifest's footer; readers do not use them. */
const MAJOR = 0;
const MINOR = 2;

/** One `u32le(length) protobuf` section at `offset`, as a view without its length. */
export function sectionAt(file: Uint8Array, offset: number, what: string): Uint8Array {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const length = offset >= 0 && offset + 4 <= file.length ? view.getUint32(offset, true) : Number.POSITIVE_INFINITY;
  if (offset + 4 + length > file.length) {
    throw new SegmentdError('table_unreadable', `the ${what} section lies outside the manifest file`);
  }
  return file.subarray(offset + 4, offset + 4 + length);
}

/** The manifest message of a manifest file, as a view. */
export function manifestMessageOf(file: Uint8Array): Uint8Array {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (file.length < FOOTER_BYTES || view.getUint32(file.length - 4, true) !== MAGIC) {
    throw new SegmentdError('table_unreadable', `not a manifest file: ${file.length} bytes without the closing LANC`);
  }
  return sectionAt(file, Number(view.getBigUint64(file.length - FOOTER_BYTES, true)), 'manifest');
}

type SectionWriter = {
  /** Adds a section made of `parts` and returns its offset in the file. */
  section(parts: readonly Uint8Array[]): number;
  /** Adds the manifest section and the footer; returns the whole file as parts that are views where the input was. */
  finish(manifest: readonly Uint8Array[]): Uint8Array[];
};

export function manifestFileWriter(): SectionWriter {
  const file: Uint8Array[] = [];
  let size = 0;
  const append = (parts: readonly Uint8Array[]): number => {
    const start = size;
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    const prefix = new Uint8Array(4);
    new DataView(prefix.buffer).setUint32(0, length, true);
    file.push(prefix, ...parts);
    size += 4 + length;
    return start;
  };
  return {
    section: append,
    finish(manifest) {
      const offset = append(manifest);
      const footer = new Uint8Array(FOOTER_BYTES);
      const view = new DataView(footer.buffer);
      view.setBigUint64(0, BigInt(offset), true);
      view.setUint16(8, MAJOR, true);
      view.setUint16(10, MINOR, true);
      view.setUint32(12, MAGIC, true);
      return [...file, footer];
    },
  };
}
