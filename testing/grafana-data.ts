/** What a panel of Grafana shows, by Grafana's own code: its package `@grafana/data`, installed once and kept. */
import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cachedFolder } from './cached-folder.ts';
import type { Series } from './prometheus.ts';

const run = promisify(execFile);

/** That of the image in docker-compose.yml. */
export const GRAFANA_VERSION = '13.2.2';
/** What the package asks for beside itself, and needs to be loaded at all. */
const REACT = 'react@18.3.1';

/** A panel as it stands in the file of a dashboard. */
export type PanelJson = {
  readonly type: string;
  readonly title: string;
  readonly targets?: readonly { readonly refId: string; readonly expr: string; readonly legendFormat: string }[];
  readonly fieldConfig: { readonly defaults: Record<string, unknown>; readonly overrides: readonly unknown[] };
  readonly options: Readonly<Record<string, unknown>>;
  readonly transformations?: readonly unknown[];
  /** Of a row that is collapsed. */
  readonly panels?: readonly PanelJson[];
};

/** One value of a stat: its name where the panel shows names, its text, and the name of its colour. */
export type Shown = { readonly name: string; readonly text: string; readonly colour: string };

export type Grafana = {
  /** What a stat shows of the answers to its queries, in their order. */
  stat(panel: PanelJson, answers: readonly (readonly Series[])[]): Shown[];
  /** The texts of a table, row by row, by the name of the column. */
  table(panel: PanelJson, answers: readonly (readonly Series[])[]): Promise<Record<string, string>[]>;
  /** A number as the panel writes it, on the axis or in the legend too. */
  text(panel: PanelJson, value: number): string;
};

type Display = { readonly text: string; readonly title?: string; readonly color?: string };
type Field = {
  readonly name: string;
  readonly type: string;
  readonly config: Record<string, unknown>;
  readonly values: readonly unknown[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly display?: (value: unknown) => Display;
};
type Frame = { readonly refId?: string; readonly fields: readonly Field[] };
type Theme = { readonly visualization: { getColorByName(name: string): string } };

/** The part of `@grafana/data` that is used here. */
type Library = {
  createTheme(): Theme;
  toDataFrame(frame: unknown): Frame;
  readonly colorManipulator: { asHexString(colour: string): string };
  applyFieldOverrides(options: Record<string, unknown>): Frame[];
  getFieldDisplayValues(options: Record<string, unknown>): { readonly display: Display }[];
  getFieldDisplayName(field: Field, frame: Frame, all: readonly Frame[]): string;
  formattedValueToString(value: Display): string;
  getDisplayProcessor(options: Record<string, unknown>): (value: unknown) => Display;
  transformDataFrame(steps: readonly unknown[], frames: readonly Frame[], context: unknown): PromisedFrames;
  readonly Registry: new (items: () => unknown[]) => unknown;
  readonly standardTransformersRegistry: { setInit(items: () => unknown[]): void };
  readonly standardTransformers: Readonly<Record<string, { readonly id: string; readonly name: string }>>;
};
type PromisedFrames = { subscribe(to: { next(frames: Frame[]): void; error(error: unknown): void }): unknown };

const COLOURS = ['green', 'orange', 'red', 'blue', 'text'];
/** The options of a field that Grafana lets a dashboard set and override. */
const OPTIONS = [
  'unit',
  'min',
  'max',
  'decimals',
  'noValue',
  'mappings',
  'thresholds',
  'color',
  'displayName',
  'links',
];

/** Installs the package unless it is there. Rejects where npm cannot. */
export async function loadGrafana(): Promise<Grafana> {
  const folder = await cachedFolder(`grafana-data-${GRAFANA_VERSION}`, async (aside) => {
    const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock', '--loglevel=error'];
    // Its peers are for panels in a browser.
    const little = ['--legacy-peer-deps', '--omit=optional'];
    const wanted = [`@grafana/data@${GRAFANA_VERSION}`, REACT];
    await run('npm', ['install', '--prefix', aside, ...quiet, ...little, ...wanted]);
  });
  const library = createRequire(join(folder, 'package.json'))('@grafana/data') as Library;
  // Once it is loaded, it looks there whether it runs in a page of Grafana's.
  Object.assign(globalThis, { window: {} });
  return panelsOf(library);
}

function panelsOf(library: Library): Grafana {
  const theme = library.createTheme();
  const registry = new library.Registry(() =>
    OPTIONS.map((id) => ({ id, path: id, name: id, process: (value: unknown) => value, shouldApply: () => true })),
  );
  library.standardTransformersRegistry.setInit(() =>
    [
      'mergeTransformer',
      'organizeFieldsTransformer',
      'orderFieldsTransformer',
      'renameFieldsTransformer',
      'filterFieldsByNameTransformer',
    ]
      .map((key) => library.standardTransformers[key])
      .flatMap((transformation) =>
        transformation ? [{ ...transformation, transformation: async () => transformation }] : [],
      ),
  );
  const hex = (colour: string) => library.colorManipulator.asHexString(colour);
  const colourOf = (colour = '') =>
    COLOURS.find((name) => hex(theme.visualization.getColorByName(name)) === hex(colour)) ?? colour;
  const replaceVariables = (text: string) => text;
  const configured = ({ fieldConfig }: PanelJson, data: readonly Frame[]) =>
    library.applyFieldOverrides({
      data,
      fieldConfig: structuredClone(fieldConfig),
      replaceVariables,
      theme,
      fieldConfigRegistry: registry,
    });
  return {
    stat: (panel, answers) => {
      const data = configured(panel, seriesFrames(library, panel, answers));
      const { reduceOptions } = panel.options;
      const values = library.getFieldDisplayValues({
        data,
        reduceOptions,
        replaceVariables,
        theme,
        fieldConfig: panel.fieldConfig,
      });
      return values.map(({ display }) => ({
        name: panel.options.textMode === 'value_and_name' ? (display.title ?? '').trim() : '',
        text: library.formattedValueToString(display),
        colour: colourOf(display.color),
      }));
    },
    table: async (panel, answers) => {
      const frames = tableFrames(library, panel, answers);
      const steps = panel.transformations ?? [];
      const changed = await new Promise<Frame[]>((resolve, reject) => {
        const made = library.transformDataFrame(steps, frames, { interpolate: replaceVariables });
        made.subscribe({ next: resolve, error: reject });
      });
      const [frame] = configured(panel, changed);
      return rowsOf(library, frame);
    },
    text: (panel, value) => {
      const field = { name: 'value', type: 'number', config: panel.fieldConfig.defaults, values: [value] };
      return library.formattedValueToString(library.getDisplayProcessor({ field, theme })(value));
    },
  };
}

const legendOf = (format: string, { metric }: Series) =>
  format.replaceAll(/\{\{(\w+)\}\}/g, (_, label: string) => metric[label] ?? '');

/** As the data source answers an instant query for series: a frame for each. */
function seriesFrames(
  { toDataFrame }: Library,
  { targets = [] }: PanelJson,
  answers: readonly (readonly Series[])[],
): Frame[] {
  return targets.flatMap(({ refId, legendFormat }, i) =>
    (answers[i] ?? []).map((series) =>
      toDataFrame({
        refId,
        fields: [
          { name: 'Time', type: 'time', values: [0], config: {} },
          {
            ...{ name: 'Value', type: 'number', values: [series.value], labels: series.metric },
            config: { displayNameFromDS: legendOf(legendFormat, series) },
          },
        ],
      }),
    ),
  );
}

/** As the data source answers a query for a table: a column for each label, and one for the value. */
function tableFrames(
  { toDataFrame }: Library,
  { targets = [] }: PanelJson,
  answers: readonly (readonly Series[])[],
): Frame[] {
  const answered = answers.filter((series) => series.length > 0).length;
  return targets.flatMap(({ refId }, i) => {
    const series = answers[i] ?? [];
    if (series.length === 0) return [];
    const labels = Object.keys(series[0]?.metric ?? {});
    const columns = labels.map((name) => ({
      name,
      type: 'string',
      values: series.map(({ metric }) => metric[name]),
      config: {},
    }));
    const value = {
      name: answered > 1 ? `Value #${refId}` : 'Value',
      type: 'number',
      values: series.map((each) => each.value),
      config: {},
    };
    const time = { name: 'Time', type: 'time', values: series.map(() => 0), config: {} };
    return [toDataFrame({ refId, fields: [time, ...columns, value] })];
  });
}

function rowsOf(library: Library, frame: Frame | undefined): Record<string, string>[] {
  if (frame === undefined) return [];
  const count = frame.fields[0]?.values.length ?? 0;
  return Array.from({ length: count }, (_, row) =>
    Object.fromEntries(
      frame.fields.map((field) => {
        const value = field.values[row];
        const text = field.display ? library.formattedValueToString(field.display(value)) : String(value);
        return [library.getFieldDisplayName(field, frame, [frame]), text];
      }),
    ),
  );
}
