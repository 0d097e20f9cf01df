/** The first row of the dashboard Fleet: whether everything is fine. */
import { bound } from './alert-bounds.ts';
import type { Json } from './panels.ts';
import { stat } from './panels.ts';
import { day, floored, m, ofAll, one, UP, worst, zero } from './queries.ts';

export const LAG_BOUNDS = [bound('SegmentdIndexLag'), bound('SegmentdIndexLagHigh')];
/** What the share of fresh events is measured against: the first bound of the lag, which is a bucket of the histogram. */
const SLO_SECONDS = LAG_BOUNDS[0];
/** Prometheus 2 keeps the bound as the daemon writes it, 3 adds a decimal. */
const IN_TIME = `,le=~"${SLO_SECONDS}([.]0)?"`;
/** Half of one: a counter that grew by 1 may show as a little less. */
const ANY_GROWTH = 0.5;

const CONSUMER_LAG = `max by (topic, partition) (${m('consumer_lag_records')})`;

/** The state of a daemon, and the colour of its name. */
const STATE_COLOURS = {
  ...{ running: 'green', starting: 'blue', joining: 'blue', rebalancing: 'orange', draining: 'orange' },
  ...{ degraded: 'red', failed: 'red', stopped: 'red', down: 'red' },
};

const STATE = stat(
  {
    title: 'State',
    unit: 'none',
    decimals: 0,
    todo: 'Daemons in each state; down are those that do not answer. Anything but running for minutes: read stateChanged in the log.',
    alert: 'SegmentdDown',
    queries: [
      { expr: `sum by (state) (${m('state')}) > 0`, legend: '{{state}}' },
      { expr: `count(${UP} == 0)`, legend: 'down' },
    ],
    colours: STATE_COLOURS,
    nothing: { text: 'no daemon', color: 'red' },
  },
  'value_and_name',
);

const WORST_LAG = stat(
  {
    title: 'Worst index lag',
    unit: 's',
    decimals: 1,
    bounds: LAG_BOUNDS,
    todo: 'How old the oldest unindexed data is. Red: look at freshness, then at builds and commits. It names the table, paused ones included.',
    alert: 'SegmentdIndexLagHigh',
    queries: one(worst(m('index_lag_seconds'), 'table, index'), '{{table}} {{index}}'),
  },
  'value_and_name',
);

const COVERAGE = m('coverage_ratio');
const LOWEST_COVERAGE = stat(
  {
    title: 'Lowest coverage',
    unit: 'percentunit',
    decimals: 2,
    max: 1,
    bounds: [1],
    below: 'orange',
    todo: 'Share of rows found through the index, rounded down. Low after a bulk load is fine while it rises.',
    queries: one(
      floored(`(bottomk(1, min by (table, index) (${COVERAGE}) < 1) or on () ${ofAll(`min(${COVERAGE})`)})`),
      '{{table}} {{index}}',
    ),
  },
  'value_and_name',
);

const IN_TIME_SHARE = stat({
  title: `Covered within ${SLO_SECONDS} s`,
  unit: 'percentunit',
  decimals: 2,
  max: 1,
  bounds: [0.99],
  below: 'red',
  todo: 'Share of events in the shown time that were searchable in time, rounded down.',
  nothing: { text: 'no event' },
  queries: one(
    floored(
      `sum(increase(${m('event_to_covered_seconds_bucket', IN_TIME)}[$__range]))` +
        ` / (sum(increase(${m('event_to_covered_seconds_count')}[$__range])) > 0)`,
    ),
  ),
});

const INTAKE = [
  stat({
    title: 'Records behind',
    unit: 'none',
    decimals: 0,
    bounds: [bound('SegmentdConsumerLag')],
    todo: 'Red: see whether builds or commits are slow; add a member if partitions allow.',
    alert: 'SegmentdConsumerLag',
    queries: one(`sum(${CONSUMER_LAG})`),
  }),
  stat({
    title: 'Oldest record at work',
    unit: 's',
    decimals: 1,
    alert: 'SegmentdOldestUnacked',
    todo: 'Climbs without end: its table fails, hangs or is paused, and its partition cannot commit past it.',
    queries: one(`max(${m('oldest_unacked_age_seconds')})`),
  }),
];

const TABLES = [
  stat({
    title: 'Tables retrying',
    unit: 'none',
    decimals: 0,
    bounds: [1],
    todo: 'Their work failed and is tried again, each time later. The row Segments names them; workFailed in the log and /status have the cause.',
    alert: 'SegmentdTableRetrying',
    queries: one(`sum(${m('tables_retrying')})`),
  }),
  stat({
    title: 'Tables paused',
    unit: 'none',
    decimals: 0,
    bounds: [1],
    todo: 'An operator holds their events; /status says who and since when. An alert fires after an hour.',
    alert: 'SegmentdTablePaused',
    queries: one(`count(max by (table) (${m('paused')})) or ${zero}`),
  }),
  stat({
    title: 'Tables declined',
    unit: 'none',
    decimals: 0,
    bounds: [1],
    todo: 'Tables that segmentd must not write, but for those that the configuration accepts. The row Segments names them and the reasons.',
    alert: 'SegmentdTableDeclined',
    queries: one(`sum(${m('tables_declined')})`),
  }),
  stat({
    title: 'Dead letters, 24 h',
    unit: 'none',
    decimals: 0,
    bounds: [ANY_GROWTH],
    todo: 'The row Dead letters names the reasons. Fix the producer; the tables lost nothing.',
    alert: 'SegmentdDeadLetters',
    queries: one(day(m('dead_letters_total'))),
  }),
];

const GROUP = [
  stat(
    {
      title: 'Members',
      unit: 'none',
      decimals: 0,
      bounds: [1],
      below: 'red',
      alert: 'SegmentdMembersMissing',
      todo: 'Members of the group as the broker sees it, beside the daemons that Prometheus reaches. Fewer members: some daemons cannot join.',
      queries: [
        { expr: `sum(max by (group) (${m('group_members')}))`, legend: 'in the group' },
        { expr: `sum(${UP})`, legend: 'answer' },
      ],
    },
    'value_and_name',
  ),
  stat({
    title: 'Unowned partitions',
    unit: 'none',
    decimals: 0,
    bounds: [1],
    alert: 'SegmentdPartitionsUnowned',
    todo: 'Partitions that no member reads: their tables go stale. All of them while the group rebalances, which takes seconds.',
    queries: one(`sum(max by (group, topic) (${m('unowned_partitions')}))`),
  }),
];

export const FINE: readonly Json[] = [STATE, WORST_LAG, LOWEST_COVERAGE, IN_TIME_SHARE, ...INTAKE, ...TABLES, ...GROUP];
