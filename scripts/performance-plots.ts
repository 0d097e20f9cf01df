/** The plots of docs/performance.md, out of what bench/results holds. */
import type { Measured } from '../bench/harness/run-scenario.ts';
import type { Case, FigureTable } from '../bench/harness/scenario.ts';
import type { Bar, LinePlot, Point, Series } from './plot.ts';
import { barPlot, linePlot } from './plot.ts';

type Figures = FigureTable['figures'];
export type Results = ReadonlyMap<string, Measured>;

const figuresIn = (results: Results, scenario: string, table: string): Figures =>
  results.get(scenario)?.tables.find(({ name }) => name === table)?.figures ?? [];

const matches = (at: Case, only: Case) => Object.entries(only).every(([key, value]) => at[key] === value);

/** A line for each way, over the numbers that a case gives under `x`. Whiskers are quartiles. */
function linesOver(figures: Figures, x: string, metric: string, ours: string): Series[] {
  // Ours has the same colour in all plots: the first.
  const ways = [...new Set([ours, ...figures.map(({ way }) => way)])];
  return ways.map((way) => {
    const points = figures
      .filter((it) => it.way === way && metric in it.metrics)
      .map(({ at, metrics }): Point => pointOf(Number(at[x]), metrics[metric]))
      .sort((a, b) => a.x - b.x);
    return { name: way, points, isOurs: way === ours };
  });
}

function pointOf(x: number, summary: Figures[number]['metrics'][string] | undefined): Point {
  if (!summary) throw new Error('a metric is missing');
  const { median, q1, q3, n } = summary;
  return { x, y: median, ...(n > 1 && { low: q1, high: q3 }) };
}

/** As long as there is one point. */
const plotted = (plot: LinePlot): string | undefined =>
  plot.series.some(({ points }) => points.length > 0) ? linePlot(plot) : undefined;

const FRESHNESS = { indexed: 'id+name', appended: 100_000 };
/** Tells where the time goes, and is no way that anybody has. */
const UNSYNCED = 'segmentd, not synced';

function freshness(results: Results): string | undefined {
  const all = figuresIn(results, 'freshness', 'freshness');
  const figures = all.filter(({ at, way }) => matches(at, FRESHNESS) && way !== UNSYNCED);
  return plotted({
    title: 'From an append of 100,000 rows to two BTREE indexes that cover it',
    x: { label: 'rows of the table', log: true },
    y: { label: 'ms', log: true },
    series: linesOver(figures, 'rows', 'ms', 'segmentd'),
  });
}

function lookups(results: Results): string | undefined {
  const figures = figuresIn(results, 'lookups', 'appends').filter(({ at }) => matches(at, { keys: 'scattered' }));
  return plotted({
    title: 'Lookup of one scattered key after so many appends',
    x: { label: 'appends of 1,000 rows', log: true },
    y: { label: 'ms', log: true },
    series: linesOver(figures, 'batches', 'point', 'merged'),
  });
}

function latency(results: Results): string | undefined {
  const figures = figuresIn(results, 'pipeline', 'latency');
  const series = ['p50', 'p99'].flatMap((metric) =>
    linesOver(figures, 'appends/s', metric, 'segmentd').map((it, way) => ({
      ...it,
      colour: way,
      name: `${it.name}, ${metric}`,
      isDashed: metric === 'p99',
    })),
  );
  return plotted({
    title: 'From an event to covered, over a real broker',
    x: { label: 'appends a second', log: true },
    y: { label: 'ms', log: true },
    series,
  });
}

function tablesPerSecond(results: Results): string | undefined {
  const figures = figuresIn(results, 'tables', 'at_once');
  const most = Math.max(0, ...figures.map(({ at }) => Number(at.tables)));
  const bars = figures
    .filter(({ at }) => at.tables === most)
    .map(({ way, metrics }): Bar => {
      const { y, low, high } = pointOf(0, metrics.rate);
      return { name: way, value: y, ...(low !== undefined && high !== undefined && { low, high }) };
    });
  if (bars.length === 0) return undefined;
  return barPlot(`${most.toLocaleString('en-US')} tables with an append each, announced at once`, 'tables/s', bars);
}

/** Each by its path from the root; those without figures are left out. */
export function performancePlots(results: Results): Readonly<Record<string, string>> {
  const plots = {
    freshness: freshness(results),
    lookups: lookups(results),
    latency: latency(results),
    tables: tablesPerSecond(results),
  };
  return Object.fromEntries(
    Object.entries(plots).flatMap(([name, svg]) => (svg === undefined ? [] : [[`docs/images/bench-${name}.svg`, svg]])),
  );
}
