import { SegmentdError } from '../../../src/lib/errors.ts';
import type { EnginePoint } from '../../../src/telemetry/engine-metrics.ts';
import type { Telemetry } from '../../../src/telemetry/events.ts';
import { createTelemetry } from '../../../src/telemetry/events.ts';
import { createLogger } from '../../../src/telemetry/logger.ts';
import type { Metrics } from '../../../src/telemetry/metrics.ts';
import { createMetrics } from '../../../src/telemetry/metrics.ts';

/** A table that catches up each time, one that never does, and one that is paused. */
export const TABLE = 'lake/events';
export const BEHIND = 'lake/behind';
export const HELD = 'lake/held';
const REF = { id: TABLE, database: 'lake', name: 'events', uri: '/lake/events.lance' };
const index = {
  name: 'id_idx',
  kind: 'btree' as const,
  segmentList: [],
  missingRows: 10,
  missingFragments: 1,
  heldRows: 0,
  coverage: 0.99,
  segments: 3,
  lagSeconds: 2,
};

/** One round of the telemetry of a busy daemon: every event of the catalogue. */
export function round(telemetry: Telemetry, n: number): void {
  const position = { topic: 'appends', partition: 0, offset: BigInt(n) };
  telemetry.eventReceived({ position, event: { table: REF, version: n }, records: 1 });
  telemetry.eventSettled({ position, table: TABLE, outcome: 'accepted', records: 1 });
  telemetry.recordIgnored({ position, records: 1 });
  telemetry.eventSettled({ position, table: TABLE, outcome: 'duplicate', records: 1 });
  telemetry.eventDeadLettered({ position, code: 'event_not_json', message: 'no JSON' });
  telemetry.lagMeasured([{ topic: 'appends', partition: 0, records: n }]);
  telemetry.groupSeen({ group: 'segmentd', topic: 'appends', seen: { members: 2, unowned: 0 } });
  telemetry.rebalanced({ assigned: { appends: [0] } });
  telemetry.planned({ table: TABLE, version: n, outcome: 'missing', indexes: [index] });
  telemetry.buildStarted({ table: TABLE, index: 'id_idx', fragments: 1, rows: 10 });
  telemetry.buildFinished({ table: TABLE, index: 'id_idx', outcome: 'ok', seconds: 0.03, rows: 10, bytes: 4000 });
  telemetry.buildStarted({ table: BEHIND, index: 'id_idx', fragments: 1, rows: 10 });
  telemetry.buildFinished({ table: BEHIND, index: 'id_idx', outcome: 'failed', seconds: 1, rows: 0, bytes: 0 });
  telemetry.fragmentsDropped({ table: TABLE, fragments: 1 });
  telemetry.replanned({ table: TABLE, cause: 'contended' });
  const retries = { manifest_race: 1 };
  telemetry.storeRequested({ store: 's3', operation: 'get', outcome: 'ok' });
  telemetry.commitFinished({ table: TABLE, outcome: 'landed', seconds: 0.01, attempts: 2, version: n, retries });
  telemetry.workFailed({ table: TABLE, error: new SegmentdError('build_failed', 'once'), nextTryMs: 500 });
  const covered = { ...index, missingRows: 0, missingFragments: 0, coverage: 1, lagSeconds: 0 };
  telemetry.batchCovered({
    table: TABLE,
    version: n,
    coveredVersion: n,
    indexes: [covered],
    committed: true,
    eventToCoveredSeconds: [0.04, 45],
  });
  telemetry.selfChecked({ table: TABLE, version: n, outcome: 'right', answers: 8 });
  telemetry.answerWrong({ table: HELD, version: n, index: 'id_idx', wrong: 1, evidence: null });
  telemetry.backfillPublished({ table: TABLE, events: 3, rows: 900 });
  telemetry.mergesPlanned({ table: TABLE, tiers: new Map([['0', 3]]), pending: 1 });
  const merge = { segmentsIn: 8, segmentsOut: 1, rows: 80, bytesIn: 32_000, bytesOut: 20_000, seconds: 0.2 };
  telemetry.mergeStarted({ table: TABLE, index: 'id_idx', segments: 8, rows: 80, reason: 'tier' });
  telemetry.mergeBuilt({ table: TABLE, rows: 80 });
  telemetry.mergeFinished({ table: TABLE, outcome: 'landed', ...merge });
  telemetry.mergeFailed({ table: TABLE, error: new SegmentdError('build_failed', 'once') });
  const maintained = { fragmentsRemoved: 8, fragmentsAdded: 1, versionsRemoved: 7, bytesFreed: 9, seconds: 3 };
  telemetry.tableCost({
    ...{ table: TABLE, versions: 12, manifestBytes: 900, oldestVersionMs: Date.now() - 9_000, smallFragments: 3 },
    ...{ deletedRows: 4, indexLiveBytes: 2_000_000_000, indexDeadBytes: 600 },
  });
  telemetry.maintenanceStarted({ table: TABLE, reason: 'schedule', version: n });
  telemetry.maintenanceFinished({ table: TABLE, version: n, ...maintained });
  telemetry.maintenanceFailed({ table: TABLE, outcome: 'rejected', error: new SegmentdError('build_failed', 'once') });
  telemetry.orphansRemoved({ table: TABLE, segments: 2, staged: 1, bytes: 9 });
  telemetry.offsetsCommitted();
  telemetry.consumerCrashed({ error: new SegmentdError('consumer_crashed', 'again'), willRestart: true });
  telemetry.consumerRecovered();
  telemetry.planned({ table: BEHIND, version: n, outcome: 'missing', indexes: [{ ...index, heldRows: 4 }] });
  telemetry.mergeFailed({ table: BEHIND, error: new SegmentdError('build_failed', 'again') });
  telemetry.workFailed({ table: BEHIND, error: new SegmentdError('build_failed', 'again'), nextTryMs: 500 });
}

/** Metrics as a daemon has them after its start, with the engine's beside them under the names LanceDB 0.39 gives. */
export function startUp(): { metrics: Metrics; telemetry: Telemetry } {
  const metrics = createMetrics({ maxTables: 10, version: '0.0.0', lancedbVersion: '0.39.0', topic: 'appends' });
  const telemetry = createTelemetry({ metrics, logger: createLogger({ level: 'silent', format: 'json' }) });
  telemetry.stateChanged({ state: 'running' });
  telemetry.unacked(() => ({ count: 3, oldestMs: 1200 }));
  telemetry.indexesLeftAlone({
    table: TABLE,
    left: [{ index: 'zone_idx', code: 'index_kind_unsupported', message: 'no' }],
  });
  const declined = { code: 'table_stable_row_ids', message: 'stable row ids', accepted: false } as const;
  telemetry.tableDeclined({ table: 'lake/other', ...declined });
  telemetry.buildStarted({ table: BEHIND, index: 'id_idx', fragments: 1, rows: 10 });
  telemetry.waitingBuilds(() => 1);
  const declinedByReason = new Map([['table_stable_row_ids', 1]]);
  telemetry.selfCheckPauses(() => [HELD]);
  telemetry.tableCounts(() => ({ retrying: 1, declinedByReason, paused: [HELD] }));
  const startMs = Date.now();
  metrics.engine(() => enginePoints(Math.floor((Date.now() - startMs) / 100)));
  return { metrics, telemetry };
}

function enginePoints(value: number): EnginePoint[] {
  const labels = { base: 'file', operation: 'get' };
  const point = { kind: 'counter' as const, help: 'Object store requests.', labels, value };
  const seconds = 'lance_object_store_request_duration_seconds';
  return [
    { ...point, name: 'lance_object_store_requests_total' },
    { ...point, name: `${seconds}_bucket`, labels: { ...labels, le: '0.005' } },
    { ...point, name: `${seconds}_bucket`, labels: { ...labels, le: '+Inf' } },
    { ...point, name: `${seconds}_sum`, value: value / 1000 },
    { ...point, name: `${seconds}_count` },
  ];
}
