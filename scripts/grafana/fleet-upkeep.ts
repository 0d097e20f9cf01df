/** Rows of the dashboard Fleet on what stays: segments, merges, the cost of tables, dead letters, the process. Each panel draws the ten highest. */
import { bound } from './alert-bounds.ts';
import type { Json } from './panels.ts';
import { graph, table } from './panels.ts';
import { day, grew, m, ofProcess, oldest, one, quantiles, rate, top } from './queries.ts';

const INDEX = 'table, index';

export const SEGMENTS: readonly Json[] = [
  graph({
    title: 'Segments per index',
    unit: 'short',
    bounds: [bound('SegmentdManySegments')],
    todo: 'Lookups slow down as segments add up: 11 cost little, 200 cost fifteen times the time of one.',
    alert: 'SegmentdManySegments',
    queries: one(top('segments', INDEX), '{{table}} {{index}}'),
  }),
  graph({
    title: 'Retrying tables',
    unit: 'short',
    bounds: [1],
    todo: 'Their work failed and is tried again, each time later; workFailed in the log and /status name table and cause.',
    alert: 'SegmentdTableRetrying',
    queries: one(top('retrying', 'table, reason'), '{{table}} {{reason}}'),
  }),
  graph({
    title: 'Paused tables',
    unit: 'short',
    bounds: [1],
    todo: 'An operator holds their events; /status says who and since when. An alert fires after an hour.',
    alert: 'SegmentdTablePaused',
    queries: one(top('paused'), '{{table}}'),
  }),
  graph({
    title: 'Indexes left alone',
    unit: 'short',
    bounds: [1],
    todo: 'They go stale while others of the table are kept fresh; indexesLeftAlone in the log, /status and segmentd status say why.',
    queries: one(top('index_left_alone', INDEX), '{{table}} {{index}}'),
  }),
  graph({
    title: 'Tables that answered wrongly',
    unit: 'short',
    bounds: [1],
    todo: 'The self-check has paused them; answerWrong in the log and /status name the evidence.',
    alert: 'SegmentdWrongAnswer',
    queries: one(top('self_check_paused'), '{{table}}'),
  }),
  graph({
    title: 'Self-checks in an hour',
    unit: 'short',
    todo: 'Failed: selfCheckFailed in the log. Skipped: raise verify.sample_every. Moved: versions are cleaned up at once.',
    alert: 'SegmentdSelfChecksFailing',
    queries: one(grew(m('self_checks_total'), '1h', 'outcome'), '{{outcome}}'),
  }),
  graph({
    title: 'Declined tables',
    unit: 'short',
    bounds: [1],
    todo: 'The reason is an error code; its page says what to do. Those that the configuration accepts are not here.',
    alert: 'SegmentdTableDeclined',
    queries: one(top('declined', 'table, reason'), '{{table}} {{reason}}'),
  }),
];

/** Rows that merges wrote again and rows of fresh data, in a day: a restart of the daemon changes neither. */
const MERGED = `sum(increase(${m('merge_rows_total')}[24h]))`;
const FRESH = `sum(increase(${m('segment_build_rows_total')}[24h]))`;

export const MERGES: readonly Json[] = [
  graph({
    title: 'Segments by tier',
    unit: 'short',
    stacked: true,
    todo: 'Tier 0 is below merge.floor_rows, each further one merge.factor times as large. A tier that only grows is not merged.',
    queries: one(`sum by (tier) (${m('tier_segments')}) > 0`, 'tier {{tier}}'),
  }),
  graph({
    title: 'Merges by outcome',
    unit: 'cps',
    stacked: true,
    todo: 'Rejected: the table moved under a merge. Failed: mergeFailed in the log has the cause; fresh data is not affected.',
    queries: one(rate(m('merges_total'), 'outcome'), '{{outcome}}'),
  }),
  graph({
    title: 'Merges pending',
    unit: 'short',
    todo: 'Climbs without end: raise merge.concurrency, or look at failed merges.',
    queries: one(top('merges_pending', 'instance'), '{{instance}}'),
  }),
  graph({
    title: 'Merges failed in a row',
    unit: 'short',
    todo: 'Of one table, until one lands: mergeFailed in the log has the cause. Fresh data is not affected.',
    alert: 'SegmentdMergesFailing',
    queries: one(top('merge_failures'), '{{table}}'),
  }),
  graph({
    title: 'Merge time',
    unit: 's',
    todo: 'Grows with the rows of the largest merge: at most merge.max_segment_rows.',
    nothing: { text: 'no merge in this time' },
    queries: quantiles('merge_seconds'),
  }),
  graph({
    title: 'Rows merged',
    unit: 'rowsps',
    todo: 'Beside the rows indexed: the price of fast lookups.',
    queries: [
      { expr: rate(m('merge_rows_total')), legend: 'merged' },
      { expr: rate(m('segment_build_rows_total')), legend: 'fresh' },
    ],
  }),
  graph({
    title: 'Bytes merged',
    unit: 'Bps',
    todo: 'What merges replaced and what they made of it. The old files stay until the cleanup of the table.',
    queries: [
      { expr: rate(m('merge_input_bytes_total')), legend: 'in' },
      { expr: rate(m('merge_output_bytes_total')), legend: 'out' },
    ],
  }),
  graph({
    title: 'Segments replaced per merge',
    unit: 'short',
    todo: 'Near merge.factor is as planned. Two at a time: merge.max_segments forces merges.',
    nothing: { text: 'no merge in an hour' },
    queries: one(
      `sum(increase(${m('merge_input_segments_total')}[1h])) / (sum(increase(${m('merges_total', ',outcome="landed"')}[1h])) > 0)`,
      'segments',
    ),
  }),
  graph({
    title: 'Write amplification, 24 h',
    unit: 'short',
    todo: 'Rows written in 24 hours per row of fresh data in them. Higher than 5 on disks, or 8 in object stores: raise merge.factor.',
    nothing: { text: 'no fresh data in 24 hours' },
    queries: one(`(${MERGED} + ${FRESH}) / (${FRESH} > 0)`, 'all members'),
  }),
];

export const COST: readonly Json[] = [
  graph({
    title: 'Versions kept',
    unit: 'short',
    bounds: [bound('SegmentdManyVersions')],
    todo: 'Climbs without end: nothing cleans the table up. Run segmentd optimize, or set maintain.',
    alert: 'SegmentdManyVersions',
    queries: one(top('table_versions'), '{{table}}'),
  }),
  graph({
    title: 'Age of the oldest version',
    unit: 's',
    todo: 'Levels off at the time that versions are kept for. One that is tagged stays, however old it is.',
    queries: one(oldest('oldest_version_timestamp_seconds'), '{{table}}'),
  }),
  graph({
    title: 'Bytes of manifests',
    unit: 'bytes',
    todo: 'Each version has a manifest with all fragments: fewer fragments make each of them smaller.',
    queries: one(top('manifest_bytes'), '{{table}}'),
  }),
  graph({
    title: 'Small fragments',
    unit: 'short',
    bounds: [bound('SegmentdSmallFragments')],
    todo: 'A compaction joins them. Climbs all the same: it meets conflicts, see maintenanceFailed in the log.',
    alert: 'SegmentdSmallFragments',
    queries: one(top('small_fragments'), '{{table}}'),
  }),
  graph({
    title: 'Deleted rows',
    unit: 'short',
    todo: 'Read by every scan until a compaction drops them, which it does for fragments with a tenth of them deleted.',
    queries: one(top('deleted_rows'), '{{table}}'),
  }),
  graph({
    title: 'Index bytes, live',
    alert: 'SegmentdIndexDiskGrowth',
    unit: 'bytes',
    todo: 'Grows with the rows of the table, and shrinks with merges.',
    queries: one(top('index_live_bytes'), '{{table}}'),
  }),
  graph({
    title: 'Index bytes, dead',
    unit: 'bytes',
    todo: 'Replaced segments that kept versions still use. Levels off where versions are cleaned up.',
    alert: 'SegmentdDeadIndexFiles',
    queries: one(top('index_dead_bytes'), '{{table}}'),
  }),
  graph({
    title: 'Housekeeping in an hour',
    unit: 'short',
    todo: 'Rejected now and then is fine: another writer was faster. Failed: see maintenanceFailed in the log.',
    queries: [
      { expr: grew(m('maintenance_runs_total'), '1h', 'outcome'), legend: '{{outcome}}' },
      { expr: grew(m('orphans_removed_total'), '1h'), legend: 'orphans removed' },
    ],
  }),
  graph({
    title: 'Duration of housekeeping',
    unit: 's',
    todo: 'Grows with what was appended since the last time: do it more often.',
    nothing: { text: 'no housekeeping in this time' },
    queries: quantiles('maintenance_seconds').slice(1, 2),
  }),
  graph({
    title: 'Bytes freed in a day',
    unit: 'bytes',
    todo: 'What housekeeping gave back. Nothing for days: versions are kept too long for it to free any.',
    queries: one(day(m('maintenance_freed_bytes_total')), 'freed'),
  }),
];

export const DEAD_LETTERS: readonly Json[] = [
  graph({
    title: 'Dead letters in 10 min, by reason',
    unit: 'short',
    bounds: [1],
    stacked: true,
    todo: 'eventDeadLettered in the log has partition and offset; the record in the dead-letter topic keeps the original bytes.',
    alert: 'SegmentdDeadLetters',
    queries: one(grew(m('dead_letters_total'), '10m', 'reason'), '{{reason}}'),
  }),
  table({
    title: 'Dead letters by reason, 24 h',
    unit: 'none',
    decimals: 0,
    todo: 'Each reason is an error code with a page that says what to do.',
    nothing: { text: 'none' },
    queries: one(day(m('dead_letters_total'), 'reason'), 'records'),
  }),
];

const ten = (expr: string) => `topk(10, ${expr})`;

export const PROCESS: readonly Json[] = [
  graph({
    title: 'CPU',
    unit: 'percentunit',
    todo: 'Cores in use. LanceDB builds take all there are; that is fine while the event loop answers.',
    queries: one(
      ten(`rate(process_cpu_seconds_total[$__rate_interval]) and on (job, instance) ${m('build_info')}`),
      '{{instance}}',
    ),
  }),
  graph({
    title: 'Memory',
    unit: 'bytes',
    todo: 'Most of it belongs to LanceDB, outside the heap. Grows with batch.max_rows and concurrency.tables.',
    queries: [
      { expr: ten(ofProcess('process_resident_memory_bytes')), legend: '{{instance}} resident' },
      { expr: ten(ofProcess('nodejs_heap_size_used_bytes')), legend: '{{instance}} heap' },
    ],
  }),
  graph({
    title: 'Event-loop lag, p99',
    unit: 's',
    bounds: [bound('SegmentdEventLoopLag')],
    todo: 'Above the line heartbeats are at risk: more CPU, or a lower concurrency.tables.',
    alert: 'SegmentdEventLoopLag',
    queries: one(ten(ofProcess('nodejs_eventloop_lag_p99_seconds')), '{{instance}}'),
  }),
  graph({
    title: 'Open files',
    unit: 'short',
    todo: 'Climbs without end: a leak, report it.',
    queries: one(ten(ofProcess('process_open_fds')), '{{instance}}'),
  }),
  graph({
    title: 'Engine requests to the store',
    unit: 'reqps',
    todo: "LanceDB's own reads and writes, by operation.",
    queries: one(
      rate('lance_object_store_requests_total{job=~"$job",instance=~"$instance"}', 'operation'),
      '{{operation}}',
    ),
  }),
  graph({
    title: 'Engine requests, p99',
    unit: 's',
    todo: 'Slow here and slow builds: the disk or store is the limit.',
    queries: one(
      'histogram_quantile(0.99, sum by (le, operation) (rate(lance_object_store_request_duration_seconds_bucket{job=~"$job",instance=~"$instance"}[$__rate_interval]))) >= 0',
      '{{operation}}',
    ),
  }),
  table({
    title: 'Versions',
    unit: 'none',
    todo: 'Members of one group should run one version.',
    queries: one(`max by (instance, version, lancedb_version, node_version) (${m('build_info')})`, 'running'),
  }),
];
