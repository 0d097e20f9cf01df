/** What the graphs mark: merges, restarts and pauses. */
import type { Json } from './panels.ts';
import { DATASOURCE } from './panels.ts';
import { m, ofTable } from './queries.ts';

type Mark = {
  readonly name: string;
  readonly colour: string;
  readonly expr: string;
  readonly title: string;
  /** The value of the series is the time of the mark, in milliseconds; else it lasts for as long as there is a value. */
  readonly at?: 'value';
  /** Whether it is drawn before somebody turns it on. */
  readonly on: boolean;
};

function annotation({ name, colour, expr, title, at, on }: Mark): Json {
  return {
    name,
    datasource: DATASOURCE,
    enable: on,
    iconColor: colour,
    expr,
    titleFormat: title,
    textFormat: '',
    tagKeys: '',
    step: '',
    useValueForTime: at === 'value',
  };
}

/** Alerts and what users wrote themselves, as every dashboard of Grafana has them. */
const BUILT_IN: Json = {
  builtIn: 1,
  datasource: { type: 'grafana', uid: '-- Grafana --' },
  enable: true,
  hide: true,
  iconColor: 'rgba(0, 211, 255, 1)',
  name: 'Annotations & Alerts',
  type: 'dashboard',
};

/** Of all daemons, on the dashboard of a table too: which of them works on it may change. */
const STARTED = 'process_start_time_seconds{job=~"$job"} and on (job, instance) segmentd_build_info{job=~"$job"}';

function marks(merged: string, paused: string, mergesOn: boolean): Json[] {
  const merges = { name: 'Merges', colour: 'blue', title: 'Merged {{table}}', at: 'value', on: mergesOn } as const;
  const restarts = { name: 'Restarts', colour: 'red', title: 'Start of {{instance}}', at: 'value', on: true } as const;
  const pauses = { name: 'Pauses', colour: 'orange', title: 'Paused: {{table}}', on: true } as const;
  return [
    annotation({ ...merges, expr: `max by (table) (${merged}) * 1000` }),
    annotation({ ...restarts, expr: `(${STARTED}) * 1000` }),
    annotation({ ...pauses, expr: `max by (table) (${paused})` }),
  ];
}

/** `table`: of the one table that the dashboard shows; merges of all would hide the graphs until they are turned on. */
export function annotations(of: 'fleet' | 'table'): Json {
  const series = (name: string) => (of === 'table' ? ofTable(name) : m(name));
  const list = marks(series('last_merge_timestamp_seconds'), series('paused'), of === 'table');
  return { list: [BUILT_IN, ...list] };
}
