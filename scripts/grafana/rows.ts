/** What the dashboard shows. Bounds come from config/prometheus/rules.yml, so that a panel turns red where its alert fires. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { costRow } from './cost-row.ts';
import type { Json, Panel } from './panels.ts';
import { graph, heatmap, stat, table } from './panels.ts';

const RULES = new URL('../../config/prometheus/rules.yml', import.meta.url);

type Rules = {
  readonly groups: readonly { readonly rules: readonly { readonly alert: string; readonly expr: string }[] }[];
};

const alerts = (parse(readFileSync(RULES, 'utf8')) as Rules).groups.flatMap(({ rules }) => rules);

/** The bound of an alert: the number its expression ends in. */
function bound(alert: string): number {
  const expr = alerts.find((rule) => rule.alert === alert)?.expr;
  const number = /[<>]=? *([\d.]+)\s*$/.exec(expr ?? '')?.[1];
  if (number === undefined) throw new Error(`no alert ${alert} that compares with a number`);
  return Number(number);
}

/** Filters every metric by the dashboard's variables. */
const MINE = 'job=~"$job",instance=~"$instance"';
const TABLES = `${MINE},table=~"$table"`;
const m = (name: string, more = '') => `segmentd_${name}{${MINE}${more}}`;
const perTable = (name: string) => `segmentd_${name}{${TABLES}}`;
const rate = (series: string, by = '') => `sum${by && ` by (${by})`} (rate(${series}[$__rate_interval]))`;
const day = (series: string, by = '') => `sum${by && ` by (${by})`} (increase(${series}[24h]))`;

function quantiles(name: string): Panel['queries'] {
  return [50, 95, 99].map((p) => ({
    expr: `histogram_quantile(0.${p}, ${rate(m(`${name}_bucket`), 'le')})`,
    legend: `p${p}`,
  }));
}
const one = (expr: string, legend = ''): Panel['queries'] => [{ expr, legend }];

const LAG_BOUNDS = [bound('SegmentdIndexLag'), bound('SegmentdIndexLagHigh')];
/** What the share of fresh events is measured against: the first bound of the lag, which is a bucket of the histogram. */
const SLO_SECONDS = LAG_BOUNDS[0];
const LAG = `max by (topic, partition) (${m('consumer_lag_records')})`;

const FINE: readonly Json[] = [
  stat(
    {
      title: 'State',
      unit: 'none',
      todo: 'Anything but running for minutes: read stateChanged in the log.',
      queries: one(`max by (state) (${m('state')}) == 1`, '{{state}}'),
    },
    'name',
  ),
  stat({
    title: 'Worst index lag',
    unit: 's',
    bounds: LAG_BOUNDS,
    todo: 'How old the oldest unindexed data is. Red: look at freshness, then at builds and commits.',
    queries: one(`max(${perTable('index_lag_seconds')})`),
  }),
  stat({
    title: 'Lowest coverage',
    unit: 'percentunit',
    decimals: 4,
    max: 1,
    todo: 'Share of rows found through the index. Low after a bulk load is fine while it rises.',
    queries: one(`min(${perTable('coverage_ratio')})`),
  }),
  stat({
    title: `Covered within ${SLO_SECONDS} s`,
    unit: 'percentunit',
    decimals: 2,
    max: 1,
    bounds: [0.99],
    lowIsBad: true,
    todo: 'Share of events in the shown time that were searchable in time.',
    queries: one(
      `sum(rate(${m('event_to_covered_seconds_bucket', `,le="${SLO_SECONDS}"`)}[$__range])) / sum(rate(${m('event_to_covered_seconds_count')}[$__range]))`,
    ),
  }),
  stat({
    title: 'Records behind',
    unit: 'short',
    bounds: [bound('SegmentdConsumerLag')],
    todo: 'Red: see whether builds or commits are slow; add a member if partitions allow.',
    queries: one(`sum(${LAG})`),
  }),
  stat({
    title: 'Dead letters, 24 h',
    unit: 'short',
    decimals: 0,
    bounds: [1],
    todo: 'The row below names the reasons. Fix the producer; the tables lost nothing.',
    queries: one(day(m('dead_letters_total'))),
  }),
  stat({
    title: 'Tables declined',
    unit: 'short',
    bounds: [1],
    todo: 'Tables that segmentd must not write. The segments row names the reasons.',
    queries: one(`sum(${m('tables_declined')})`),
  }),
  stat({
    title: 'Consumer restarts, 24 h',
    unit: 'short',
    decimals: 0,
    bounds: [bound('SegmentdConsumerRestarts')],
    todo: 'Check the brokers and the network between; consumerCrashed in the log has the cause.',
    queries: one(day(m('consumer_restarts_total'))),
  }),
];

const FRESHNESS: readonly Json[] = [
  graph({
    title: 'Index lag',
    unit: 's',
    bounds: LAG_BOUNDS,
    todo: 'A line that climbs steadily belongs to a table whose work fails or waits: search the log for it.',
    queries: one(`max by (table, index) (${perTable('index_lag_seconds')})`, '{{table}} {{index}}'),
  }),
  graph({
    title: 'Event to covered',
    unit: 's',
    bounds: LAG_BOUNDS,
    todo: 'From the record to the commit. If it grows while builds stay fast, events wait: raise concurrency.tables.',
    queries: quantiles('event_to_covered_seconds'),
  }),
  heatmap({
    title: 'Event to covered',
    unit: 's',
    todo: 'Two bands mean two kinds of tables, or waiting behind a big build.',
    queries: one(`sum by (le) (increase(${m('event_to_covered_seconds_bucket')}[$__rate_interval]))`, '{{le}}'),
  }),
  graph({
    title: 'Rows missing',
    unit: 'short',
    todo: 'What queries scan without the index. It must return to 0 after each append.',
    queries: [
      { expr: `max by (table, index) (${perTable('missing_rows')})`, legend: '{{table}} {{index}}' },
      { expr: `max by (table, index) (${perTable('held_rows')})`, legend: '{{table}} {{index}}, waiting for more' },
    ],
  }),
  table({
    title: 'Tables',
    unit: 'short',
    todo: 'Covered version below version: the difference is not searchable yet. Failed later than succeeded: see workFailed.',
    queries: [
      { expr: `max by (table) (${perTable('table_version')})`, legend: 'version' },
      { expr: `max by (table) (${perTable('covered_version')})`, legend: 'covered version' },
      { expr: `max by (table) (${perTable('missing_fragments')})`, legend: 'missing fragments' },
      {
        expr: `time() - max by (table) (${perTable('last_event_timestamp_seconds')})`,
        legend: 'seconds since event',
      },
      {
        expr: `time() - max by (table) (${perTable('last_success_timestamp_seconds')})`,
        legend: 'seconds since success',
      },
      {
        expr: `time() - max by (table) (${perTable('last_error_timestamp_seconds')})`,
        legend: 'seconds since error',
      },
    ],
  }),
];

const INTAKE: readonly Json[] = [
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
    queries: one(rate(m('backfill_events_total'))),
  }),
  graph({
    title: 'Lag by partition',
    unit: 'short',
    bounds: [bound('SegmentdConsumerLag')],
    todo: 'One partition far above the rest: one table is hot. All of them: members are too slow or too few.',
    queries: one(LAG, '{{topic}} {{partition}}'),
  }),
  graph({
    title: 'Unacknowledged records',
    unit: 'short',
    todo: 'Flat at kafka.max_in_flight: reading is paused until builds catch up.',
    queries: one(`sum by (instance) (${m('unacked_events')})`, '{{instance}}'),
  }),
  graph({
    title: 'Oldest unacknowledged record',
    unit: 's',
    todo: 'Climbs without end: its table fails or hangs, and its partition cannot commit past it.',
    queries: one(`max by (instance) (${m('oldest_unacked_age_seconds')})`, '{{instance}}'),
  }),
  graph({
    title: 'Rebalances in 15 min',
    unit: 'short',
    bounds: [bound('SegmentdRebalanceStorm')],
    todo: 'A deployment gives one per member. More: members miss heartbeats.',
    queries: one(`increase(${m('rebalances_total')}[15m])`, '{{instance}}'),
  }),
  graph({
    title: 'Consumer restarts in 15 min',
    unit: 'short',
    bounds: [bound('SegmentdConsumerRestarts')],
    todo: 'The reason is an error code; its page says what to do.',
    queries: one(
      `sum by (instance, reason) (increase(${m('consumer_restarts_total')}[15m]))`,
      '{{instance}} {{reason}}',
    ),
  }),
];

const BUILDS: readonly Json[] = [
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
    queries: one(
      `sum by (instance) (increase(${m('segments_built_total', ',outcome="failed"')}[10m]))`,
      '{{instance}}',
    ),
  }),
  graph({
    title: 'Build time',
    unit: 's',
    todo: 'Grows with the rows of a batch: lower batch.max_rows for shorter builds.',
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
      ...one(`sum by (instance) (${m('builds_in_flight')})`, '{{instance}}'),
      ...one(`sum by (instance) (${m('builds_waiting')})`, '{{instance}} waiting'),
    ],
  }),
];

const COMMITS: readonly Json[] = [
  graph({
    title: 'Commits by outcome',
    unit: 'cps',
    stacked: true,
    todo: 'Unknown: the store did not say. Nothing was deleted and the work is repeated.',
    queries: one(rate(m('commits_total'), 'outcome'), '{{outcome}}'),
  }),
  graph({
    title: 'Commit time',
    unit: 's',
    todo: 'Grows with the size of the manifest and with conflicts.',
    queries: quantiles('commit_seconds'),
  }),
  graph({
    title: 'Retries by cause',
    unit: 'cps',
    stacked: true,
    todo: 'Conflicts with other writers of the tables. Batch their appends, or raise batch.linger_ms.',
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
    queries: one(rate(m('stale_fragments_dropped_total'))),
  }),
];

const SEGMENTS: readonly Json[] = [
  graph({
    title: 'Segments per index',
    unit: 'short',
    bounds: [bound('SegmentdManySegments')],
    todo: 'Lookups slow down as segments add up: 11 cost little, 200 cost fifteen times the time of one.',
    queries: one(`max by (table, index) (${perTable('segments')})`, '{{table}} {{index}}'),
  }),
  graph({
    title: 'Retrying tables',
    unit: 'short',
    bounds: [1],
    todo: 'Their work failed and is tried again, each time later; workFailed in the log and /status name table and cause.',
    queries: one(`sum(${m('tables_retrying')})`),
  }),
  graph({
    title: 'Paused tables',
    unit: 'short',
    bounds: [bound('SegmentdTablePaused') + 1],
    todo: 'An operator holds their events; /status says who and since when. An alert fires after an hour.',
    queries: one(`max by (table) (${m('paused')})`, '{{table}}'),
  }),
  graph({
    title: 'Indexes left alone',
    unit: 'short',
    bounds: [1],
    todo: 'They go stale while others of the table are kept fresh; indexesLeftAlone in the log, /status and segmentd status say why.',
    queries: one(`max by (table, index) (${perTable('index_left_alone')})`, '{{table}} {{index}}'),
  }),
  graph({
    title: 'Tables that answered wrongly',
    unit: 'short',
    bounds: [1],
    todo: 'The self-check has paused them; answerWrong in the log and /status name the evidence. See docs/operating.md, Self-check.',
    queries: one(`max by (table) (${m('self_check_paused')})`, '{{table}}'),
  }),
  graph({
    title: 'Self-checks in an hour',
    unit: 'short',
    todo: 'Failed: see selfCheckFailed in the log. Skipped: raise verify.sample_every. Moved: versions are cleaned up at once.',
    queries: one(`sum by (outcome) (increase(${m('self_checks_total')}[1h]))`, '{{outcome}}'),
  }),
  graph({
    title: 'Declined tables by reason',
    unit: 'short',
    bounds: [1],
    todo: 'The reason is an error code; tableDeclined in the log names the table.',
    queries: one(`sum by (reason) (${m('tables_declined')})`, '{{reason}}'),
  }),
];

const MERGES: readonly Json[] = [
  graph({
    title: 'Segments by tier',
    unit: 'short',
    stacked: true,
    todo: 'Tier 0 is below merge.floor_rows, each further one merge.factor times as large. A tier that only grows is not merged.',
    queries: one(`sum by (tier) (${m('tier_segments')})`, 'tier {{tier}}'),
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
    queries: one(`sum by (instance) (${m('merges_pending')})`, '{{instance}}'),
  }),
  graph({
    title: 'Merge time',
    unit: 's',
    todo: 'Grows with the rows of the largest merge: at most merge.max_segment_rows.',
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
    queries: one(`${rate(m('merge_input_segments_total'))} / ${rate(m('merges_total', ',outcome="landed"'))}`),
  }),
  graph({
    title: 'Write amplification',
    unit: 'short',
    todo: 'Rows written per row of fresh data since the start. Higher than 5 on disks, or 8 in object stores: raise merge.factor.',
    queries: one(`max by (instance) (${m('write_amplification')})`, '{{instance}}'),
  }),
];

const DEAD_LETTERS: readonly Json[] = [
  graph({
    title: 'Dead letters in 10 min, by reason',
    unit: 'short',
    bounds: [1],
    stacked: true,
    todo: 'eventDeadLettered in the log has partition and offset; the record in the dead-letter topic keeps the original bytes.',
    queries: one(`sum by (reason) (increase(${m('dead_letters_total')}[10m]))`, '{{reason}}'),
  }),
  table({
    title: 'Dead letters, 24 h',
    unit: 'short',
    decimals: 0,
    todo: 'Each reason is an error code with a page that says what to do.',
    queries: one(day(m('dead_letters_total'), 'reason'), 'records'),
  }),
];

const own = (name: string) => `${name}{${MINE}}`;
const PROCESS: readonly Json[] = [
  graph({
    title: 'CPU',
    unit: 'percentunit',
    todo: 'Cores in use. LanceDB builds take all there are; that is fine while the event loop answers.',
    queries: one(`rate(${own('process_cpu_seconds_total')}[$__rate_interval])`, '{{instance}}'),
  }),
  graph({
    title: 'Memory',
    unit: 'bytes',
    todo: 'Most of it belongs to LanceDB, outside the heap. Grows with batch.max_rows and concurrency.tables.',
    queries: [
      { expr: own('process_resident_memory_bytes'), legend: '{{instance}} resident' },
      { expr: own('nodejs_heap_size_used_bytes'), legend: '{{instance}} heap' },
    ],
  }),
  graph({
    title: 'Event-loop lag, p99',
    unit: 's',
    bounds: [bound('SegmentdEventLoopLag')],
    todo: 'Above the line heartbeats are at risk: more CPU, or a lower concurrency.tables.',
    queries: one(own('nodejs_eventloop_lag_p99_seconds'), '{{instance}}'),
  }),
  graph({
    title: 'Open files',
    unit: 'short',
    todo: 'Climbs without end: a leak, report it.',
    queries: one(own('process_open_fds'), '{{instance}}'),
  }),
  graph({
    title: 'Engine requests to the store',
    unit: 'reqps',
    todo: "LanceDB's own reads and writes, by operation.",
    queries: one(rate(own('lance_object_store_requests_total'), 'operation'), '{{operation}}'),
  }),
  graph({
    title: 'Engine requests, p99',
    unit: 's',
    todo: 'Slow here and slow builds: the disk or store is the limit.',
    queries: one(
      `histogram_quantile(0.99, ${rate(own('lance_object_store_request_duration_seconds_bucket'), 'le, operation')})`,
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

export const ROWS = [
  { title: 'Is it fine?', height: 4, panels: FINE },
  { title: 'Freshness', height: 8, panels: FRESHNESS },
  { title: 'Intake', height: 8, panels: INTAKE },
  { title: 'Builds', height: 8, panels: BUILDS },
  { title: 'Commits', height: 8, panels: COMMITS },
  { title: 'Segments', height: 8, panels: SEGMENTS },
  { title: 'Merges', height: 8, panels: MERGES },
  { title: 'What tables cost', height: 8, panels: costRow({ bound, m, perTable }) },
  { title: 'Dead letters', height: 8, panels: DEAD_LETTERS },
  { title: 'Process', height: 8, panels: PROCESS },
];
