/** Every metric of segmentd as data: docs/metrics.md, the registry and the zeros at start all come from here. */

import { REJECT_CAUSES } from '../lance/commit/reject-causes.ts';
import type { ErrorCode } from '../lib/errors.ts';
import { declinesTable, ERRORS } from '../lib/errors.ts';

export const PREFIX = 'segmentd_';

const EVENT_OUTCOMES = ['accepted', 'duplicate', 'declined', 'ignored', 'invalid'] as const;
const BUILD_OUTCOMES = ['ok', 'noop', 'stale', 'failed'] as const;
const COMMIT_OUTCOMES = ['landed', 'rejected', 'unknown'] as const;
const MERGE_OUTCOMES = ['landed', 'rejected', 'failed'] as const;
const MAINTENANCE_OUTCOMES = ['done', 'rejected', 'failed'] as const;
const SELF_CHECK_OUTCOMES = ['right', 'wrong', 'moved', 'failed', 'skipped'] as const;
const RETRY_CAUSES = ['manifest_race', 'store_error'] as const;
export const STATES = [
  'starting',
  'joining',
  'running',
  'rebalancing',
  'draining',
  'degraded',
  'failed',
  'stopped',
] as const;
export type EventOutcome = (typeof EVENT_OUTCOMES)[number];
export type BuildOutcome = (typeof BUILD_OUTCOMES)[number];
export type CommitOutcomeLabel = (typeof COMMIT_OUTCOMES)[number];
export type MergeOutcome = (typeof MERGE_OUTCOMES)[number];
export type MaintenanceOutcome = (typeof MAINTENANCE_OUTCOMES)[number];
export type SelfCheckOutcome = (typeof SELF_CHECK_OUTCOMES)[number];
export type RetryCause = (typeof RETRY_CAUSES)[number];
export type State = (typeof STATES)[number];

const codes = Object.keys(ERRORS) as ErrorCode[];
const DEAD_LETTER_REASONS = codes.filter((code) => code.startsWith('event_'));
const DECLINE_REASONS = codes.filter(declinesTable);
const RESTART_REASONS = ['broker_unavailable', 'broker_denied', 'consumer_crashed', 'internal'] as const;

export type Metric = {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
  /** The label values known beforehand, touched with 0 at start so that `rate()` sees the first event. */
  readonly known?: Readonly<Record<string, readonly string[]>>;
  readonly buckets?: readonly number[];
  /** Per table: how tables beyond `metrics.max_tables` share the label `other`. `none`: their values have no common meaning. */
  readonly other?: 'sum' | 'max' | 'min' | 'none';
};

/** A local commit takes milliseconds, one in an object store up to seconds. */
const COMMIT_BUCKETS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
/** From one small fragment (tens of milliseconds) to `batch.max_rows` on a slow disk. */
const BUILD_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];
/** From a small table to one whose compaction takes hours. */
const MAINTENANCE_BUCKETS = [0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 3600, 14_400];
/** Holds both alert bounds, 30 s and 300 s, so that a quantile near them is exact. */
const FRESHNESS_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800];

const TABLE = ['table'] as const;
const INDEX = ['table', 'index'] as const;
const REASON = ['table', 'reason'] as const;

export const METRICS = {
  // Intake.
  events_total: {
    type: 'counter',
    help: 'Records taken from the topic, each counted once, by what became of it.',
    labels: ['topic', 'outcome'],
    known: { outcome: EVENT_OUTCOMES },
  },
  dead_letters_total: {
    type: 'counter',
    help: 'Records written to the dead-letter topic, by error code.',
    labels: ['reason'],
    known: { reason: DEAD_LETTER_REASONS },
  },
  consumer_lag_records: {
    type: 'gauge',
    help: 'Records behind the end of a partition that this member owns.',
    labels: ['topic', 'partition'],
  },
  group_members: {
    type: 'gauge',
    help: 'Members of the consumer group, as the broker tells each of them. Missing while the broker does not answer.',
    labels: ['group'],
  },
  unowned_partitions: {
    type: 'gauge',
    help: 'Partitions of the topic that no member of the group reads: all while it rebalances.',
    labels: ['group', 'topic'],
  },
  rebalances_total: { type: 'counter', help: 'Times this member was given a new set of partitions.', labels: [] },
  consumer_restarts_total: {
    type: 'counter',
    help: 'Times the Kafka consumer stopped and was built again, by error code.',
    labels: ['reason'],
    known: { reason: RESTART_REASONS },
  },
  last_event_timestamp_seconds: {
    type: 'gauge',
    help: 'When the last event for the table was settled.',
    labels: TABLE,
    other: 'max',
  },
  unacked_events: { type: 'gauge', help: 'Records taken from Kafka and not yet acknowledged.', labels: [] },
  oldest_unacked_age_seconds: {
    type: 'gauge',
    help: 'Age of the oldest record not yet acknowledged; 0 when there is none.',
    labels: [],
  },
  // Freshness: the product.
  index_lag_seconds: {
    type: 'gauge',
    help: 'Time since the oldest version with a fragment the index misses was committed; 0 when covered. Grows by itself.',
    labels: INDEX,
    other: 'max',
  },
  event_to_covered_seconds: {
    type: 'histogram',
    help: 'Time from the record to the commit that covers it.',
    labels: [],
    buckets: FRESHNESS_BUCKETS,
  },
  coverage_ratio: {
    type: 'gauge',
    help: 'Share of rows the index covers, rounded down: 1 means all.',
    labels: INDEX,
    other: 'min',
  },
  missing_rows: { type: 'gauge', help: 'Rows that the index does not cover.', labels: INDEX, other: 'sum' },
  held_rows: {
    type: 'gauge',
    help: 'Rows that wait for more before a vector index gets a segment over them; queries search them without it.',
    labels: INDEX,
    other: 'sum',
  },
  index_left_alone: {
    type: 'gauge',
    help: '1 for an index that segmentd does not keep fresh, while it keeps others of the table: `segmentd status` says why.',
    labels: INDEX,
    other: 'sum',
  },
  missing_fragments: { type: 'gauge', help: 'Fragments that the index does not cover.', labels: INDEX, other: 'sum' },
  table_version: { type: 'gauge', help: 'Latest version of the table that was seen.', labels: TABLE, other: 'none' },
  covered_version: {
    type: 'gauge',
    help: 'Latest version whose fragments all indexes cover.',
    labels: TABLE,
    other: 'none',
  },
  last_success_timestamp_seconds: {
    type: 'gauge',
    help: 'When a batch of the table was last covered, or the table found covered.',
    labels: TABLE,
    other: 'max',
  },
  last_error_timestamp_seconds: {
    type: 'gauge',
    help: 'When work on the table last failed.',
    labels: TABLE,
    other: 'max',
  },
  // Builds.
  segments_built_total: {
    type: 'counter',
    help: 'Segment builds, by outcome.',
    labels: ['outcome'],
    known: { outcome: BUILD_OUTCOMES },
  },
  segment_build_seconds: {
    type: 'histogram',
    help: 'Duration of builds that gave a segment.',
    labels: [],
    buckets: BUILD_BUCKETS,
  },
  segment_build_rows_total: { type: 'counter', help: 'Rows in built segments.', labels: [] },
  segment_build_bytes_total: { type: 'counter', help: 'Bytes of built segments.', labels: [] },
  builds_in_flight: {
    type: 'gauge',
    help: 'Builds of fresh data that were begun, those that wait for memory included.',
    labels: [],
  },
  builds_waiting: {
    type: 'gauge',
    help: 'Builds and merges that wait until they fit `build.memory_bytes`.',
    labels: [],
  },
  // Object stores.
  store_requests_total: {
    type: 'counter',
    help: 'Requests of segmentd itself to object stores; LanceDB counts what its builds read.',
    labels: ['store', 'operation', 'outcome'],
  },
  // Commits.
  commits_total: {
    type: 'counter',
    help: 'Commits of fresh segments, by outcome.',
    labels: ['outcome'],
    known: { outcome: COMMIT_OUTCOMES },
  },
  commit_seconds: {
    type: 'histogram',
    help: 'Duration of a commit with its retries, whatever the outcome.',
    labels: [],
    buckets: COMMIT_BUCKETS,
  },
  commit_retries_total: {
    type: 'counter',
    help: 'Attempts within commits that had to be repeated, by cause.',
    labels: ['cause'],
    known: { cause: RETRY_CAUSES },
  },
  replans_total: {
    type: 'counter',
    help: 'Batches planned again because the table had moved, by cause.',
    labels: ['cause'],
    known: { cause: REJECT_CAUSES },
  },
  stale_fragments_dropped_total: {
    type: 'counter',
    help: 'Fragments left out of a finished segment because the table had lost or rewritten them.',
    labels: [],
  },
  backfill_events_total: {
    type: 'counter',
    help: 'Events published to share out a table that misses much.',
    labels: [],
  },
  tables_retrying: {
    type: 'gauge',
    help: 'Tables whose work failed and waits for its next try.',
    labels: [],
  },
  paused: {
    type: 'gauge',
    help: 'Always 1, for each table that an operator has paused.',
    labels: TABLE,
  },
  self_check_paused: {
    type: 'gauge',
    help: 'Always 1, for each table that the self-check has paused because of a wrong answer.',
    labels: TABLE,
  },
  tables_declined: {
    type: 'gauge',
    help: 'Tables that segmentd must not write, by error code; not those whose `tables.<id>.decline` is `accept`.',
    labels: ['reason'],
    known: { reason: DECLINE_REASONS },
  },
  declined: {
    type: 'gauge',
    help: 'Always 1, for each table of `segmentd_tables_declined`, by error code.',
    labels: REASON,
    other: 'sum',
  },
  retrying: {
    type: 'gauge',
    help: 'Always 1, for each table whose work failed last, by error code. It may be paused meanwhile.',
    labels: REASON,
    other: 'sum',
  },
  // Segments.
  segments: {
    type: 'gauge',
    help: 'Segments of the index. Lookups slow down as they grow.',
    labels: INDEX,
    other: 'sum',
  },
  tier_segments: {
    type: 'gauge',
    help: 'Segments of all tables by tier of size: 0 is below merge.floor_rows, each further tier merge.factor times as large.',
    labels: ['tier'],
  },
  merges_pending: {
    type: 'gauge',
    help: 'Merges due at least, of all tables: of each index the next four are counted.',
    labels: [],
  },
  merges_total: {
    type: 'counter',
    help: 'Merges, by outcome. Rejected: the table moved under it, and it was planned anew.',
    labels: ['outcome'],
    known: { outcome: MERGE_OUTCOMES },
  },
  merge_failures: {
    type: 'gauge',
    help: 'Merges of the table in a row that failed; 0 once one lands, or none is due.',
    labels: TABLE,
    other: 'max',
  },
  last_merge_timestamp_seconds: {
    type: 'gauge',
    help: 'When a merge of the table last landed.',
    labels: TABLE,
    other: 'max',
  },
  merge_seconds: {
    type: 'histogram',
    help: 'Duration of merges that landed, from the build to the commit.',
    labels: [],
    buckets: BUILD_BUCKETS,
  },
  merge_input_segments_total: { type: 'counter', help: 'Segments that merges replaced.', labels: [] },
  merge_rows_total: { type: 'counter', help: 'Rows that merges wrote again.', labels: [] },
  merge_input_bytes_total: { type: 'counter', help: 'Bytes of segments that merges replaced.', labels: [] },
  merge_output_bytes_total: { type: 'counter', help: 'Bytes of segments that merges made.', labels: [] },
  write_amplification: {
    type: 'gauge',
    help: 'Rows written into segments since the start, merges included, those that did not land too, per row of fresh data. After a restart a merge of old rows counts in full: for the long run divide the increase of the counters.',
    labels: [],
  },
  // What tables cost, and their housekeeping. On a disk looked at every few minutes; in an object store, where a look is paid for, daily.
  table_versions: { type: 'gauge', help: 'Versions of the table that are kept.', labels: TABLE, other: 'sum' },
  manifest_bytes: { type: 'gauge', help: 'Bytes of the manifests of all kept versions.', labels: TABLE, other: 'sum' },
  oldest_version_timestamp_seconds: {
    type: 'gauge',
    help: 'When the oldest kept version was written.',
    labels: TABLE,
    other: 'min',
  },
  small_fragments: {
    type: 'gauge',
    help: 'Fragments of less than a tenth of the rows that a compaction aims at.',
    labels: TABLE,
    other: 'sum',
  },
  deleted_rows: {
    type: 'gauge',
    help: 'Rows that are deleted and still in the data files.',
    labels: TABLE,
    other: 'sum',
  },
  index_live_bytes: {
    type: 'gauge',
    help: 'Bytes of index files that the latest version names.',
    labels: TABLE,
    other: 'sum',
  },
  index_dead_bytes: {
    type: 'gauge',
    help: 'Bytes of index files that only older versions name, or none.',
    labels: TABLE,
    other: 'sum',
  },
  maintenance_runs_total: {
    type: 'counter',
    help: 'Housekeeping of tables, by outcome. Rejected: another writer changed what was to be compacted, and it is tried again.',
    labels: ['outcome'],
    known: { outcome: MAINTENANCE_OUTCOMES },
  },
  maintenance_seconds: {
    type: 'histogram',
    help: 'Duration of housekeeping that was done.',
    labels: [],
    buckets: MAINTENANCE_BUCKETS,
  },
  maintenance_freed_bytes_total: { type: 'counter', help: 'Bytes that housekeeping freed.', labels: [] },
  orphans_removed_total: {
    type: 'counter',
    help: 'Segments and staged manifests of processes that were killed, taken away after a day.',
    labels: [],
  },
  self_checks_total: {
    type: 'counter',
    help:
      'Self-checks of fresh segments, by outcome. Moved: the version was gone. Failed: it could not be asked. Skipped: too many waited, or the ' +
      'segments were too large. Only a wrong answer pauses a table.',
    labels: ['outcome'],
    known: { outcome: SELF_CHECK_OUTCOMES },
  },
  // Process.
  build_info: {
    type: 'gauge',
    help: 'Always 1; the versions are labels.',
    labels: ['version', 'lancedb_version', 'node_version'],
  },
  state: {
    type: 'gauge',
    help: 'Always 1 for the state the daemon is in and 0 for the others.',
    labels: ['state'],
    known: { state: STATES },
  },
} as const satisfies Record<string, Metric>;

export type MetricName = keyof typeof METRICS;
type NamesOf<T extends Metric['type']> = {
  [N in MetricName]: (typeof METRICS)[N]['type'] extends T ? N : never;
}[MetricName];
export type TableMetric = { [N in MetricName]: (typeof METRICS)[N] extends { other: string } ? N : never }[MetricName];
export type CounterName = NamesOf<'counter'>;
export type HistogramName = NamesOf<'histogram'>;
export type GaugeName = Exclude<NamesOf<'gauge'>, TableMetric>;
export type LabelsOf<N extends MetricName> = Readonly<Record<(typeof METRICS)[N]['labels'][number], string>>;
