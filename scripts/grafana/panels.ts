/** Panels of Grafana's classic dashboard model, with the few choices that differ from panel to panel. */

export type Json = { readonly [key: string]: unknown };

/** What every panel says about itself. `todo` is for the operator on call. */
export type Panel = {
  readonly title: string;
  /** Grafana's unit id: `s`, `short`, `bytes`, `percentunit`, … */
  readonly unit: string;
  readonly todo: string;
  readonly queries: readonly Query[];
  /** Bounds at which the colour changes, first to orange, then to red. */
  readonly bounds?: readonly number[];
  /** Low values are bad: red below the first bound. */
  readonly lowIsBad?: boolean;
  readonly decimals?: number;
  readonly max?: number;
  readonly stacked?: boolean;
};
export type Query = { readonly expr: string; readonly legend: string };

export const DATASOURCE = { type: 'prometheus', uid: `\${datasource}` } as const;

const COLOURS = ['green', 'orange', 'red'];

function thresholds({ bounds = [], lowIsBad = false }: Panel): Json {
  const colours = lowIsBad ? ['red', 'green'] : bounds.length === 1 ? ['green', 'red'] : COLOURS;
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

function base(type: string, panel: Panel, custom: Json, options: Json, query: Json = {}): Json {
  const { title, unit, todo, queries, decimals, max } = panel;
  return {
    type,
    title,
    description: todo,
    datasource: DATASOURCE,
    targets: targets(queries, query),
    fieldConfig: {
      defaults: {
        unit,
        min: 0,
        ...(max === undefined ? {} : { max }),
        ...(decimals === undefined ? {} : { decimals }),
        color: { mode: type === 'timeseries' ? 'palette-classic' : 'thresholds' },
        thresholds: thresholds(panel),
        custom,
      },
      overrides: [],
    },
    options,
  };
}

/** One big value. */
export function stat(panel: Panel, textMode: 'auto' | 'name' = 'auto'): Json {
  const reduceOptions = { calcs: ['lastNotNull'], fields: '', values: false };
  const options = {
    reduceOptions,
    textMode,
    colorMode: 'value',
    graphMode: 'area',
    justifyMode: 'auto',
    orientation: 'auto',
  };
  return base('stat', panel, {}, options);
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
  const made = base(
    'table',
    panel,
    { align: 'auto', filterable: true },
    { showHeader: true, cellHeight: 'sm' },
    {
      format: 'table',
      instant: true,
      range: false,
    },
  );
  const names = Object.fromEntries(
    panel.queries.map(({ legend }, i) => [`Value #${String.fromCharCode(65 + i)}`, legend]),
  );
  const organize = { id: 'organize', options: { excludeByName: { Time: true }, renameByName: names } };
  return { ...made, transformations: [{ id: 'merge', options: {} }, organize] };
}

const WIDTH = 24;

/** Rows of panels below their titles, each panel as wide as the row's share, with ids in reading order. */
export function layOut(
  rows: readonly { readonly title: string; readonly height: number; readonly panels: readonly Json[] }[],
): Json[] {
  const placed: Json[] = [];
  let y = 0;
  for (const { title, height, panels } of rows) {
    placed.push({
      type: 'row',
      title,
      collapsed: false,
      panels: [],
      id: placed.length + 1,
      gridPos: { x: 0, y, w: WIDTH, h: 1 },
    });
    y++;
    const perLine = panels.length > 4 ? Math.ceil(panels.length / Math.ceil(panels.length / 4)) : panels.length;
    const w = Math.floor(WIDTH / perLine);
    panels.forEach((panel, i) => {
      const gridPos = { x: (i % perLine) * w, y: y + Math.floor(i / perLine) * height, w, h: height };
      placed.push({ ...panel, id: placed.length + 1, gridPos });
    });
    y += Math.ceil(panels.length / perLine) * height;
  }
  return placed;
}
