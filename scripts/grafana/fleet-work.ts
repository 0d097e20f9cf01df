/** Rows of the dashboard Fleet on the way of a record: freshness, intake, builds, commits. Each panel draws the ten highest. */
import { bound } from './alert-bounds.ts';
import { LAG_BOUNDS } from './fleet-fine.ts';
import type { Json } from './panels.ts';
import { graph, heatmap, stat, table } from './panels.ts';
import { day, grew, m, one, quantiles, rate, top } from './queries.ts';

const INDEX = 'table, index';
/** Ten tables, so that the table stays short with thousands. */
const WORST_TABLES = `topk(10, max by (table) (${m('index_lag_seconds')}))`;
const column = (expr: string, legend: string) => ({ expr: `${expr} and on (table) ${WORST_TABLES}`, legend });
const since = (name: string, legend: string) => column(`time() - max by (table) (${m(name)})`, legend);

export const FRESHNESS: readonly Json[] = [
  graph({
    title: 'Index lag',
    unit: 's',
    bounds: LAG_BOUNDS,
    todo: 'A line that climbs steadily belongs to a table whose work fails or waits: search the log for it.',
    alert: 'SegmentdIndexLag',
    queries: one(top('index_lag_seconds', INDEX), '{{table}} {{index}}'),
  }),
  graph({
    title: 'Event to covered',
    unit: 's',
    bounds: LAG_BOUNDS,
    todo: 'From the record to the commit. If it grows while builds stay fast, events wait: raise concurrency.tables.',
    nothing: { text: 'no event in this time' },
    queries: quantiles('event_to_covered_seconds'),
  }),
  heatmap({
    title: 'Event to covered, all',
    unit: 's',
    todo: 'Two bands mean two kinds of tables, or waiting behind a big build.',
    queries: one(`sum by (le) (increase(${m('event_to_covered_seconds_bucket')}[$__rate_interval]))`, '{{le}}'),
  }),
  graph({
    title: 'Rows missing',
    unit: 'short',
    todo: 'What queries scan without the index. It must return to 0 after each append.',
    queries: [
      { expr: top('missing_rows', INDEX), legend: '{{table}} {{index}}' },
      { expr: top('held_rows', INDEX), legend: '{{table}} {{index}}, waiting for more' },
    ],
  }),
  graph({
    title: 'Fragments missing',
    unit: 'short',
    todo: 'What the next segments cover. Many small ones: batch the appends, or compact.',
    queries: one(top('missing_fragments', INDEX), '{{table}} {{index}}'),
  }),
  table({
    title: 'Ten tables that lag most',
    unit: 'none',
    todo: 'Covered version below version: the difference is not searchable yet. Failed later than succeeded: see workFailed.',
    queries: [
      column(`max by (table) (${m('index_lag_seconds')})`, 'lag'),
      column(`max by (table) (${m('table_version')})`, 'version'),
      column(`max by (table) (${m('covered_version')})`, 'covered version'),
      since('last_event_timestamp_seconds', 'since event'),
      since('last_success_timestamp_seconds', 'since success'),
      since('last_error_timestamp_seconds', 'since error'),
    ],
    units: { lag: 's', 'since event': 's', 'since success': 's', 'since error': 's' },
  }),
];

export const INTAKE: readonly Json[] = [
  graph({
    title: 'Events by outcome',
    unit: 'cps',
    stacked: true,
    todo: 'Duplicates and stale ones cost little. Invalid ones go to the dead-letter topic.',
    queries: one(rate(m('events_total'), 'outcome'), '{{outcome}}'),
  }),
  graph({
    title: 'Backfill events',
    unit: 'cps',
    todo: 'Tables that miss many rows are shared out as events that name fragments. Repeatedly for one table: no member builds them.',
    queries: one(rate(m('backfill_events_total')), 'published'),
  }),
  graph({
    title: 'Lag by partition',
    unit: 'short',
    bounds: [bound('SegmentdConsumerLag')],
    todo: 'One partition far above the rest: one table is hot. All of them: members are too slow or too few.',
    alert: 'SegmentdConsumerLag',
    queries: one(top('consumer_lag_records', 'topic, partition'), '{{topic}} {{partition}}'),
  }),
  graph({
    title: 'Unacknowledged records',
    unit: 'short',
    todo: 'Flat at kafka.max_in_flight: reading is paused until builds catch up.',
    queries: one(top('unacked_events', 'instance'), '{{instance}}'),
  }),
  graph({
    title: 'Oldest unacknowledged record',
    unit: 's',
    todo: 'Climbs without end: its table fails or hangs, and its partition cannot commit past it.',
    queries: one(top('oldest_unacked_age_seconds', 'instance'), '{{instance}}'),
  }),
  graph({
    title: 'Rebalances in 15 min',
    unit: 'short',
    bounds: [bound('SegmentdRebalanceStorm')],
    todo: 'A deployment gives one per member. More: members miss heartbeats.',
    alert: 'SegmentdRebalanceStorm',
    queries: one(grew(m('rebalances_total'), '15m', 'instance'), '{{instance}}'),
  }),
  graph({
    title: 'Consumer restarts in 15 min',
    unit: 'short',
    bounds: [bound('SegmentdConsumerRestarts')],
    todo: 'The reason is an error code; its page says what to do.',
    alert: 'SegmentdConsumerRestarts',
    queries: one(grew(m('consumer_restarts_total'), '15m', 'instance, reason'), '{{instance}} {{reason}}'),
  }),
  stat({
    title: 'Consumer restarts, 24 h',
    unit: 'none',
    decimals: 0,
    bounds: [bound('SegmentdConsumerRestarts')],
    todo: 'Check the brokers and the network between; consumerCrashed in the log has the cause.',
    alert: 'SegmentdConsumerRestarts',
    queries: one(day(m('consumer_restarts_total'))),
  }),
];

export const BUILDS: readonly Json[] = [
  graph({
    title: 'Builds by outcome',
    unit: 'cps',
    stacked: true,
    todo: 'Stale builds are discarded work because other writers changed the table; failed ones name their cause in workFailed.',
    queries: one(rate(m('segments_built_total'), 'outcome'), '{{outcome}}'),
  }),
  graph({
    title: 'Failed builds in 10 min',
    unit: 'short',
    bounds: [bound('SegmentdBuildsFailing')],
    todo: 'Check free space in state.scratch_dir and memory.',
    alert: 'SegmentdBuildsFailing',
    queries: one(grew(m('segments_built_total', ',outcome="failed"'), '10m', 'instance'), '{{instance}}'),
  }),
  graph({
    title: 'Build time',
    unit: 's',
    todo: 'Grows with the rows of a batch: lower batch.max_rows for shorter builds.',
    nothing: { text: 'no build in this time' },
    queries: quantiles('segment_build_seconds'),
  }),
  graph({
    title: 'Rows indexed',
    unit: 'rowsps',
    todo: 'The throughput of the product. Flat while rows are missing: look at build time and failed builds.',
    queries: one(rate(m('segment_build_rows_total'), 'instance'), '{{instance}}'),
  }),
  graph({
    title: 'Bytes written',
    unit: 'Bps',
    todo: 'Segment files only, without merges.',
    queries: one(rate(m('segment_build_bytes_total'), 'instance'), '{{instance}}'),
  }),
  graph({
    title: 'Builds in flight',
    unit: 'short',
    todo: 'Flat at concurrency.tables with lag growing: the machine is the limit. Many wait: raise build.memory_bytes.',
    queries: [
      { expr: top('builds_in_flight', 'instance'), legend: '{{instance}}' },
      { expr: top('builds_waiting', 'instance'), legend: '{{instance}} waiting' },
    ],
  }),
];

export const COMMITS: readonly Json[] = [
  graph({
    title: 'Commits by outcome',
    unit: 'cps',
    stacked: true,
    todo: 'Unknown: the store did not say. Nothing was deleted and the work is repeated.',
    alert: 'SegmentdCommitUnknown',
    queries: one(rate(m('commits_total'), 'outcome'), '{{outcome}}'),
  }),
  graph({
    title: 'Commit time',
    unit: 's',
    todo: 'Grows with the size of the manifest and with conflicts.',
    nothing: { text: 'no commit in this time' },
    queries: quantiles('commit_seconds'),
  }),
  graph({
    title: 'Retries by cause',
    unit: 'cps',
    stacked: true,
    todo: 'Conflicts with other writers of the tables. Batch their appends, or raise batch.linger_ms.',
    alert: 'SegmentdCommitRetries',
    queries: one(rate(m('commit_retries_total'), 'cause'), '{{cause}}'),
  }),
  graph({
    title: 'Requests to object stores',
    unit: 'reqps',
    stacked: true,
    todo: 'Each is paid for. A batch takes nine or so; what is throttled or denied is tried again later.',
    queries: one(rate(m('store_requests_total'), 'store, operation, outcome'), '{{store}} {{operation}} {{outcome}}'),
  }),
  graph({
    title: 'Planned again, by cause',
    unit: 'cps',
    stacked: true,
    todo: 'Work discarded because the table moved: compaction or rewrites run beside segmentd.',
    queries: one(rate(m('replans_total'), 'cause'), '{{cause}}'),
  }),
  graph({
    title: 'Fragments left out',
    unit: 'cps',
    todo: 'Fragments rewritten or deleted while their segment was built. Their successors come with the next plan.',
    queries: one(rate(m('stale_fragments_dropped_total')), 'left out'),
  }),
];
