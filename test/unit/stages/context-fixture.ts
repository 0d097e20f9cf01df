/** What stages work with, made for tests: telemetry that remembers its events, records that remember their acks. */

import { createBackfills } from '../../../src/control/backfill-jobs.ts';
import { createPauses } from '../../../src/control/pauses.ts';
import { TableStates } from '../../../src/control/table-states.ts';
import { DEFAULT_POLICY } from '../../../src/lance/plan/row-ids.ts';
import type { LanceTable } from '../../../src/lance/table/table.ts';
import { asyncLimit } from '../../../src/lib/async-limit.ts';
import { SegmentdError } from '../../../src/lib/errors.ts';
import type { AppendEvent, ConsumerRecord, PendingEvent, TableRef } from '../../../src/model.ts';
import type { PipelineContext } from '../../../src/stages/context.ts';
import { createRetryWaits } from '../../../src/stages/retry-waits.ts';
import type { Batch } from '../../../src/stages/work.ts';
import { createTelemetry } from '../../../src/telemetry/events.ts';
import { createLogger } from '../../../src/telemetry/logger.ts';
import { createMetrics } from '../../../src/telemetry/metrics.ts';

export type Line = Record<string, unknown> & { readonly event: string };

export type TestContext = PipelineContext & {
  /** Log lines so far. */
  readonly lines: Line[];
  /** Records that went to the dead-letter topic, by offset, with the code. */
  readonly deadLetters: [bigint, string][];
};

export const tableRef = (name: string): TableRef => ({
  id: `lake/${name}`,
  database: 'lake',
  name,
  uri: `/lake/${name}.lance`,
});

/** A context whose parts do nothing; a test gives those that it needs. */
export function testContext(more: Partial<PipelineContext> & { table?: Partial<LanceTable> } = {}): TestContext {
  const lines: Line[] = [];
  const deadLetters: [bigint, string][] = [];
  const pauses = createPauses();
  const logger = createLogger({ level: 'trace', format: 'json', write: (line) => lines.push(JSON.parse(line)) });
  const metrics = createMetrics({ maxTables: 10, version: '1', lancedbVersion: '1', topic: 'appends' });
  const unused = () => {
    throw new Error('a part of the context that this test does not expect to be used');
  };
  return {
    lines,
    deadLetters,
    tables: { open: () => (more.table as LanceTable | undefined) ?? unused(), policy: () => DEFAULT_POLICY },
    locate: async (table) => table,
    builder: { build: unused },
    telemetry: createTelemetry({ logger, metrics }),
    decodeRecord: unused,
    deadLetter: async ({ position }, { code }) => {
      deadLetters.push([position.offset, code]);
    },
    pauses,
    retryWaits: createRetryWaits(),
    states: new TableStates(pauses),
    onReleased: () => undefined,
    backfills: createBackfills(),
    publish: unused,
    notify: () => undefined,
    slots: asyncLimit(2),
    signal: new AbortController().signal,
    settings: {
      lingerMs: 0,
      batchIntervalMs: () => 0,
      limits: { maxRows: 1e6, maxFragments: 100 },
      versionWaitMs: 60_000,
      commit: { maxAttempts: 3, initialBackoffMs: 1 },
      backfill: { thresholdRows: 1e9, rowsPerSegment: 1e6 },
      retry: { initialMs: 1, maxMs: 4 },
      writer: { library: 'segmentd', version: '1.2.3' },
      member: 'me@here:1',
    },
    ...more,
  };
}

export type TestRecord = ConsumerRecord & { readonly acks: () => number };

export function consumerRecord(offset: number, more: Partial<ConsumerRecord> = {}): TestRecord {
  let acks = 0;
  return {
    position: { topic: 'appends', partition: 0, offset: BigInt(offset) },
    key: null,
    value: null,
    headers: new Map(),
    timestampMs: Date.now(),
    signal: new AbortController().signal,
    ack: () => {
      acks += 1;
    },
    acks: () => acks,
    ...more,
  };
}

export type TestEvent = PendingEvent & { readonly record: TestRecord };

export function pendingEvent(
  offset: number,
  table = 't',
  event: Partial<AppendEvent> = {},
  more: Partial<ConsumerRecord> = {},
): TestEvent {
  return {
    event: { table: tableRef(table), ...event },
    record: consumerRecord(offset, more),
    receivedAtMs: Date.now(),
  };
}

export const batchOf = (events: readonly PendingEvent[], more: Partial<Batch> = {}): Batch => ({
  table: events[0]?.event.table ?? tableRef('t'),
  events,
  deferred: [],
  replanCount: 0,
  committed: false,
  ...more,
});

export const passing = (message = 'later') => new SegmentdError('store_unavailable', message);
