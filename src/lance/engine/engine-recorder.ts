/**
 * The LanceDB engine's own metrics. The library reports them to an OpenTelemetry meter; this is the least of a meter, which
 * keeps the callbacks and calls them on each read.
 */
import type { instrumentLanceDbMetrics } from '@lancedb/lancedb';
import { lancedb } from './lancedb.ts';

type EngineReading = {
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
  return installed ? () => instruments.flatMap(readInstrument) : null;
}

function readInstrument({ name, kind, help, observe }: Instrument): EngineReading[] {
  const readings: EngineReading[] = [];
  observe?.({
    observe: (value, attributes = {}) => {
      const labels = Object.fromEntries(Object.entries(attributes).map(([key, text]) => [key, String(text)]));
      readings.push({ name: name.replaceAll(/[^A-Za-z0-9_]/g, '_'), kind, help, labels, value });
    },
  });
  return readings;
}
