/**
 * What an index over vectors says about how it was built.
 *
 *   VectorIndexDetails = 1 metric · 2 target_partition_size · 3 hnsw { 1 m, 2 ef_construction, 3 max_level }
 *                        4 pq { 1 bits, 2 sub_vectors } | 5 sq { 1 bits } | 6 rq { 1 bits, 2 rotation } | 8 flat { }
 *                        9 { hint: 1 key, 2 value } · 10 target_num_partitions, of Lance after 14
 *
 * Lance writes the hints in random order, so the bytes of two equal builds differ: compare what is decoded. How many partitions there are
 * is in none of the fields up to Lance 14. Writers before Lance 7 left the message empty.
 */
import type { Cursor } from './wire.ts';

const METRICS = ['l2', 'cosine', 'dot', 'hamming'] as const;
export type VectorMetric = (typeof METRICS)[number];

export type VectorCompression =
  | { readonly kind: 'flat' }
  | { readonly kind: 'pq'; readonly bits: number; readonly subVectors: number }
  | { readonly kind: 'sq'; readonly bits: number }
  | { readonly kind: 'rq'; readonly bits: number; readonly rotation: 'fast' | 'other' };

export type VectorDetails = {
  /** Null for one that is not known here. */
  readonly metric: VectorMetric | null;
  readonly compression: VectorCompression;
  /** The graph within each partition, or null where a partition is read whole. */
  readonly hnsw: { readonly m: number; readonly efConstruction: number; readonly maxLevel: number } | null;
  /** Rows that a partition is meant to have, or null: then it is Lance's own size for the kind. */
  readonly targetPartitionRows: number | null;
  /** Partitions that were asked for, where the writer says so. */
  readonly targetPartitions: number | null;
  /** How a build went about it, by Lance's own keys. */
  readonly hints: ReadonlyMap<string, string>;
  /** Fields that are not known here, by the path of their numbers. */
  readonly unknown: readonly string[];
};

/** The message at `cursor`; null for an empty one, which does not even say the kind. Errors: table_unreadable. */
export function decodeVectorDetails(cursor: Cursor): VectorDetails | null {
  if (cursor.pos === cursor.end) return null;
  const hints = new Map<string, string>();
  const unknown: string[] = [];
  // Protobuf leaves out a zero, which is L2; a compression that is left out is read as none.
  const details = {
    metric: METRICS[0] as VectorMetric | null,
    compression: { kind: 'flat' } as VectorCompression,
    hnsw: null as VectorDetails['hnsw'],
    targetPartitionRows: null as number | null,
    targetPartitions: null as number | null,
  };
  const numbers = (known: number) => numbersOf(cursor, known, unknown);
  while (cursor.next()) {
    const { field } = cursor;
    if (field === 1) details.metric = METRICS[cursor.number()] ?? null;
    else if (field === 2) details.targetPartitionRows = cursor.number() || null;
    else if (field === 3) details.hnsw = hnswOf(numbers(3));
    else if (field === 4 || field === 6) details.compression = compressionOf(field, numbers(2));
    else if (field === 5) details.compression = compressionOf(field, numbers(1));
    else if (field === 8) numbers(0);
    else if (field === 9) hints.set(...hintOf(cursor.message()));
    else if (field === 10) details.targetPartitions = cursor.number() || null;
    else {
      unknown.push(String(field));
      cursor.skip();
    }
  }
  return { ...details, hints, unknown };
}

/** Lance's name of the kind. */
export function vectorLabel({ hnsw, compression }: Pick<VectorDetails, 'hnsw' | 'compression'>): string {
  return `IVF_${hnsw ? 'HNSW_' : ''}${compression.kind.toUpperCase()}`;
}

/** The values of a message of `known` numbers, by field. */
function numbersOf(cursor: Cursor, known: number, unknown: string[]): number[] {
  const { field } = cursor;
  const numbers: number[] = [];
  const message = cursor.message();
  while (message.next()) {
    if (message.field <= known) numbers[message.field] = message.number();
    else {
      unknown.push(`${field}.${message.field}`);
      message.skip();
    }
  }
  return numbers;
}

function hnswOf([, m = 0, efConstruction = 0, maxLevel = 0]: readonly number[]) {
  return { m, efConstruction, maxLevel };
}

function compressionOf(field: 4 | 5 | 6, [, bits = 0, second = 0]: readonly number[]): VectorCompression {
  if (field === 4) return { kind: 'pq', bits, subVectors: second };
  return field === 5 ? { kind: 'sq', bits } : { kind: 'rq', bits, rotation: second === 0 ? 'fast' : 'other' };
}

function hintOf(cursor: Cursor): [string, string] {
  const hint: [string, string] = ['', ''];
  while (cursor.next()) {
    if (cursor.field === 1) hint[0] = cursor.string();
    else if (cursor.field === 2) hint[1] = cursor.string();
    else cursor.skip();
  }
  return hint;
}
