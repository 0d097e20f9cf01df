import { beforeEach, expect, test } from 'vitest';
import { SegmentdError } from '../../../src/lib/errors.ts';
import type { Telemetry } from '../../../src/telemetry/events.ts';
import { createTelemetry } from '../../../src/telemetry/events.ts';
import { createLogger } from '../../../src/telemetry/logger.ts';
import type { Metrics } from '../../../src/telemetry/metrics.ts';
import { createMetrics } from '../../../src/telemetry/metrics.ts';

const failure = new SegmentdError('build_failed', 'no disk');
const declined = { code: 'table_stable_row_ids', message: 'no', accepted: false } as const;

let lines: { level: string }[] = [];
let metrics: Metrics;
let telemetry: Telemetry;
beforeEach(() => {
  lines = [];
  metrics = createMetrics({ maxTables: 2, version: '1.2.3', lancedbVersion: '0.39.0', topic: 'appends' });
  const logger = createLogger({ level: 'trace', format: 'json', write: (line) => lines.push(JSON.parse(line)) });
  telemetry = createTelemetry({ logger, metrics });
});

/** Series of what a table is, `name{labels} value`. */
const named = async () => (await metrics.render()).match(/^segmentd_(declined|retrying)\{.*$/gm) ?? [];

test('a table that is declined is named with the reason of the day, unless that is accepted', async () => {
  telemetry.workFailed({ table: 'lake/t', error: failure, nextTryMs: 1 });
  expect(await named()).toEqual(['segmentd_retrying{table="lake/t",reason="build_failed"} 1']);
  telemetry.tableDeclined({ table: 'lake/t', ...declined });
  expect(await named()).toEqual(['segmentd_declined{table="lake/t",reason="table_stable_row_ids"} 1']);
  telemetry.tableDeclined({ table: 'lake/t', ...declined, code: 'table_unreadable', accepted: true });
  expect(await named()).toEqual([]);
  expect(lines.map(({ level }) => level)).toEqual(['error', 'warn', 'info']);
});

test('tables beyond the bound are counted together', async () => {
  for (const table of ['lake/a', 'lake/b', 'lake/c', 'lake/d']) telemetry.tableDeclined({ table, ...declined });
  expect((await named()).at(-1)).toBe('segmentd_declined{table="other",reason="other"} 2');
  expect(await named()).toHaveLength(3);
});

test('of a table whose indexes are not known now there is no series that was known before', async () => {
  const report = { name: 'id_idx', kind: 'btree' as const, segmentList: [], coverage: 1, segments: 1, lagSeconds: 0 };
  const indexes = [{ ...report, missingRows: 0, missingFragments: 0, heldRows: 0 }];
  const left = [{ index: 'z', code: 'index_kind_unsupported' as const, message: 'no' }];
  for (const table of ['lake/t', 'lake/u']) {
    telemetry.planned({ table, version: 3, outcome: 'covered', indexes });
    telemetry.indexesLeftAlone({ table, left });
  }
  telemetry.indexesUnknown({ table: 'lake/t' });
  const series = (await metrics.render()).match(/^segmentd_\w+\{table="lake\/[tu]"/gm) ?? [];
  const of = (table: string) => series.filter((it) => it.includes(`"lake/${table}"`)).map((it) => it.split('{')[0]);
  expect(of('t')).toEqual(['segmentd_last_success_timestamp_seconds']);
  expect(of('u')).toContain('segmentd_coverage_ratio');
  expect(of('u')).toContain('segmentd_covered_version');
});
