/** Values per table, and per index or reason of it, held here so that the number of series stays bounded and a table can be forgotten whole. */
import type { Metric, TableMetric } from './metric-catalogue.ts';

/** Tables beyond the bound. No table is named like it: their ids hold a slash. */
const OTHER = 'other';

/** A number, or a function that reads it on each scrape. */
type Reading = number | (() => number);
/** `index`: the value of the second label, whatever its name; empty for metrics without one. */
type Sample = { readonly table: string; readonly index: string; readonly value: number };

const COMBINE = {
  sum: (a: number, b: number) => a + b,
  max: Math.max,
  min: Math.min,
} as const;

/**
 * What a metric has of one table: the reading itself where there is no second label, else label and reading in turn. With ten thousand tables
 * of twenty metrics a Map for each would be most of the heap.
 */
type Readings = Reading | (string | Reading)[];

export class TableSeries {
  readonly #maxTables: number;
  readonly #own = new Set<string>();
  readonly #readings = new Map<TableMetric, Map<string, Readings>>();

  constructor(maxTables: number) {
    this.#maxTables = maxTables;
  }

  /** Sets a metric of a table; `index` is left out for metrics that have no such label. */
  set(metric: TableMetric, table: string, reading: Reading, index = ''): void {
    if (this.#own.size < this.#maxTables) this.#own.add(table);
    const tables = this.#readings.get(metric) ?? new Map<string, Readings>();
    this.#readings.set(metric, tables);
    if (index === '') {
      tables.set(table, reading);
      return;
    }
    const known = tables.get(table);
    if (!Array.isArray(known)) {
      tables.set(table, [index, reading]);
      return;
    }
    const at = labelAt(known, index);
    // An array that grows by assignment takes room for sixteen more.
    if (at === known.length) tables.set(table, [...known, index, reading]);
    else known[at + 1] = reading;
  }

  /** What stands for a metric of a table that has no second label; 0 when nothing does. */
  valueOf(metric: TableMetric, table: string): number {
    const reading = this.#readings.get(metric)?.get(table) ?? 0;
    return Array.isArray(reading) ? 0 : numberOf(reading);
  }

  /** Drops one metric of a table, with all its indexes. */
  clear(metric: TableMetric, table: string): void {
    this.#readings.get(metric)?.delete(table);
  }

  /** Drops all series of a table, so that another table may have series of its own. */
  forget(table: string): void {
    for (const tables of this.#readings.values()) tables.delete(table);
    this.#own.delete(table);
  }

  /** What to export for a metric now: own series first come first served, the rest combined under `other`. */
  samples(metric: TableMetric, other: NonNullable<Metric['other']>): Sample[] {
    const own: Sample[] = [];
    let rest: number | undefined;
    const add = (table: string, index: string, reading: Reading) => {
      const isOwn = this.#own.has(table);
      if (!isOwn && other === 'none') return;
      const value = numberOf(reading);
      if (isOwn) own.push({ table, index, value });
      else if (other !== 'none') rest = rest === undefined ? value : COMBINE[other](rest, value);
    };
    for (const [table, readings] of this.#readings.get(metric) ?? []) {
      if (!Array.isArray(readings)) add(table, '', readings);
      else
        for (let at = 0; at < readings.length; at += 2) add(table, readings[at] as string, readings[at + 1] as Reading);
    }
    return rest === undefined ? own : [...own, { table: OTHER, index: OTHER, value: rest }];
  }
}

const numberOf = (reading: Reading): number => (typeof reading === 'number' ? reading : reading());

/** Where a label stands, or would be added. Every second entry is one. */
function labelAt(readings: readonly (string | Reading)[], label: string): number {
  for (let at = 0; at < readings.length; at += 2) if (readings[at] === label) return at;
  return readings.length;
}
