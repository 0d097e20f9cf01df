/** What the dashboard shows of the cost of tables and of their housekeeping. Bounds are those of the alerts. */
import type { Json, Panel } from './panels.ts';
import { graph } from './panels.ts';

type Tools = {
  /** The bound of an alert. */
  readonly bound: (alert: string) => number;
  /** A metric of this job, and one of a table. */
  readonly m: (name: string, more?: string) => string;
  readonly perTable: (name: string) => string;
};

export function costRow({ bound, m, perTable }: Tools): readonly Json[] {
  const most = (name: string): Panel['queries'] => [
    { expr: `max by (table) (${perTable(name)})`, legend: '{{table}}' },
  ];
  return [
    graph({
      title: 'Versions kept',
      unit: 'short',
      bounds: [bound('SegmentdManyVersions')],
      todo: 'Climbs without end: nobody cleans the table up. Run segmentd optimize, or set maintain.',
      queries: most('table_versions'),
    }),
    graph({
      title: 'Age of the oldest version',
      unit: 's',
      todo: 'Levels off at the time that versions are kept for. One that is tagged stays, however old it is.',
      queries: [
        { expr: `time() - min by (table) (${perTable('oldest_version_timestamp_seconds')})`, legend: '{{table}}' },
      ],
    }),
    graph({
      title: 'Bytes of manifests',
      unit: 'bytes',
      todo: 'Each version has a manifest with all fragments: fewer fragments make each of them smaller.',
      queries: most('manifest_bytes'),
    }),
    graph({
      title: 'Small fragments',
      unit: 'short',
      bounds: [bound('SegmentdSmallFragments')],
      todo: 'A compaction joins them. Climbs all the same: it meets conflicts, see maintenanceFailed in the log.',
      queries: most('small_fragments'),
    }),
    graph({
      title: 'Deleted rows',
      unit: 'short',
      todo: 'Read by every scan until a compaction drops them, which it does for fragments with a tenth of them deleted.',
      queries: most('deleted_rows'),
    }),
    graph({
      title: 'Index bytes, live',
      unit: 'bytes',
      todo: 'Grows with the rows of the table, and shrinks with merges.',
      queries: most('index_live_bytes'),
    }),
    graph({
      title: 'Index bytes, dead',
      unit: 'bytes',
      todo: 'Replaced segments that kept versions still use. Levels off where versions are cleaned up.',
      queries: most('index_dead_bytes'),
    }),
    graph({
      title: 'Housekeeping in an hour',
      unit: 'short',
      todo: 'Rejected now and then is fine: another writer was faster. Failed: see maintenanceFailed in the log.',
      queries: [
        { expr: `sum by (outcome) (increase(${m('maintenance_runs_total')}[1h]))`, legend: '{{outcome}}' },
        { expr: `sum(increase(${m('orphans_removed_total')}[1h]))`, legend: 'orphans removed' },
      ],
    }),
    graph({
      title: 'Duration of housekeeping',
      unit: 's',
      todo: 'Grows with what was appended since the last time: do it more often.',
      queries: [
        {
          expr: `histogram_quantile(0.95, sum by (le) (rate(${m('maintenance_seconds_bucket')}[$__rate_interval])))`,
          legend: 'p95',
        },
      ],
    }),
    graph({
      title: 'Bytes freed in a day',
      unit: 'bytes',
      todo: 'What housekeeping gave back. Nothing for days: versions are kept too long for it to free any.',
      queries: [{ expr: `sum(increase(${m('maintenance_freed_bytes_total')}[24h]))`, legend: 'freed' }],
    }),
  ];
}
