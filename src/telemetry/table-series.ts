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

export class TableSeries {
  readonly #maxTables: number;
  readonly #own = new Set<string>();
  /** metric -> table -> index (empty for metrics without one) -> reading */
  readonly #readings = new Map<TableMetric, Map<string, Map<string, Reading>>>();

  constructor(maxTables: number) {
    this.#maxTables = maxTables;
  }

  /** Sets a metric of a table; `index` is left out for metrics that have no such label. */
  set(metric: TableMetric, table: string, reading: Reading, index = ''): void {
    if (this.#own.size < this.#maxTables) this.#own.add(table);
    const tables = this.#readings.get(metric) ?? new Map<string, Map<string, Reading>>();
    const indexes = tables.get(table) ?? new Map<string, Reading>();
    this.#readings.set(metric, tables.set(table, indexes.set(index, reading)));
  }

  /** What stands for a metric of a table that has no second label; 0 when nothing does. */
  valueOf(metric: TableMetric, table: string): number {
    const reading = this.#readings.get(metric)?.get(table)?.get('') ?? 0;
    return typeof reading === 'number' ? reading : reading();
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
    for (const [table, indexes] of this.#readings.get(metric) ?? []) {
      for (const [index, reading] of indexes) {
        const value = typeof reading === 'number' ? reading : reading();
        if (this.#own.has(table)) own.push({ table, index, value });
        else if (other !== 'none') rest = rest === undefined ? value : COMBINE[other](rest, value);
      }
    }
    return rest === undefined ? own : [...own, { table: OTHER, index: OTHER, value: rest }];
  }
}
