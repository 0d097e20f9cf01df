/** Values per table, and per index or reason of it, held here so that the number of series stays bounded and a table can be forgotten whole. */
import type { Metric, TableMetric } from './metric-catalogue.ts';

/** Tables beyond the bound. No table is named like it: their ids hold a slash. */
const OTHER = 'other';

/** A number, or a function that reads it on each scrape. */
type Reading = number | (() => number);
/** `index`: the value of the second label, whatever its name; empty for metrics without one. */
type Sample = { readonly table: string; readonly index: string; readonly value: number };

/** What each maintained index of a table has, by name: given all at once, and held in one place for a table. */
export const INDEX_METRICS = [
  'index_lag_seconds',
  'coverage_ratio',
  'missing_rows',
  'held_rows',
  'missing_fragments',
  'segments',
] as const;

type IndexMetric = (typeof INDEX_METRICS)[number];
type OtherMetric = Exclude<TableMetric, IndexMetric>;

/** An index of a table by its name. */
export type IndexReadings = { readonly name: string } & Readonly<Record<IndexMetric, Reading>>;

const isOfIndexes = (metric: TableMetric): metric is IndexMetric =>
  (INDEX_METRICS as readonly TableMetric[]).includes(metric);

const COMBINE = {
  sum: (a: number, b: number) => a + b,
  max: Math.max,
  min: Math.min,
} as const;

/** What a metric has of one table: the reading itself where there is no second label, else label and reading in turn. */
type Readings = Reading | (string | Reading)[];

/** With ten thousand tables a Map for each metric of an index, and in it a list for each table, would be a tenth of the daemon's memory. */
export class TableSeries {
  readonly #maxTables: number;
  readonly #own = new Set<string>();
  readonly #readings = new Map<OtherMetric, Map<string, Readings>>();
  /** Of each index its name, then what it has, in the order of INDEX_METRICS. */
  readonly #indexes = new Map<string, readonly (string | Reading)[]>();

  constructor(maxTables: number) {
    this.#maxTables = maxTables;
  }

  /** Sets what the indexes of a table have; those that it had before and are not among them are gone. */
  setIndexes(table: string, indexes: readonly IndexReadings[]): void {
    if (indexes.length === 0) {
      this.#indexes.delete(table);
      return;
    }
    this.#claim(table);
    this.#indexes.set(
      table,
      indexes.flatMap((index) => [index.name, ...INDEX_METRICS.map((metric) => index[metric])]),
    );
  }

  /** Sets another metric of a table; `index` is left out for metrics that have no such label. */
  set(metric: OtherMetric, table: string, reading: Reading, index = ''): void {
    this.#claim(table);
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
  valueOf(metric: OtherMetric, table: string): number {
    const reading = this.#readings.get(metric)?.get(table) ?? 0;
    return Array.isArray(reading) ? 0 : numberOf(reading);
  }

  /** Drops one of these metrics of a table, with all its labels. */
  clear(metric: OtherMetric, table: string): void {
    this.#readings.get(metric)?.delete(table);
  }

  /** Drops all series of a table, so that another table may have series of its own. */
  forget(table: string): void {
    for (const tables of this.#readings.values()) tables.delete(table);
    this.#indexes.delete(table);
    this.#own.delete(table);
  }

  /** What to export for a metric now: own series first come first served, the rest combined under `other`. */
  samples(metric: TableMetric, other: NonNullable<Metric['other']>): Sample[] {
    const own: Sample[] = [];
    let rest: number | undefined;
    const add: Visit = (table, index, reading) => {
      const isOwn = this.#own.has(table);
      if (!isOwn && other === 'none') return;
      const value = numberOf(reading);
      if (isOwn) own.push({ table, index, value });
      else if (other !== 'none') rest = rest === undefined ? value : COMBINE[other](rest, value);
    };
    if (isOfIndexes(metric)) this.#eachIndex(metric, add);
    else this.#eachLabel(metric, add);
    return rest === undefined ? own : [...own, { table: OTHER, index: OTHER, value: rest }];
  }

  /** The first tables have series of their own. */
  #claim(table: string): void {
    if (this.#own.size < this.#maxTables) this.#own.add(table);
  }

  #eachIndex(metric: IndexMetric, visit: Visit): void {
    const place = 1 + INDEX_METRICS.indexOf(metric);
    for (const [table, readings] of this.#indexes) {
      for (let at = 0; at < readings.length; at += 1 + INDEX_METRICS.length)
        visit(table, readings[at] as string, readings[at + place] as Reading);
    }
  }

  #eachLabel(metric: OtherMetric, visit: Visit): void {
    for (const [table, readings] of this.#readings.get(metric) ?? []) {
      if (!Array.isArray(readings)) visit(table, '', readings);
      else
        for (let at = 0; at < readings.length; at += 2)
          visit(table, readings[at] as string, readings[at + 1] as Reading);
    }
  }
}

type Visit = (table: string, index: string, reading: Reading) => void;

const numberOf = (reading: Reading): number => (typeof reading === 'number' ? reading : reading());

/** Where a label stands, or would be added. Every second entry is one. */
function labelAt(readings: readonly (string | Reading)[], label: string): number {
  for (let at = 0; at < readings.length; at += 2) if (readings[at] === label) return at;
  return readings.length;
}
