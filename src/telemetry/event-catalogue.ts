/** Every telemetry event: the level and message of its log line, and the metrics that it changes. */
import type { MetricName } from './metric-catalogue.ts';
import { METRICS } from './metric-catalogue.ts';
import { INDEX_METRICS } from './table-series.ts';

export type Level = 'debug' | 'info' | 'warn' | 'error';
type EventKind = { readonly level: Level; readonly says: string; readonly metrics: readonly MetricName[] };

/** All that is known about a table, dropped together. */
const TABLE_METRICS = (Object.keys(METRICS) as MetricName[]).filter((name) => 'other' in METRICS[name]);

/** What a table's versions are, which is known with its indexes. */
export const VERSION_METRICS = ['table_version', 'covered_version'] as const;

const COST_METRICS = [
  ...(['table_versions', 'manifest_bytes', 'oldest_version_timestamp_seconds', 'small_fragments'] as const),
  ...(['deleted_rows', 'index_live_bytes', 'index_dead_bytes'] as const),
];

export const EVENTS = {
  // Intake.
  eventReceived: { level: 'debug', says: 'event received', metrics: [] },
  recordIgnored: { level: 'debug', says: 'record names no append', metrics: ['events_total'] },
  eventSettled: { level: 'debug', says: 'event settled', metrics: ['events_total', 'last_event_timestamp_seconds'] },
  eventDeadLettered: { level: 'warn', says: 'record dead-lettered', metrics: ['events_total', 'dead_letters_total'] },
  rebalanced: { level: 'info', says: 'partitions assigned', metrics: ['rebalances_total', 'consumer_lag_records'] },
  consumerCrashed: { level: 'error', says: 'consumer stopped', metrics: ['consumer_restarts_total'] },
  consumerRecovered: { level: 'info', says: 'consumer runs again', metrics: [] },
  offsetsCommitted: { level: 'debug', says: 'offsets committed', metrics: [] },
  groupSeen: { level: 'debug', says: 'group described', metrics: ['group_members', 'unowned_partitions'] },
  lagMeasured: { level: 'debug', says: 'consumer lag measured', metrics: ['consumer_lag_records'] },
  // Tables.
  planned: {
    level: 'debug',
    says: 'planned',
    metrics: [...INDEX_METRICS, 'table_version', 'covered_version', 'last_success_timestamp_seconds', 'retrying'],
  },
  batchCovered: {
    level: 'info',
    says: 'batch covered',
    metrics: [
      ...INDEX_METRICS,
      'event_to_covered_seconds',
      'table_version',
      'covered_version',
      'last_success_timestamp_seconds',
      'retrying',
    ],
  },
  backfillPublished: { level: 'info', says: 'backfill shared out', metrics: ['backfill_events_total'] },
  tableDeclined: { level: 'warn', says: 'table declined', metrics: ['declined', 'retrying'] },
  indexesUnknown: {
    level: 'debug',
    says: 'indexes not known',
    metrics: [...INDEX_METRICS, ...VERSION_METRICS, 'index_left_alone'],
  },
  indexesLeftAlone: { level: 'warn', says: 'indexes left alone', metrics: ['index_left_alone'] },
  tableServed: { level: 'info', says: 'table served again', metrics: ['declined'] },
  tablePaused: { level: 'info', says: 'table paused', metrics: [] },
  tableResumed: { level: 'info', says: 'table resumed', metrics: [] },
  tableReleased: {
    level: 'debug',
    says: 'table left to another member',
    metrics: [...TABLE_METRICS, 'tier_segments', 'merges_pending'],
  },
  tableGone: {
    level: 'info',
    says: 'table is gone',
    metrics: [...TABLE_METRICS, 'tier_segments', 'merges_pending'],
  },
  workFailed: {
    level: 'error',
    says: 'work on table failed',
    metrics: ['last_error_timestamp_seconds', 'retrying'],
  },
  workRecovered: { level: 'info', says: 'work on table succeeds again', metrics: [] },
  // Builds and commits.
  buildStarted: { level: 'debug', says: 'build started', metrics: ['builds_in_flight'] },
  buildFinished: {
    level: 'debug',
    says: 'build finished',
    metrics: [
      'builds_in_flight',
      'segments_built_total',
      'segment_build_seconds',
      'segment_build_rows_total',
      'segment_build_bytes_total',
    ],
  },
  storeRequested: { level: 'debug', says: 'object store asked', metrics: ['store_requests_total'] },
  commitFinished: {
    level: 'debug',
    says: 'commit finished',
    metrics: ['commits_total', 'commit_seconds', 'commit_retries_total'],
  },
  replanned: { level: 'info', says: 'planned again, the table had moved', metrics: ['replans_total'] },
  fragmentsDropped: {
    level: 'info',
    says: 'fragments left out, the table lost or rewrote them',
    metrics: ['stale_fragments_dropped_total'],
  },
  workAsked: { level: 'info', says: 'work asked for', metrics: [] },
  // Merges.
  mergesPlanned: {
    level: 'debug',
    says: 'merges planned',
    metrics: ['tier_segments', 'merges_pending', 'merge_failures'],
  },
  mergeStarted: { level: 'debug', says: 'merge started', metrics: [] },
  mergeBuilt: { level: 'debug', says: 'merge built', metrics: ['write_amplification'] },
  mergeFinished: {
    level: 'info',
    says: 'merge finished',
    metrics: [
      'merge_failures',
      'merges_total',
      'last_merge_timestamp_seconds',
      'merge_seconds',
      'merge_input_segments_total',
      'merge_rows_total',
      'merge_input_bytes_total',
      'merge_output_bytes_total',
    ],
  },
  mergeFailed: { level: 'warn', says: 'merge failed, fresh data is not affected', metrics: ['merge_failures'] },
  // Housekeeping.
  tableCost: { level: 'debug', says: 'cost of table looked at', metrics: COST_METRICS },
  maintenanceStarted: { level: 'info', says: 'housekeeping started', metrics: [] },
  maintenanceFinished: {
    level: 'info',
    says: 'housekeeping finished',
    metrics: ['maintenance_runs_total', 'maintenance_seconds', 'maintenance_freed_bytes_total'],
  },
  maintenanceFailed: {
    level: 'warn',
    says: 'housekeeping failed, what it had committed by then stays',
    metrics: ['maintenance_runs_total'],
  },
  orphansRemoved: {
    level: 'info',
    says: 'files of killed processes taken away',
    metrics: ['orphans_removed_total'],
  },
  // The self-check.
  selfChecked: { level: 'debug', says: 'fresh segments checked', metrics: ['self_checks_total'] },
  selfCheckFailed: {
    level: 'warn',
    says: 'fresh segments could not be checked, the table is served as before',
    metrics: ['self_checks_total'],
  },
  answerWrong: {
    level: 'error',
    says: 'an index answers wrongly, the table is paused',
    metrics: ['self_checks_total'],
  },
  evidenceLost: { level: 'error', says: 'the evidence of a wrong answer could not be kept', metrics: [] },
  pauseNotShared: {
    level: 'error',
    says: 'the pause of a table that answers wrongly is in force in this process alone',
    metrics: [],
  },
  // Process.
  started: { level: 'info', says: 'segmentd started', metrics: [] },
  configDoubted: { level: 'warn', says: 'the configuration names what is not there or not usable', metrics: [] },
  tracesLost: { level: 'warn', says: 'spans were not delivered, nothing else is affected', metrics: [] },
  tracesDelivered: { level: 'info', says: 'spans are delivered again', metrics: [] },
  tracingDoubted: { level: 'warn', says: 'tracing does not do what it was asked for', metrics: [] },
  configReloaded: { level: 'info', says: 'configuration read again', metrics: [] },
  optionNeedsRestart: { level: 'warn', says: 'a changed option needs a restart, the old value stays', metrics: [] },
  configRefused: { level: 'error', says: 'configuration read again and refused, nothing changed', metrics: [] },
  stateChanged: { level: 'info', says: 'state changed', metrics: ['state'] },
} as const satisfies Record<string, EventKind>;

export type EventName = keyof typeof EVENTS;
