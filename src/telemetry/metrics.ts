/** The registry. The only file that knows prom-client, so that its successor package is a change of one file. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { EnginePoint } from './engine-metrics.ts';
import { renderEngine } from './engine-metrics.ts';
import type {
  CounterName,
  GaugeName,
  HistogramName,
  LabelsOf,
  Metric,
  MetricName,
  TableMetric,
} from './metric-catalogue.ts';
import { METRICS, PREFIX } from './metric-catalogue.ts';
import { TableSeries } from './table-series.ts';

type MetricsOptions = {
  /** `metrics.max_tables`: tables with series of their own. */
  readonly maxTables: number;
  readonly version: string;
  readonly lancedbVersion: string;
  /** The topic of append events, whose counters start at 0; undefined without Kafka, where there are none. */
  readonly topic: string | undefined;
};

export type Metrics = {
  readonly contentType: string;
  /** Series per table and index. */
  readonly tables: TableSeries;
  inc<N extends CounterName>(name: N, labels: LabelsOf<N>, by?: number): void;
  /** As `inc`, for what happens a hundred thousand times a second: looks its labels up once, not every time. */
  tally<N extends CounterName>(name: N, labels: LabelsOf<N>): (by: number) => void;
  observe(name: HistogramName, value: number): void;
  set<N extends GaugeName>(name: N, labels: LabelsOf<N>, value: number): void;
  remove<N extends GaugeName>(name: N, labels: LabelsOf<N>): void;
  /** Reads a gauge on every scrape. A `read` that throws leaves the last value: one bad gauge must not fail the page. */
  onCollect(name: GaugeName, read: Read): void;
  /** Adds the LanceDB engine's metrics, read on every scrape. */
  engine(read: () => readonly EnginePoint[]): void;
  /** The page for Prometheus. */
  render(): Promise<string>;
};

/** Every combination of the known values, with `base` for the labels that are fixed. Empty when a label is open. */
function combinations(metric: Metric, base: Record<string, string>): Record<string, string>[] {
  return metric.labels.reduce<Record<string, string>[]>(
    (sets, label) => {
      const fixed = base[label];
      const values = metric.known?.[label] ?? (fixed === undefined ? [] : [fixed]);
      return sets.flatMap((set) => values.map((value) => ({ ...set, [label]: value })));
    },
    [{}],
  );
}

/** What `read` gives, or `fallback` when it throws: a scrape answers with what it has. */
function readingOr<T>(read: () => T, fallback: T): T {
  try {
    return read();
  } catch {
    return fallback;
  }
}

/** A value, or one for each value of the metric's one label: of known values those not named are 0, of others only those named are there. */
type Read = () => number | ReadonlyMap<string, number>;

type Instruments = {
  readonly counters: Map<string, Counter>;
  readonly gauges: Map<string, Gauge>;
  readonly histograms: Map<string, Histogram>;
  readonly collectors: Map<string, Read>;
};

function registerAll(registry: Registry, tables: TableSeries, topic: string | undefined): Instruments {
  const made: Instruments = { counters: new Map(), gauges: new Map(), histograms: new Map(), collectors: new Map() };
  for (const [name, metric] of Object.entries(METRICS) as [MetricName, Metric][]) {
    const labelNames = [...metric.labels];
    const base = { name: PREFIX + name, help: metric.help, labelNames, registers: [registry] };
    const { other } = metric;
    if (metric.type === 'histogram') {
      made.histograms.set(name, new Histogram({ ...base, buckets: [...(metric.buckets ?? [])] }));
    } else if (metric.type === 'counter') {
      const counter = new Counter(base);
      for (const labels of combinations(metric, topic === undefined ? {} : { topic })) counter.inc(labels, 0);
      made.counters.set(name, counter);
    } else if (other !== undefined) {
      made.gauges.set(
        name,
        tableGauge(base, () => tables.samples(name as TableMetric, other)),
      );
    } else {
      const gauge: Gauge = new Gauge({
        ...base,
        collect: () => {
          const read = made.collectors.get(name);
          const value = read && readingOr<ReturnType<Read> | undefined>(read, undefined);
          if (value !== undefined) setReading(gauge, metric, value);
        },
      });
      for (const labels of combinations(metric, {})) gauge.set(labels, 0);
      made.gauges.set(name, gauge);
    }
  }
  return made;
}

function setReading(gauge: Gauge, metric: Metric, value: ReturnType<Read>): void {
  if (typeof value === 'number') {
    gauge.set(value);
    return;
  }
  const [label = ''] = metric.labels;
  gauge.reset();
  const known = (metric.known?.[label] ?? []).map((each) => [each, 0] as const);
  for (const [each, count] of [...known, ...value]) gauge.set({ [label]: each }, count);
}

type GaugeBase = { name: string; help: string; labelNames: string[]; registers: Registry[] };

/** A gauge that is written anew on every scrape, so that what was forgotten is gone. */
function tableGauge(base: GaugeBase, samples: () => ReturnType<TableSeries['samples']>): Gauge {
  const gauge: Gauge = new Gauge({
    ...base,
    collect: () => {
      gauge.reset();
      const [, by] = base.labelNames;
      for (const { table, index, value } of samples()) gauge.set({ table, ...(by && { [by]: index }) }, value);
    },
  });
  return gauge;
}

/** The instrument of a name from the catalogue. All are registered at start, so a miss is a bug. */
function need<T>(map: ReadonlyMap<string, T>, name: string): T {
  const found = map.get(name);
  if (found === undefined) throw new TypeError(`${name} is not registered`);
  return found;
}

/** A registry of its own per call, so that tests and embedders never share one. */
export function createMetrics({ maxTables, version, lancedbVersion, topic }: MetricsOptions): Metrics {
  const registry = new Registry();
  const tables = new TableSeries(maxTables);
  const made = registerAll(registry, tables, topic);
  const tallies: (() => void)[] = [];
  let readEngine: () => readonly EnginePoint[] = () => [];
  collectDefaultMetrics({ register: registry });
  need(made.gauges, 'build_info').set({ version, lancedb_version: lancedbVersion, node_version: process.version }, 1);
  return {
    contentType: registry.contentType,
    tables,
    inc: (name, labels, by = 1) => need(made.counters, name).inc(labels, by),
    tally: (name, labels) => {
      const counter = need(made.counters, name);
      let count = 0;
      tallies.push(() => {
        counter.inc(labels, count);
        count = 0;
      });
      return (by) => {
        count += by;
      };
    },
    observe: (name, value) => need(made.histograms, name).observe(value),
    set: (name, labels, value) => need(made.gauges, name).set(labels, value),
    remove: (name, labels) => need(made.gauges, name).remove(labels),
    onCollect: (name, read) => {
      made.collectors.set(name, read);
    },
    engine: (read) => {
      readEngine = read;
    },
    render: async () => {
      for (const flush of tallies) flush();
      return (await registry.metrics()) + renderEngine(readingOr(readEngine, []));
    },
  };
}
