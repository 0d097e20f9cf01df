/** The nouns that travel through the pipeline. Plain data: no clients, no I/O. */
import type { ErrorCode } from './lib/errors.ts';
import type { KindName } from './lib/index-kinds.ts';

/** A table inside a configured database, the only way segmentd names a table internally. */
export type TableRef = {
  /** `<database>/<table>`, or `<database>/<namespace>$<table>`: the Kafka key, the metric label, the word in logs. */
  readonly id: string;
  readonly database: string;
  readonly name: string;
  /** Where the table lies: a directory or URI, which ends in `.lance` unless a catalog lists the table. */
  readonly uri: string;
};

/** Where a record came from, for logs, provenance and the dead-letter topic. */
export type RecordPosition = { readonly topic: string; readonly partition: number; readonly offset: bigint };

/** "Fragments were appended to this table": a hint, since the table itself is the truth. */
export type AppendEvent = {
  readonly table: TableRef;
  /** Version that the append produced. */
  readonly version?: number;
  /** Fragment ids to index; intersected with what is missing. */
  readonly fragments?: readonly number[];
  /** The job that the event is one part of: no fragment from `first` to `last` has to be asked for again. */
  readonly backfill?: { readonly id: string; readonly first: number; readonly last: number };
  /** Provenance, carried into logs only. */
  readonly id?: string;
  readonly time?: string;
  readonly producer?: string;
  readonly rows?: number;
};

/** The fields of an append event that are logged and say nothing of the table. */
export const NOTES = ['id', 'time'] as const satisfies readonly (keyof AppendEvent)[];

/** Offset and timestamp in milliseconds of a record, in decimal, and its own value. */
type Repeat = { readonly offset: string; readonly timestamp: string; readonly value: Uint8Array | null };

/** The last offset that a record at `offset` stands for. */
export function lastOffsetOf(offset: bigint, repeats?: readonly Repeat[]): bigint {
  const last = repeats?.at(-1);
  return last ? BigInt(last.offset) : offset;
}

/** More fragments than a message of a megabyte names anyway. */
export const MAX_EVENT_FRAGMENTS = 100_000;

/** One Kafka record that is handed out: `ack` settles it exactly once, after which its offset may be committed. */
export type ConsumerRecord = {
  readonly position: RecordPosition;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: ReadonlyMap<string, Uint8Array>;
  /** Broker or producer timestamp, milliseconds since the epoch. */
  readonly timestampMs: number;
  /** Records right behind it that are the same byte for byte, or but for the texts of their `NOTES`: handed out with it, and settled with it. */
  readonly repeats?: readonly Repeat[] | undefined;
  /** Fires when the partition has moved to another member: work for this record may stop. */
  readonly signal: AbortSignal;
  ack(): void;
};

/** An append event that waits to be settled, or a table that segmentd plans by itself, as the sweep does. */
export type PendingEvent = {
  readonly event: AppendEvent;
  /** The record to settle; null when there is none. */
  readonly record: ConsumerRecord | null;
  /** When segmentd took it up, milliseconds since the epoch. */
  readonly receivedAtMs: number;
};

/** How many records in a row a record stands for. */
export const recordCount = ({ repeats }: ConsumerRecord): number => 1 + (repeats?.length ?? 0);

/** Each of the records that one stands for, by itself; the ack is that of all. */
export function recordsOf(record: ConsumerRecord): ConsumerRecord[] {
  const { repeats = [], position } = record;
  if (repeats.length === 0) return [record];
  const first = { ...record, repeats: undefined, ack: () => record.ack() };
  const others = repeats.map(({ offset, timestamp, value }) => ({
    ...first,
    value,
    position: { ...position, offset: BigInt(offset) },
    timestampMs: Number(timestamp),
  }));
  return [first, ...others];
}

/** One segment of an index, in numbers. */
export type SegmentReport = {
  readonly uuid: string;
  /** Fragments of the table that it covers, and the rows in them that are not deleted. */
  readonly fragments: number;
  readonly rows: number;
  /** The version that it was built from. */
  readonly version: number;
};

/** One maintained index of a table at one version, in numbers. */
export type IndexReport = {
  readonly name: string;
  readonly kind: KindName;
  readonly missingRows: number;
  readonly missingFragments: number;
  /** Rows that no segment covers and that wait for more: a vector index is searched without them until there are enough. */
  readonly heldRows: number;
  /** Share of rows covered, 0 to 1. */
  readonly coverage: number;
  readonly segments: number;
  readonly segmentList: readonly SegmentReport[];
  /** Age of the oldest version with a missing fragment, seconds. */
  readonly lagSeconds: number;
};

/** An index that is not maintained while others of its table are. */
export type LeftAlone = { readonly index: string; readonly code: ErrorCode; readonly message: string };

/** Whether the indexes miss nothing that segmentd would build; false for a table without any. */
export function isFullyCovered(indexes: readonly IndexReport[]): boolean {
  return indexes.length > 0 && indexes.every(({ missingFragments }) => missingFragments === 0);
}

/** A segment that was committed, with the fragments it answers for. */
type CommittedSegment = {
  readonly index: string;
  readonly uuid: string;
  readonly fragments: readonly number[];
  readonly rows: number;
};

type Commit<Segment> = {
  readonly table: string;
  readonly version: number;
  readonly transaction: string;
  readonly duration_ms: number;
  readonly segments: readonly Segment[];
};

/** A notification of segmentd, as JSON on a topic keyed by table. */
export type Notification =
  | ({ readonly type: 'segment.committed' } & Commit<CommittedSegment>)
  /** Larger segments replaced smaller ones, named by uuid; the index answers the same. */
  | ({ readonly type: 'segment.merged' } & Commit<CommittedSegment & { readonly replaced: readonly string[] }>)
  | ({ readonly type: 'table.status'; readonly table: string } & Readonly<Record<string, unknown>>);
