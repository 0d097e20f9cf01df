/** The dashboard Table: one table, index by index. */
import { bound } from './alert-bounds.ts';
import { LAG_BOUNDS } from './fleet-fine.ts';
import type { Json, Panel } from './panels.ts';
import { graph, stat } from './panels.ts';
import { floored, named, ofTable, one } from './queries.ts';

const worstIndex = (name: string) => `max(${ofTable(name)})`;
const perIndex = (name: string) => one(`max by (index) (${ofTable(name)})`, '{{index}}');
const since = (name: string) => one(`time() - max(${ofTable(name)})`);

const FRESH: readonly Json[] = [
  stat({
    title: 'Lag',
    unit: 's',
    decimals: 1,
    bounds: LAG_BOUNDS,
    todo: 'How old the oldest unindexed data of the table is. Red: look at what failed, then at builds and commits of the fleet.',
    alert: 'SegmentdIndexLagHigh',
    nothing: { text: 'not served' },
    queries: one(worstIndex('index_lag_seconds')),
  }),
  stat({
    title: 'Coverage',
    unit: 'percentunit',
    decimals: 2,
    max: 1,
    bounds: [1],
    below: 'orange',
    todo: 'Share of rows found through the index that covers least, rounded down. Low after a bulk load is fine while it rises.',
    queries: one(floored(`min(${ofTable('coverage_ratio')})`)),
  }),
  stat({
    title: 'Rows missing',
    unit: 'none',
    decimals: 0,
    todo: 'Rows that queries scan because an index does not cover them. It must return to 0 after each append.',
    nothing: { text: 'not served' },
    queries: one(worstIndex('missing_rows')),
  }),
];

const LIFE: readonly Json[] = [
  stat({
    title: 'Version',
    unit: 'none',
    decimals: 0,
    todo: 'The latest version that a member has seen. An append without an event is seen at the next sweep.',
    nothing: { text: 'not served' },
    queries: one(worstIndex('table_version')),
  }),
  stat({
    title: 'Covered version',
    unit: 'none',
    decimals: 0,
    todo: 'The latest version whose fragments all indexes cover.',
    queries: one(worstIndex('covered_version')),
  }),
  stat({
    title: 'Since the last event',
    unit: 's',
    decimals: 1,
    todo: 'Long, and the table is written: the producer announces nothing, or its events wait for a paused or failing table.',
    queries: since('last_event_timestamp_seconds'),
  }),
  stat({
    title: 'Since the last success',
    unit: 's',
    decimals: 1,
    todo: 'Since a batch was covered, or the table found covered. Long is fine while nothing is appended.',
    queries: since('last_success_timestamp_seconds'),
  }),
];

const YES_NO: Panel['texts'] = { 0: { text: 'no', color: 'green' }, 1: { text: 'yes', color: 'red' } };
/** 0 for a table that a daemon knows, so that one which is not served does not look fine. */
const known = `0 * max(${ofTable('table_version')})`;

const TROUBLE: readonly Json[] = [
  stat(
    {
      title: 'Failing',
      unit: 'none',
      texts: YES_NO,
      todo: 'Its work failed last and is tried again, for the reason named here; workFailed in the log and /status say more.',
      alert: 'SegmentdTableRetrying',
      nothing: { text: 'not served' },
      queries: one(
        `max by (reason) (${ofTable('retrying')}) or on () ${named(known, 'reason', 'no reason')}`,
        '{{reason}}',
      ),
    },
    'value_and_name',
  ),
  stat(
    {
      title: 'Declined',
      unit: 'none',
      texts: YES_NO,
      todo: 'segmentd must not write it, for the reason named here. One whose tables.<id>.decline is accept is not told.',
      alert: 'SegmentdTableDeclined',
      nothing: { text: 'not served' },
      queries: one(
        `max by (reason) (${ofTable('declined')}) or on () ${named(known, 'reason', 'no reason')}`,
        '{{reason}}',
      ),
    },
    'value_and_name',
  ),
  stat({
    title: 'Paused',
    unit: 'none',
    texts: YES_NO,
    todo: 'An operator holds its events; /status says who and since when. An alert fires after an hour.',
    alert: 'SegmentdTablePaused',
    nothing: { text: 'not served' },
    queries: one(`max(${ofTable('paused')}) or ${known}`),
  }),
  stat({
    title: 'Indexes left alone',
    unit: 'none',
    decimals: 0,
    bounds: [1],
    todo: 'Indexes that go stale while the others are kept fresh; indexesLeftAlone in the log, /status and segmentd status say why.',
    nothing: { text: 'not served' },
    queries: one(`count(max by (index) (${ofTable('index_left_alone')})) or ${known}`),
  }),
  stat({
    title: 'Segments',
    unit: 'none',
    decimals: 0,
    bounds: [bound('SegmentdManySegments')],
    todo: 'Of the index with the most: lookups slow down as they add up.',
    alert: 'SegmentdManySegments',
    queries: one(worstIndex('segments')),
  }),
];

const INDEXES: readonly Json[] = [
  graph({
    title: 'Lag by index',
    unit: 's',
    bounds: LAG_BOUNDS,
    todo: 'A line that climbs steadily: work on the table fails or waits. Search the log for the table.',
    alert: 'SegmentdIndexLag',
    queries: perIndex('index_lag_seconds'),
  }),
  graph({
    title: 'Coverage by index',
    unit: 'percentunit',
    decimals: 2,
    max: 1,
    todo: 'Share of rows found through each index, rounded down.',
    queries: one(floored(`min by (index) (${ofTable('coverage_ratio')})`), '{{index}}'),
  }),
  graph({
    title: 'Rows missing by index',
    unit: 'short',
    todo: 'What queries scan without the index. Those that wait for more belong to a vector index below its floor.',
    queries: [
      ...perIndex('missing_rows'),
      { expr: `max by (index) (${ofTable('held_rows')}) > 0`, legend: '{{index}}, waiting for more' },
    ],
  }),
  graph({
    title: 'Segments by index',
    unit: 'short',
    bounds: [bound('SegmentdManySegments')],
    todo: 'Rises with each batch and falls with each merge. Only rises: merging is off, fails or is too slow.',
    alert: 'SegmentdManySegments',
    queries: perIndex('segments'),
  }),
  graph({
    title: 'Fragments missing by index',
    unit: 'short',
    todo: 'What the next segment covers. Many small ones: batch the appends, or compact.',
    queries: perIndex('missing_fragments'),
  }),
];

const gauge = (title: string, unit: string, name: string, todo: string, more: Partial<Panel> = {}): Json =>
  graph({ title, unit, todo, queries: one(worstIndex(name), title.toLowerCase()), ...more });

const COST: readonly Json[] = [
  gauge(
    'Versions kept',
    'short',
    'table_versions',
    'Climbs without end: nothing cleans the table up. Run segmentd optimize.',
    {
      bounds: [bound('SegmentdManyVersions')],
      alert: 'SegmentdManyVersions',
    },
  ),
  graph({
    title: 'Age of the oldest version',
    unit: 's',
    todo: 'Levels off at the time that versions are kept for. One that is tagged stays, however old it is.',
    queries: one(`time() - min(${ofTable('oldest_version_timestamp_seconds')})`, 'oldest version'),
  }),
  gauge(
    'Bytes of manifests',
    'bytes',
    'manifest_bytes',
    'Each version has a manifest with all fragments of the table.',
  ),
  gauge(
    'Small fragments',
    'short',
    'small_fragments',
    'A compaction joins them; see maintenanceFailed in the log if it does not.',
    {
      bounds: [bound('SegmentdSmallFragments')],
      alert: 'SegmentdSmallFragments',
    },
  ),
  gauge('Deleted rows', 'short', 'deleted_rows', 'Read by every scan until a compaction drops them.'),
  graph({
    title: 'Index bytes',
    unit: 'bytes',
    stacked: true,
    todo: 'Dead are replaced segments that kept versions still use. They level off where versions are cleaned up.',
    alert: 'SegmentdDeadIndexFiles',
    queries: [
      { expr: worstIndex('index_live_bytes'), legend: 'live' },
      { expr: worstIndex('index_dead_bytes'), legend: 'dead' },
    ],
  }),
];

export const TABLE_ROWS = [
  { title: 'Is it fine?', height: 4, panels: [...FRESH, ...TROUBLE, ...LIFE] },
  { title: 'Indexes', height: 8, panels: INDEXES },
  { title: 'What it costs', height: 8, panels: COST },
];
