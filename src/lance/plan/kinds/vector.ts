/**
 * Indexes over vectors: IVF partitions, read whole or by a graph (HNSW), of vectors as they are (FLAT) or as codes (PQ, RQ, SQ). The kinds
 * differ in few words, so each is made from a description.
 */
import { SegmentdError } from '../../../lib/errors.ts';
import type { IndexParameters, KindName } from '../../../lib/index-kinds.ts';
import type { SchemaField } from '../../codec/schema-field.ts';
import type { VectorDetails } from '../../codec/vector-details.ts';
import { decodeVectorDetails, vectorLabel } from '../../codec/vector-details.ts';
import type { IndexKind, IndexSegments, KindOfEntry } from './kind.ts';
import { detailsOf, namesMessage } from './kind.ts';
import { partitionsInFile, partitionsOf, wholePartitions } from './vector-partitions.ts';

const MESSAGE = 'VectorIndexDetails';

/** An entry's own bytes: entries are decoded with each manifest, and asked for their kind many times. */
const known = new WeakMap<Uint8Array, VectorDetails | null>();

/** Null for what is no vector index, or does not say of which kind it is. */
function vectorDetailsOf({ typeUrl, details }: Pick<KindOfEntry, 'typeUrl' | 'details'>): VectorDetails | null {
  if (!namesMessage(typeUrl, MESSAGE)) return null;
  const before = known.get(details);
  if (before !== undefined) return before;
  const decoded = tryDecode(details);
  known.set(details, decoded);
  return decoded;
}

function tryDecode(details: Uint8Array): VectorDetails | null {
  try {
    return decodeVectorDetails(detailsOf(details));
  } catch (error) {
    // Damage in an entry that segmentd leaves alone is no reason to leave its table alone.
    if (error instanceof SegmentdError) return null;
    throw error;
  }
}

/** Lance's name of the kind of an entry that is a vector index, maintained or not; null for another, or where it does not say. */
export function vectorLabelOf(entry: Pick<KindOfEntry, 'typeUrl' | 'details'>): string | null {
  const details = vectorDetailsOf(entry);
  return details && vectorLabel(details);
}

/** Whether the entry is an index over vectors of whatever kind. */
export const isVectorIndex = ({ typeUrl }: Pick<KindOfEntry, 'typeUrl'>): boolean => namesMessage(typeUrl, MESSAGE);

/** How an index over vectors is searched, or null where its entry does not say. */
export function vectorSearchOf(entry: Pick<KindOfEntry, 'typeUrl' | 'details'>) {
  const details = vectorDetailsOf(entry);
  if (!details?.metric) return null;
  return { metric: details.metric, isExact: details.compression.kind === 'flat' && !details.hnsw };
}

type Description = {
  readonly name: KindName;
  readonly label: string;
  /** Function of LanceDB's `Index`. */
  readonly method: string;
  readonly version: number;
  /** Rows of a partition that Lance means to make. */
  readonly partitionRows: number;
  /** Usable vectors that the codes are trained with. */
  readonly leastRows: number;
  readonly byDefault: boolean;
  /** What a build holds for each row: the vector, so many times, and so much beside it. Measured as the growth of the process. */
  readonly copies: number;
  readonly bytesPerRow: number;
};

/** Of the options of LanceDB, by the parameter. */
const OPTIONS: Readonly<Record<string, string>> = {
  metric: 'distanceType',
  num_partitions: 'numPartitions',
  num_sub_vectors: 'numSubVectors',
  num_bits: 'numBits',
  m: 'm',
  ef_construction: 'efConstruction',
  max_iters: 'maxIterations',
  sample_rate: 'sampleRate',
};

/** How much training there is may differ between segments: they are searched alike. */
const PER_SEGMENT = ['num_partitions', 'max_iters', 'sample_rate'] as const;

function vectorKind(of: Description): IndexKind {
  return {
    name: of.name,
    label: of.label,
    typeUrl: `/lance.index.pb.${MESSAGE}`,
    matches: (entry) => entry.fields.length === 1 && vectorLabelOf(entry) === of.label,
    matchesFiles: () => false,
    parametersOf: (entry) => parametersOf(entry),
    versions: [of.version],
    mixesVersions: false,
    problemOf: (field, _schema, parameters) => problemOf(of, field, parameters),
    engineCall: (parameters) => ({ method: of.method, options: optionsOf(parameters) }),
    byDefault: of.byDefault,
    buildBytes: (field, rows) => BUILD_BYTES + rows * ((vectorOf(field)?.bytes ?? 0) * of.copies + of.bytesPerRow),
    leastRows: of.leastRows,
    waitsForRows: true,
    isAlone: isVectorIndex,
    // Dead rows take the places of live ones among the nearest, where a fragment of the bitmap has deleted rows. Measured with LanceDB 0.39.
    standsWhole: true,
    lacksRows: (message) => /KMeans cannot train|Not enough rows to train/i.test(message),
    perSegment: {
      names: PER_SEGMENT,
      whole: (asked, segments, field) => ({
        ...trainingOf(segments),
        num_partitions: asked.num_partitions ?? wholeOf(of, segments, field),
      }),
      share: (whole, rows, allRows) => ({
        ...whole,
        num_partitions: partitionsOf(rows, allRows, Number(whole.num_partitions ?? 1)),
      }),
    },
    proof: { by: 'neighbours' },
  };
}

/** The engine's own buffers. */
const BUILD_BYTES = 32 * 2 ** 20;

function optionsOf(parameters: IndexParameters): Record<string, unknown> {
  const options = Object.entries(parameters).flatMap(([name, value]) => {
    const option = OPTIONS[name];
    return option ? [[option, value] as const] : [];
  });
  return Object.fromEntries(options);
}

const WIDTHS: Readonly<Record<string, number>> = { halffloat: 2, float: 4, double: 8, uint8: 1 };

/** `fixed_size_list:float:128`. */
function vectorOf({ logicalType }: SchemaField) {
  const [list, element = '', size] = logicalType.split(':');
  const width = WIDTHS[element];
  if (list !== 'fixed_size_list' || !width || !(Number(size) > 0)) return null;
  return { element, dimensions: Number(size), bytes: Number(size) * width };
}

/** LanceDB panics on some of these instead of refusing them. */
function problemOf(of: Description, field: SchemaField, parameters: IndexParameters): string | null {
  const vector = vectorOf(field);
  if (!vector) {
    return `has type ${field.logicalType}; LanceDB builds an ${of.label} over fixed_size_list of halffloat, float or double`;
  }
  const isBits = vector.element === 'uint8';
  const metric = parameters.metric ?? 'l2';
  if (isBits !== (metric === 'hamming') || (isBits && of.name !== 'ivf_flat')) {
    return `has type ${field.logicalType}; LanceDB builds no ${of.label} of metric ${metric} over that`;
  }
  const parts = Number(parameters.num_sub_vectors ?? 1);
  if (vector.dimensions % parts !== 0)
    return `has ${vector.dimensions} dimensions, which ${parts} sub-vectors do not divide`;
  const { num_bits: bits } = parameters;
  if (of.name !== 'ivf_pq' || bits === undefined || bits === 8) return null;
  if (bits !== 4) return `cannot have an ${of.label} of ${bits} bits: LanceDB builds those of 4 and 8`;
  return parts % 2 === 0
    ? null
    : `cannot have an ${of.label} of 4 bits and ${parts} sub-vectors: that is an odd number`;
}

/** What LanceDB for Node makes, and cannot be told to make otherwise. */
const MAX_LEVEL = 7;
const CODE_BITS = 8;
/** Hints that say how a build went about it, and leave no trace in what it built. */
const WITHOUT_TRACE: ReadonlySet<string> = new Set([
  ...['lance.ivf.shuffle_partition_batches', 'lance.ivf.shuffle_partition_concurrency'],
  ...['lance.ivf.max_iters', 'lance.ivf.sample_rate', 'lance.ivf.num_partitions'],
  ...['lance.sq.sample_rate', 'lance.pq.max_iters', 'lance.hnsw.prefetch_distance'],
]);
const FIXED_HINTS: Readonly<Record<string, string>> = {
  'lance.skip_transpose': 'false',
  'lance.pq.sample_rate': '256',
  'lance.pq.kmeans_redos': '1',
};

/** Why LanceDB for Node cannot build a segment like this one, as a sentence, or null. */
function obstacle(details: VectorDetails): string | null {
  const { compression, hnsw, hints, metric, unknown, targetPartitionRows } = details;
  const label = vectorLabel(details);
  if (unknown.length > 0) return `its details have a field ${unknown[0]} that is not known here`;
  if (!metric) return 'its details name a metric that is not known here';
  if (targetPartitionRows) return `it has a target_partition_size of ${targetPartitionRows}`;
  const hasFixedBits = compression.kind === 'sq' || (compression.kind === 'pq' && hnsw);
  if (hasFixedBits && compression.bits !== CODE_BITS) return `it is an ${label} of ${compression.bits} bits`;
  if (compression.kind === 'rq' && compression.rotation !== 'fast') return 'it is an IVF_RQ with another rotation';
  if (hnsw && hnsw.maxLevel !== MAX_LEVEL) return `its graphs have ${hnsw.maxLevel} levels`;
  for (const [key, value] of hints) {
    if (!WITHOUT_TRACE.has(key) && FIXED_HINTS[key] !== value) return `it was built with ${key}=${value}`;
  }
  return null;
}

function parametersOf(entry: KindOfEntry): IndexParameters {
  const details = vectorDetailsOf(entry);
  const problem = details ? obstacle(details) : 'its details say nothing';
  if (!details || problem) {
    throw new SegmentdError('index_parameters_unknown', `${problem}, which LanceDB for Node cannot be told`);
  }
  const { metric, compression, hnsw } = details;
  const hasBits = compression.kind === 'rq' || (compression.kind === 'pq' && !hnsw);
  return {
    metric: metric as string,
    ...(compression.kind === 'pq' && { num_sub_vectors: compression.subVectors }),
    ...(hasBits && { num_bits: compression.bits }),
    ...(hnsw && { m: hnsw.m, ef_construction: hnsw.efConstruction }),
  };
}

/** As the index that is there was trained; LanceDB's own where it does not say. */
function trainingOf({ entries }: IndexSegments): IndexParameters {
  const hints = entries[0] && vectorDetailsOf(entries[0])?.hints;
  const number = (key: string) => Number(hints?.get(key) ?? 0);
  const [iterations, rate] = [number('lance.ivf.max_iters'), number('lance.ivf.sample_rate')];
  return {
    ...(Number.isInteger(iterations) && iterations > 0 && { max_iters: iterations }),
    ...(Number.isInteger(rate) && rate > 0 && { sample_rate: rate }),
  };
}

function wholeOf(of: Description, { entries, rowsOf, allRows }: IndexSegments, field: SchemaField): number {
  const sized = entries.map((entry) => ({ entry, rows: rowsOf(entry) })).sort((a, b) => b.rows - a.rows);
  const { entry, rows = 0 } = sized[0] ?? {};
  const file = entry?.files.find(({ path }) => path === 'index.idx');
  const asked = entry && vectorDetailsOf(entry)?.targetPartitions;
  const vector = vectorOf(field);
  const isGraph = of.label.includes('HNSW');
  // With graphs the file is mostly those.
  const read = file && vector && !isGraph ? partitionsInFile(file.bytes, vector.bytes) : null;
  const partitions = asked ?? read;
  return wholePartitions({
    rows: allRows,
    usualRows: of.partitionRows,
    largest: partitions ? { rows, partitions } : null,
  });
}

const PQ_ROWS = 2 ** CODE_BITS;

/** Rows of a partition that Lance means to make. */
export const PARTITION_ROWS = {
  ivf_flat: 4096,
  ivf_pq: 8192,
  ivf_rq: 4096,
  ivf_hnsw_sq: 2 ** 20,
  ivf_hnsw_pq: 2 ** 20,
};

export const IVF_FLAT = vectorKind({
  name: 'ivf_flat',
  label: 'IVF_FLAT',
  method: 'ivfFlat',
  version: 1,
  partitionRows: PARTITION_ROWS.ivf_flat,
  leastRows: 1,
  byDefault: true,
  copies: 4,
  bytesPerRow: 200,
});

export const IVF_PQ = vectorKind({
  name: 'ivf_pq',
  label: 'IVF_PQ',
  method: 'ivfPq',
  version: 1,
  partitionRows: PARTITION_ROWS.ivf_pq,
  leastRows: PQ_ROWS,
  byDefault: true,
  copies: 1,
  bytesPerRow: 100,
});

export const IVF_RQ = vectorKind({
  name: 'ivf_rq',
  label: 'IVF_RQ',
  method: 'ivfRq',
  version: 2,
  partitionRows: PARTITION_ROWS.ivf_rq,
  leastRows: 1,
  byDefault: false,
  copies: 1,
  bytesPerRow: 100,
});

export const IVF_HNSW_SQ = vectorKind({
  name: 'ivf_hnsw_sq',
  label: 'IVF_HNSW_SQ',
  method: 'hnswSq',
  version: 1,
  partitionRows: PARTITION_ROWS.ivf_hnsw_sq,
  leastRows: 1,
  byDefault: false,
  copies: 1,
  bytesPerRow: 1000,
});

export const IVF_HNSW_PQ = vectorKind({
  name: 'ivf_hnsw_pq',
  label: 'IVF_HNSW_PQ',
  method: 'hnswPq',
  version: 1,
  partitionRows: PARTITION_ROWS.ivf_hnsw_pq,
  leastRows: PQ_ROWS,
  byDefault: false,
  copies: 1,
  bytesPerRow: 1000,
});

export const VECTOR_KINDS: readonly IndexKind[] = [IVF_FLAT, IVF_PQ, IVF_RQ, IVF_HNSW_SQ, IVF_HNSW_PQ];
