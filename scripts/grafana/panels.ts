/** Panels of Grafana's classic dashboard model, with the few choices that differ from panel to panel. */
import { runbookOf } from './alert-bounds.ts';

export type Json = { readonly [key: string]: unknown };

/** What every panel says about itself. `todo` is for the operator on call. */
export type Panel = {
  readonly title: string;
  /** Grafana's unit id: `none`, `s`, `short`, `bytes`, `percentunit`, … */
  readonly unit: string;
  readonly todo: string;
  readonly queries: readonly Query[];
  /** Bounds at which the colour changes, first to orange, then to red. */
  readonly bounds?: readonly number[];
  /** Low values are bad: this colour below the first bound. */
  readonly below?: 'red' | 'orange';
  readonly decimals?: number;
  readonly max?: number;
  readonly stacked?: boolean;
  /** What stands there when no series has a value, and its colour. Grey unless given: no answer is no good news. */
  readonly nothing?: { readonly text: string; readonly color?: string };
  /** Colours of series by their name. */
  readonly colours?: Readonly<Record<string, string>>;
  /** Texts for values. */
  readonly texts?: Readonly<Record<number, { readonly text: string; readonly color: string }>>;
  /** Units of columns that have another, by their name. */
  readonly units?: Readonly<Record<string, string>>;
  /** The alert that watches the same: the panel leads to its paragraph of the runbook. */
  readonly alert?: string;
};
export type Query = { readonly expr: string; readonly legend: string };

export const DATASOURCE = { type: 'prometheus', uid: `\${datasource}` } as const;
/** Links lead to these. */
export const FLEET_DASHBOARD = 'segmentd';
export const TABLE_DASHBOARD = 'segmentd-table';

const COLOURS = ['green', 'orange', 'red'];

function thresholds({ bounds = [], below }: Panel): Json {
  const colours = below ? [below, 'green'] : bounds.length === 1 ? ['green', 'red'] : COLOURS;
  const steps = [null, ...bounds].map((value, i) => ({ color: colours[i], value }));
  return { mode: 'absolute', steps };
}

function targets(queries: readonly Query[], extra: Json): Json[] {
  return queries.map(({ expr, legend }, i) => ({
    refId: String.fromCharCode(65 + i),
    datasource: DATASOURCE,
    editorMode: 'code',
    expr,
    legendFormat: legend,
    range: true,
    ...extra,
  }));
}

/** Without a mapping Grafana shows what has no value in the colour of the lowest one, which is green. */
function mappings({ nothing = { text: 'no data' }, texts = {} }: Panel): Json[] {
  const { text, color = 'text' } = nothing;
  const none = { type: 'special', options: { match: 'null+nan', result: { text, color, index: 0 } } };
  const values = Object.keys(texts).length === 0 ? [] : [{ type: 'value', options: texts }];
  return [none, ...values];
}

const byName = (name: string, id: string, value: unknown): Json => ({
  matcher: { id: 'byName', options: name },
  properties: [{ id, value }],
});

function overrides({ colours = {}, units = {} }: Panel): Json[] {
  return [
    ...Object.entries(colours).map(([name, fixedColor]) => byName(name, 'color', { mode: 'fixed', fixedColor })),
    ...Object.entries(units).map(([name, unit]) => byName(name, 'unit', unit)),
  ];
}

/** From a series of a table to the dashboard of that table, in the same time. */
function dataLinks(queries: readonly Query[]): Json[] {
  if (!queries.some(({ legend }) => legend.includes('{{table}}'))) return [];
  const table = `\${__field.labels.table}`;
  const url = `/d/${TABLE_DASHBOARD}?var-table=\${__field.labels.table:percentencode}&\${datasource:queryparam}&\${job:queryparam}&\${__url_time_range}`;
  return [{ title: `Table ${table}`, url }];
}

function panelLinks({ alert }: Panel): Json {
  return alert ? { links: [{ title: `Runbook: ${alert}`, url: runbookOf(alert), targetBlank: true }] } : {};
}

function base(type: string, panel: Panel, custom: Json, options: Json, query: Json = {}): Json {
  const { title, unit, todo, queries, decimals, max, nothing } = panel;
  return {
    type,
    title,
    description: todo,
    ...panelLinks(panel),
    datasource: DATASOURCE,
    targets: targets(queries, query),
    fieldConfig: {
      defaults: {
        unit,
        min: 0,
        ...(max === undefined ? {} : { max }),
        ...(decimals === undefined ? {} : { decimals }),
        ...(type === 'stat' ? { mappings: mappings(panel) } : { noValue: nothing?.text ?? 'all 0 in this time' }),
        color: { mode: type === 'timeseries' ? 'palette-classic' : 'thresholds' },
        thresholds: thresholds(panel),
        links: dataLinks(queries),
        custom,
      },
      overrides: overrides(panel),
    },
    options,
  };
}

/**
 * One big value, as it is at the end of the shown time: a series that ended with its daemon gives none, while the last value of a range would
 * stay for as long as the range shows it.
 */
export function stat(panel: Panel, textMode: 'value' | 'value_and_name' = 'value'): Json {
  const reduceOptions = { calcs: ['lastNotNull'], fields: '', values: false };
  const options = {
    reduceOptions,
    textMode,
    colorMode: 'value',
    graphMode: 'none',
    justifyMode: 'auto',
    orientation: 'auto',
  };
  return base('stat', panel, {}, options, { instant: true, range: false });
}

/** Lines over time, with the bounds drawn in. */
export function graph(panel: Panel): Json {
  const custom = {
    drawStyle: 'line',
    lineWidth: 1,
    fillOpacity: panel.stacked ? 30 : 5,
    showPoints: 'never',
    spanNulls: false,
    stacking: { mode: panel.stacked ? 'normal' : 'none', group: 'A' },
    thresholdsStyle: { mode: panel.bounds ? 'dashed' : 'off' },
  };
  const legend = { displayMode: 'table', placement: 'bottom', showLegend: true, calcs: ['lastNotNull', 'max'] };
  return base('timeseries', panel, custom, { legend, tooltip: { mode: 'multi', sort: 'desc' } });
}

/** A histogram over time. The query gives increases by `le`. */
export function heatmap(panel: Panel): Json {
  const options = {
    calculate: false,
    yAxis: { unit: panel.unit, axisPlacement: 'left' },
    color: { mode: 'scheme', scheme: 'Oranges', steps: 64 },
    cellGap: 1,
    filterValues: { le: 1e-9 },
    legend: { show: true },
    tooltip: { mode: 'single', yHistogram: false },
  };
  return base('heatmap', panel, {}, options, { format: 'heatmap' });
}

/** The last value of each series, one row per set of labels and one column per query. */
export function table(panel: Panel): Json {
  const query = { format: 'table', instant: true, range: false };
  const options = { showHeader: true, cellHeight: 'sm' };
  const made = base('table', panel, { align: 'auto', filterable: true }, options, query);
  const names = Object.fromEntries(
    panel.queries.flatMap(({ legend }, i) => [
      [`Value #${String.fromCharCode(65 + i)}`, legend],
      // What Grafana calls the column when one query alone has an answer.
      ...(panel.queries.length === 1 ? [['Value', legend]] : []),
    ]),
  );
  const organize = { id: 'organize', options: { excludeByName: { Time: true }, renameByName: names } };
  return { ...made, transformations: [{ id: 'merge', options: {} }, organize] };
}

const WIDTH = 24;

export type Row = { readonly title: string; readonly height: number; readonly panels: readonly Json[] };

/** Rows of panels below their titles, all but the first collapsed; each panel as wide as the row's share, with ids in reading order. */
export function layOut(rows: readonly Row[]): Json[] {
  const placed: Json[] = [];
  let y = 0;
  let id = 0;
  rows.forEach(({ title, height, panels }, n) => {
    const collapsed = n > 0;
    const row = { type: 'row', title, collapsed, id: ++id, gridPos: { x: 0, y, w: WIDTH, h: 1 } };
    y++;
    const lines = Math.ceil(panels.length / MOST_PER_LINE[height <= 4 ? 'low' : 'high']);
    const perLine = Math.ceil(panels.length / lines);
    const w = Math.floor(WIDTH / perLine);
    const inside = panels.map((panel, i) => {
      const gridPos = { x: (i % perLine) * w, y: y + Math.floor(i / perLine) * height, w, h: height };
      return { ...panel, id: ++id, gridPos };
    });
    // A row that is open stands before its panels, one that is collapsed holds them; what follows moves down when it is opened.
    placed.push({ ...row, panels: collapsed ? inside : [] }, ...(collapsed ? [] : inside));
    if (!collapsed) y += lines * height;
  });
  return placed;
}

/** Panels side by side: of low ones, and of graphs with a legend. */
const MOST_PER_LINE = { low: 6, high: 4 } as const;
