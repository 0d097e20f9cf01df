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

const spread = ({ q1, q3 }: Summary) => `${formatNumber(q1)} to ${formatNumber(q3)}`;

/**
 * A line for each way of each case: the median of each metric with the quartiles where there were several rounds, and the median ratio to
 * the baseline with those of the pairs.
 */
export function tableText({ baseline, units, figures }: FigureTable): string {
  const keys = [...new Set(figures.flatMap(({ at }) => Object.keys(at)))];
  const metrics = Object.keys(units).filter((metric) => figures.some((it) => metric in it.metrics));
  const compared = metrics.filter((metric) => figures.some((it) => metric in it.ratios));
  const header = [
    ...keys,
    'way',
    ...metrics.flatMap((metric) => [
      metric === units[metric] ? metric : `${metric.replaceAll('_', ' ')}, ${units[metric]}`,
      'quartiles',
      ...(compared.includes(metric) ? [`to ${baseline}`] : []),
    ]),
  ];
  const lines = figures.map(({ at, way, metrics: measured, ratios }) => [
    ...keys.map((key) => at[key] ?? '-'),
    way,
    ...metrics.flatMap((metric) => {
      const summary = measured[metric];
      const ratio = ratios[metric];
      const cells = summary ? [formatNumber(summary.median), summary.n > 1 ? spread(summary) : '-'] : ['-', '-'];
      if (!compared.includes(metric)) return cells;
      return [...cells, ratio ? ratioText(ratio) : way === baseline ? '1' : '-'];
    }),
  ]);
  return withoutEmpty(header, lines);
}

const ratioText = (ratio: Summary) =>
  ratio.n > 1 ? `${formatNumber(ratio.median)} (${spread(ratio)})` : formatNumber(ratio.median);

/** Without columns that hold nothing. */
function withoutEmpty(header: readonly string[], lines: readonly (readonly (string | number)[])[]): string {
  const kept = header.map((_, column) => lines.some((line) => line[column] !== '-'));
  const only = <T>(cells: readonly T[]) => cells.filter((_, column) => kept[column]);
  return formatTable(only(header), lines.map(only));
}

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
  load,
}: Measured['machine']) =>
  `${processor}, ${cores} cores, ${memory} GiB, ${kernel}, ${files}, load before the run ${load}`;
