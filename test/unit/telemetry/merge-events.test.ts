import { beforeEach, expect, test } from 'vitest';
import { SegmentdError } from '../../../src/lib/errors.ts';
import type { Telemetry } from '../../../src/telemetry/events.ts';
import { createTelemetry } from '../../../src/telemetry/events.ts';
import { createLogger } from '../../../src/telemetry/logger.ts';
import type { Metrics } from '../../../src/telemetry/metrics.ts';
import { createMetrics } from '../../../src/telemetry/metrics.ts';

const failure = new SegmentdError('build_failed', 'no disk');
const merge = { table: 'lake/t', segmentsIn: 8, segmentsOut: 1, rows: 90, bytesIn: 99, bytesOut: 80, seconds: 2 };

let metrics: Metrics;
let telemetry: Telemetry;
beforeEach(() => {
  metrics = createMetrics({ maxTables: 2, version: '1.2.3', lancedbVersion: '0.39.0', topic: 'appends' });
  telemetry = createTelemetry({ logger: createLogger({ level: 'silent', format: 'json' }), metrics });
});

test('failures of merges in a row are counted until one lands, or none is due', async () => {
  const failures = async () => /segmentd_merge_failures\{table="lake\/t"\} (\d+)/.exec(await metrics.render())?.[1];
  const fail = () => telemetry.mergeFailed({ table: 'lake/t', error: failure });
  const plan = (pending: number) => telemetry.mergesPlanned({ table: 'lake/t', tiers: new Map(), pending });
  expect(await failures()).toBeUndefined();
  for (const step of [() => plan(1), fail, fail, () => plan(1)]) step();
  expect(await failures()).toBe('2');
  plan(0);
  expect(await failures()).toBe('0');
  fail();
  telemetry.mergeFinished({ ...merge, outcome: 'rejected' });
  expect(await failures()).toBe('1');
  telemetry.mergeFinished({ ...merge, outcome: 'landed' });
  expect(await failures()).toBe('0');
});
