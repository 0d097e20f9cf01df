/**
 * The LanceDB engine's own metrics. The library reports them to an OpenTelemetry meter; this is the least of a meter, which
 * keeps the callbacks and calls them on each read.
 */
import type { instrumentLanceDbMetrics } from '@lancedb/lancedb';
import { lancedb } from './lancedb.ts';

export type EngineReading = {
  readonly name: string;
  readonly kind: 'counter' | 'gauge';
  readonly help: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
};

type Observe = (result: { observe(value: number, attributes?: Record<string, unknown>): void }) => void;
type Instrument = { name: string; kind: EngineReading['kind']; help: string; observe: Observe | null };

/** Loads the engine and starts recording, once per process; the function it gives reads the values. Null when the engine refuses. */
export async function recordEngineMetrics(): Promise<(() => EngineReading[]) | null> {
  const instruments: Instrument[] = [];
  const create = (kind: EngineReading['kind']) => (name: string, options?: { description?: string }) => {
    const instrument: Instrument = { name, kind, help: options?.description ?? name, observe: null };
    instruments.push(instrument);
    return {
      addCallback: (observe: Observe) => {
        instrument.observe = observe;
      },
    };
  };
  const meter = { createObservableCounter: create('counter'), createObservableGauge: create('gauge') };
  type Provider = NonNullable<Parameters<typeof instrumentLanceDbMetrics>[0]>;
  const installed = (await lancedb()).instrumentLanceDbMetrics({ getMeter: () => meter } as unknown as Provider);
  return installed ? () => withElsewhere(instruments.flatMap(readInstrument)) : null;
}

/** What engines of processes that this one has started have counted, by name and labels. */
const elsewhere = new Map<string, EngineReading>();

const keyOf = ({ name, labels }: EngineReading) => `${name} ${JSON.stringify(labels)}`;

/** Adds what the engine of another process has counted since it last told. */
export function addReadings(readings: readonly EngineReading[]): void {
  for (const reading of readings) {
    const value = reading.value + (elsewhere.get(keyOf(reading))?.value ?? 0);
    elsewhere.set(keyOf(reading), { ...reading, value });
  }
}

function withElsewhere(own: readonly EngineReading[]): EngineReading[] {
  if (elsewhere.size === 0) return [...own];
  const known = new Set(own.map(keyOf));
  const added = own.map((it) => ({ ...it, value: it.value + (elsewhere.get(keyOf(it))?.value ?? 0) }));
  return [...added, ...[...elsewhere].filter(([key]) => !known.has(key)).map(([, it]) => it)];
}

/** What was counted since the function that this gives was last called. What is no counter is of the process alone that has it. */
export function sinceLastTime(read: () => readonly EngineReading[]): () => EngineReading[] {
  const before = new Map<string, number>();
  return () => {
    const counters = read().filter(({ kind }) => kind === 'counter');
    const grown = counters.map((it) => ({ ...it, value: it.value - (before.get(keyOf(it)) ?? 0) }));
    for (const it of counters) before.set(keyOf(it), it.value);
    return grown.filter(({ value }) => value > 0);
  };
}

function readInstrument({ name, kind, help, observe }: Instrument): EngineReading[] {
  const readings: EngineReading[] = [];
  observe?.({
    observe: (value, attributes = {}) => {
      // The engine gives them in another order each time.
      const names = Object.keys(attributes).sort((a, b) => (a < b ? -1 : 1));
      const labels = Object.fromEntries(names.map((label) => [label, String(attributes[label])]));
      readings.push({ name: name.replaceAll(/[^A-Za-z0-9_]/g, '_'), kind, help, labels, value });
    },
  });
  return readings;
}
