/**
 * How much of the engine's pool one build takes. LanceDB sorts the values with the addresses of their rows: it holds them twice, as they
 * were read and as they are sorted, and keeps a reserve for merging what it sorted. Measured as the smallest pool in which a build does
 * not spill: 33 bytes per row of an int64, 65 of a string of 16 characters, 240 of one of 100.
 */
import type { IndexMetadata } from '../codec/index-metadata.ts';
import type { Manifest } from '../codec/manifest.ts';
import { kindNamed } from '../plan/index-kind.ts';
import type { SegmentRequest } from '../segment.ts';

const ROW_ADDRESS_BYTES = 8;
const COPIES = 2;
/** Buffers are larger than what is in them. */
const SLACK = 1.2;

/** The engine reserves this for each sort, or a third of the pool when that is less. */
const MERGE_RESERVE_BYTES = 40 * 2 ** 20;

const BYTES: Readonly<Record<string, number>> = {
  bool: 1,
  int8: 1,
  uint8: 1,
  int16: 2,
  uint16: 2,
  halffloat: 2,
  int32: 4,
  uint32: 4,
  float: 4,
  date32: 4,
  time32: 4,
};
const WIDEST_NUMBER_BYTES = 8;

/** Of a string: an UUID is 36 characters, many a key shorter, a URL longer. */
const STRING_BYTES = 48;
/** Segments are compressed, the values that are sorted are not: random letters by half, numbered names by more. */
const STRING_COMPRESSION = 2;

/** Bytes that building the request takes of a pool of `poolBytes`; more than that when it has to spill. */
export function buildBytes(manifest: Manifest, request: SegmentRequest, poolBytes: number): number {
  const field = manifest.schema.find(({ id }) => id === request.fieldId);
  const own = field ? kindNamed(request.kind).buildBytes(field, request.rows) : null;
  return own ?? sortBytes(manifest, request, poolBytes);
}

function sortBytes(manifest: Manifest, request: SegmentRequest, poolBytes: number): number {
  const rowBytes = valueBytes(manifest, request) + ROW_ADDRESS_BYTES;
  return Math.min(MERGE_RESERVE_BYTES, poolBytes / 3) + request.rows * rowBytes * COPIES * SLACK;
}

function valueBytes(manifest: Manifest, { fieldId, index }: SegmentRequest): number {
  const type = manifest.schema.find(({ id }) => id === fieldId)?.logicalType ?? '';
  const [name = '', size] = type.split(':');
  if (name === 'string') return stringBytes(manifest, index);
  if (name === 'fixed_size_binary') return Number(size);
  return BYTES[name] ?? WIDEST_NUMBER_BYTES;
}

/** By the largest segment that the index has. */
function stringBytes(manifest: Manifest, index: string): number {
  const segments = manifest.indexes.filter(({ name }) => name === index);
  const largest = segments.reduce<IndexMetadata | null>(
    (most, segment) => (most && bytesOf(most) >= bytesOf(segment) ? most : segment),
    null,
  );
  const rows = largest ? rowsOf(manifest, largest) : 0;
  if (!largest || rows === 0) return STRING_BYTES;
  return Math.max(STRING_BYTES, (bytesOf(largest) / rows) * STRING_COMPRESSION);
}

const bytesOf = ({ files }: IndexMetadata) => files.reduce((sum, { bytes }) => sum + bytes, 0);

/** Live rows of the fragments that the segment covers; 0 when none is left, or it does not say. */
function rowsOf({ fragments: list }: Manifest, { fragments }: IndexMetadata): number {
  let rows = 0;
  let at = 0;
  for (const id of fragments ?? []) {
    at = list.lowerBound(id, at);
    if (list.ids[at] === id) rows += list.rows[at] as number;
  }
  return rows;
}
