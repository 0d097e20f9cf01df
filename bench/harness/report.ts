/** Figures as text: for a terminal, and for the pages of docs/. */
import { formatTable } from '../../src/commands/terminal/output.ts';
import type { Measured } from './run-scenario.ts';
import type { FigureTable } from './scenario.ts';
import type { Summary } from './statistics.ts';

/** Three digits or the whole number, whichever is more. */
export function formatNumber(value: number): string {
  const size = Math.abs(value);
  if (size >= 100) return Math.round(value).toLocaleString('en-US');
  return value.toFixed(size >= 10 ? 1 : size >= 0.1 || size === 0 ? 2 : 4);
}

/** The quartiles, unless all values are the same. */
const spread = ({ q1, q3, min, max }: Summary) =>
  min === max ? undefined : `${formatNumber(q1)} to ${formatNumber(q3)}`;

function ratioText(ratio: Summary): string {
  const between = spread(ratio);
  return between === undefined ? formatNumber(ratio.median) : `${formatNumber(ratio.median)} (${between})`;
}

/** Lines of a table: of cases with these values, as text, and of these ways. Default: all. */
export type Selection = {
  readonly at?: Readonly<Record<string, string>>;
  readonly ways?: readonly string[];
  /** Without the quartiles of the figures themselves, and without what all selected cases have in common. */
  readonly brief?: boolean;
};

/**
 * A line for each way of each case: the median of each metric with the quartiles where there were several rounds, and the median ratio to
 * the baseline with those of the pairs. Columns that hold nothing are left out. Throws when nothing is selected.
 */
export function tableText(table: FigureTable, { at = {}, ways, brief = false }: Selection = {}): string {
  const selected = table.figures.filter(
    (it) =>
      (ways?.includes(it.way) ?? true) && Object.entries(at).every(([key, value]) => String(it.at[key]) === value),
  );
  if (selected.length === 0) throw new Error(`table ${table.name} has no line of ${JSON.stringify({ at, ways })}`);
  const keys = [...new Set(selected.flatMap((it) => Object.keys(it.at)))].filter((key) => !(brief && key in at));
  const columns: Column[] = [
    ...keys.map((key): Column => ({ head: key, cell: (it) => it.at[key] ?? NOTHING })),
    { head: 'way', cell: ({ way }) => way },
    ...Object.keys(table.units).flatMap((metric) => columnsOf(table, metric, brief)),
  ];
  const kept = columns.filter(({ cell, baselineCell }) =>
    selected.some((it) => ![NOTHING, baselineCell].includes(cell(it) as string)),
  );
  return formatTable(
    kept.map(({ head }) => head),
    selected.map((it) => kept.map(({ cell }) => cell(it))),
  );
}

const NOTHING = '-';

type Column = {
  readonly head: string;
  readonly cell: (figure: FigureTable['figures'][number]) => string | number;
  /** What the baseline has there, whatever was measured. */
  readonly baselineCell?: string;
};

function columnsOf({ baseline, units, facts = [] }: FigureTable, metric: string, brief: boolean): Column[] {
  const label = metric.replaceAll('_', ' ');
  const unit = units[metric] ?? '';
  const head = label.endsWith(unit) ? label : `${label}, ${unit}`;
  if (facts.includes(metric)) return [{ head, cell: ({ metrics }) => factCell(metrics[metric]) }];
  const median: Column = { head, cell: ({ metrics: { [metric]: it } }) => (it ? formatNumber(it.median) : NOTHING) };
  const quartiles: Column = {
    head: 'quartiles',
    cell: ({ metrics: { [metric]: it } }) => (it && spread(it)) ?? NOTHING,
  };
  const ratio: Column = {
    head: `to ${baseline}`,
    baselineCell: '1',
    cell: ({ way, metrics, ratios: { [metric]: it } }) =>
      it ? ratioText(it) : way === baseline && metric in metrics ? '1' : NOTHING,
  };
  return brief ? [median, ratio] : [median, quartiles, ratio];
}

const factCell = (summary: Summary | undefined) => {
  if (!summary) return NOTHING;
  return Number.isInteger(summary.median) ? summary.median : formatNumber(summary.median);
};

/** A whole run, for a terminal: what it was measured on and with, and each table. */
export function measuredText({
  scenario,
  what,
  machine,
  versions,
  left_out: leftOut,
  tables,
  seconds,
  quick,
}: Measured): string {
  return [
    `\n${scenario}${quick ? ' (quick)' : ''}: ${what}`,
    machineText(machine),
    Object.entries(versions)
      .map((it) => it.join(' '))
      .join(', '),
    ...leftOut,
    ...tables.flatMap((table) => [`\n${table.title}`, tableText(table)]),
    `\n${seconds} s`,
  ].join('\n');
}

export const machineText = ({
  processor,
  cores,
  memory_gib: memory,
  kernel,
  file_system: files,
  busy_percent: busy,
}: Measured['machine']) =>
  `${processor}, ${cores} cores, ${memory} GiB, ${kernel}, ${files}, ${busy} % busy before the run`;
