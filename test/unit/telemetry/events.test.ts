import { beforeEach, describe, expect, test } from 'vitest';
import { SegmentdError } from '../../../src/lib/errors.ts';
import { EVENTS } from '../../../src/telemetry/event-catalogue.ts';
import type { Telemetry } from '../../../src/telemetry/events.ts';
import { createTelemetry } from '../../../src/telemetry/events.ts';
import { createLogger } from '../../../src/telemetry/logger.ts';
import type { MetricName } from '../../../src/telemetry/metric-catalogue.ts';
import { METRICS, PREFIX } from '../../../src/telemetry/metric-catalogue.ts';
import type { Metrics } from '../../../src/telemetry/metrics.ts';
import { createMetrics } from '../../../src/telemetry/metrics.ts';

type Line = Record<string, unknown> & { event: string };
const START = 1_700_000_000_000;
const table = { id: 'lake/t', database: 'lake', name: 't', uri: '/lake/t.lance' };
const position = { topic: 'appends', partition: 3, offset: 12n };
const behind = {
  name: 'id_idx',
  kind: 'btree' as const,
  segmentList: [],
  missingRows: 1,
  missingFragments: 1,
  heldRows: 0,
  coverage: 0.9999999,
  segments: 4,
  lagSeconds: 5,
};
const covered = {
  name: 'id_idx',
  kind: 'btree' as const,
  segmentList: [],
  missingRows: 0,
  missingFragments: 0,
  heldRows: 0,
  coverage: 1,
  segments: 5,
  lagSeconds: 0,
};
const merge = { table: 'lake/t', segmentsIn: 8, segmentsOut: 1, rows: 90, bytesIn: 99, bytesOut: 80, seconds: 2 };
const cost = {
  ...{ table: 'lake/t', versions: 12, manifestBytes: 900, oldestVersionMs: START - 9_000, smallFragments: 3 },
  ...{ deletedRows: 4, indexLiveBytes: 100, indexDeadBytes: 600 },
};
const maintained = {
  ...{ table: 'lake/t', version: 9, fragmentsRemoved: 8, fragmentsAdded: 1, versionsRemoved: 7 },
  ...{ bytesFreed: 4_000, seconds: 3 },
};
const declined = { code: 'table_stable_row_ids', message: 'no', accepted: false } as const;
const failure = new SegmentdError('build_failed', 'no disk', { cause: new Error('ENOSPC') });

let now = START;
let lines: Line[] = [];
let metrics: Metrics;
let telemetry: Telemetry;

function setUp(maxTables = 2): void {
  now = START;
  lines = [];
  metrics = createMetrics({ maxTables, version: '1.2.3', lancedbVersion: '0.39.0', topic: 'appends' });
  const logger = createLogger({ level: 'trace', format: 'json', write: (line) => lines.push(JSON.parse(line)) });
  telemetry = createTelemetry({ logger, metrics, now: () => now });
}
beforeEach(() => setUp());

/** The page by series: `segmentd_x{a="b"}` to its value. */
async function series(): Promise<Map<string, number>> {
  const page = await metrics.render();
  const samples = page.split('\n').filter((line) => line.startsWith(PREFIX));
  return new Map(
    samples.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  );
}
const value = async (name: string) => (await series()).get(name);

type Step = readonly [keyof Telemetry, () => void];

/** One call per event, in an order in which each moves everything the catalogue says it moves. */
const STEPS: readonly Step[] = [
  [
    'configReloaded',
    () => telemetry.configReloaded({ config: '/etc/segmentd.yaml', applied: ['log.level'], needs_restart: [] }),
  ],
  ['optionNeedsRestart', () => telemetry.optionNeedsRestart({ option: 'kafka.brokers', at: '/etc/segmentd.yaml:3:1' })],
  ['configRefused', () => telemetry.configRefused({ error: new SegmentdError('config_invalid', 'one problem') })],
  [
    'started',
    () =>
      telemetry.started({
        ...{ version: '1.2.3', config: '/etc/segmentd.yaml', databases: { lake: { uri: '/lake', store: 'local' } } },
        ...{
          brokers: ['a:1'],
          group: 'g',
          topics: { events: 'appends' },
          polls_every_s: null,
          http: '127.0.0.1:9464',
          admin: null,
        },
      }),
  ],
  [
    'configDoubted',
    () =>
      telemetry.configDoubted({
        ...{ code: 'database_not_found', at: 'segmentd.yaml:1:1', option: 'databases.lake', problem: 'no folder' },
      }),
  ],
  ['stateChanged', () => telemetry.stateChanged({ state: 'running' })],
  ['groupSeen', () => telemetry.groupSeen({ group: 'g', topic: 'appends', seen: { members: 2, unowned: 1 } })],
  ['tracesLost', () => telemetry.tracesLost({ spans: 7, error: 'connect ECONNREFUSED' })],
  ['tracesDelivered', () => telemetry.tracesDelivered()],
  ['tracingDoubted', () => telemetry.tracingDoubted({ at: 'OTEL_TRACES_SAMPLER', problem: 'unknown' })],
  ['lagMeasured', () => telemetry.lagMeasured([{ topic: 'appends', partition: 3, records: 7 }])],
  ['eventReceived', () => telemetry.eventReceived({ position, event: { table, version: 8 }, records: 1 })],
  ['recordIgnored', () => telemetry.recordIgnored({ position, records: 1 })],
  ['eventSettled', () => telemetry.eventSettled({ position, table: 'lake/t', outcome: 'duplicate', records: 1 })],
  ['eventDeadLettered', () => telemetry.eventDeadLettered({ position, code: 'event_not_json', message: 'bad' })],
  ['workFailed', () => telemetry.workFailed({ table: 'lake/t', error: failure, nextTryMs: 500 })],
  ['planned', () => telemetry.planned({ table: 'lake/t', version: 7, outcome: 'covered', indexes: [covered] })],
  ['buildStarted', () => telemetry.buildStarted({ table: 'lake/t', index: 'id_idx', fragments: 1, rows: 9 })],
  [
    'buildFinished',
    () => telemetry.buildFinished({ table: 'lake/t', index: 'id_idx', outcome: 'ok', seconds: 1, rows: 9, bytes: 99 }),
  ],
  ['fragmentsDropped', () => telemetry.fragmentsDropped({ table: 'lake/t', fragments: 2 })],
  [
    'commitFinished',
    () =>
      telemetry.commitFinished({
        table: 'lake/t',
        outcome: 'landed',
        seconds: 0.1,
        attempts: 2,
        version: 9,
        retries: { manifest_race: 1 },
      }),
  ],
  ['storeRequested', () => telemetry.storeRequested({ store: 's3', operation: 'create', outcome: 'taken' })],
  ['replanned', () => telemetry.replanned({ table: 'lake/t', cause: 'column_changed' })],
  ['workFailed', () => telemetry.workFailed({ table: 'lake/t', error: failure, nextTryMs: 500 })],
  [
    'batchCovered',
    () =>
      telemetry.batchCovered({
        table: 'lake/t',
        version: 9,
        coveredVersion: 8,
        indexes: [covered, { ...covered, name: 'name_idx' }],
        committed: true,
        eventToCoveredSeconds: [0.2, 3],
      }),
  ],
  ['backfillPublished', () => telemetry.backfillPublished({ table: 'lake/t', events: 3, rows: 900 })],
  ['mergesPlanned', () => telemetry.mergesPlanned({ table: 'lake/t', tiers: new Map([['0', 9]]), pending: 1 })],
  ['mergeBuilt', () => telemetry.mergeBuilt({ table: 'lake/t', rows: 90 })],
  ['mergeStarted', () => telemetry.mergeStarted({ ...merge, index: 'id_idx', segments: 8, reason: 'tier' })],
  ['mergeFailed', () => telemetry.mergeFailed({ table: 'lake/t', error: failure })],
  ['mergeFinished', () => telemetry.mergeFinished({ ...merge, outcome: 'landed' })],
  ['tableCost', () => telemetry.tableCost(cost)],
  ['maintenanceStarted', () => telemetry.maintenanceStarted({ table: 'lake/t', reason: 'schedule', version: 8 })],
  ['maintenanceFinished', () => telemetry.maintenanceFinished(maintained)],
  ['maintenanceFailed', () => telemetry.maintenanceFailed({ table: 'lake/t', outcome: 'rejected', error: failure })],
  ['orphansRemoved', () => telemetry.orphansRemoved({ table: 'lake/t', segments: 2, staged: 1, bytes: 9 })],
  ['mergeFailed', () => telemetry.mergeFailed({ table: 'lake/t', error: failure })],
  ['workFailed', () => telemetry.workFailed({ table: 'lake/u', error: failure, nextTryMs: 500 })],
  ['tableDeclined', () => telemetry.tableDeclined({ table: 'lake/u', ...declined })],
  ['workFailed', () => telemetry.workFailed({ table: 'lake/t', error: failure, nextTryMs: 500 })],
  ['tableDeclined', () => telemetry.tableDeclined({ table: 'lake/t', ...declined })],
  ['workFailed', () => telemetry.workFailed({ table: 'lake/t', error: failure, nextTryMs: 500 })],
  [
    'indexesLeftAlone',
    () =>
      telemetry.indexesLeftAlone({
        table: 'lake/t',
        left: [{ index: 'zone_idx', code: 'index_kind_unsupported', message: 'no' }],
      }),
  ],
  ['tableServed', () => telemetry.tableServed({ table: 'lake/u' })],
  ['tablePaused', () => telemetry.tablePaused({ table: 'lake/t', by: 'me' })],
  ['tableResumed', () => telemetry.tableResumed({ table: 'lake/t', by: 'me' })],
  ['workAsked', () => telemetry.workAsked({ table: 'lake/t', command: 'merge', by: 'me' })],
  ['selfChecked', () => telemetry.selfChecked({ table: 'lake/t', version: 8, outcome: 'right', answers: 12 })],
  ['selfCheckFailed', () => telemetry.selfCheckFailed({ table: 'lake/t', version: 8, error: failure })],
  [
    'answerWrong',
    () => telemetry.answerWrong({ table: 'lake/t', version: 8, index: 'id_idx', wrong: 2, evidence: '/e/1.json' }),
  ],
  ['evidenceLost', () => telemetry.evidenceLost({ table: 'lake/t', error: failure })],
  ['pauseNotShared', () => telemetry.pauseNotShared({ table: 'lake/t', error: failure })],
  ['offsetsCommitted', () => telemetry.offsetsCommitted()],
  ['consumerCrashed', () => telemetry.consumerCrashed({ error: failure, willRestart: true })],
  ['consumerRecovered', () => telemetry.consumerRecovered()],
  ['rebalanced', () => telemetry.rebalanced({ assigned: { appends: [1] } })],
  ['tableReleased', () => telemetry.tableReleased({ table: 'lake/t' })],
];

/** These give a table everything that is dropped with it, once more after it was released. */
const TABLE_STEPS = new Set([
  ...['eventSettled', 'planned', 'workFailed', 'batchCovered', 'mergesPlanned', 'tableCost', 'tableDeclined'],
  ...['indexesLeftAlone', 'mergeFailed', 'mergeFinished'],
]);
const SCRIPT: readonly Step[] = [
  ...STEPS,
  ...STEPS.filter(([name]) => TABLE_STEPS.has(name)),
  ['tableGone', () => telemetry.tableGone({ table: 'lake/t' })],
  // And what its indexes give it, once more.
  ...['workFailed', 'planned', 'indexesLeftAlone'].flatMap((name) =>
    STEPS.filter(([each]) => each === name).slice(0, 1),
  ),
  ['indexesUnknown', () => telemetry.indexesUnknown({ table: 'lake/t' })],
];

describe('the catalogue', () => {
  test('names the events there are', () => {
    const read = ['tableCounts', 'selfCheckPauses', 'unacked', 'waitingBuilds'];
    const methods = Object.keys(telemetry).filter((name) => !read.includes(name));
    expect(new Set([...methods, 'workRecovered'])).toEqual(new Set(Object.keys(EVENTS)));
    expect(new Set(SCRIPT.map(([name]) => name))).toEqual(new Set(methods));
  });

  test('names the metrics that each event moves, no more and no less', async () => {
    const nameOf = (sample: string) =>
      (Object.keys(METRICS) as MetricName[]).find(
        (name) => sample.replace(/\{.*/, '').replace(/_(bucket|sum|count)$/, '') === PREFIX + name,
      );
    for (const [event, act] of SCRIPT) {
      const before = await series();
      now += 1000;
      const idle = await series(); // some gauges move with time alone
      act();
      const after = await series();
      const moved = [...new Set([...idle.keys(), ...after.keys()])].filter((key) => idle.get(key) !== after.get(key));
      expect(before.size).toBe(idle.size);
      expect(new Set(moved.map(nameOf)), event).toEqual(new Set(EVENTS[event as keyof typeof EVENTS].metrics));
    }
  });

  test('gives each event one line, at its level', () => {
    for (const [event, act] of SCRIPT) {
      lines = [];
      act();
      const [first, ...rest] = lines.filter((line) => line.event !== 'workRecovered');
      expect(first, event).toMatchObject({ event, level: EVENTS[event as keyof typeof EVENTS].level });
      expect(rest, event).toEqual([]);
    }
  });
});

describe('freshness', () => {
  const plan = (table: string, indexes = [behind]) =>
    telemetry.planned({ table, version: 7, outcome: 'work', indexes });

  test('lag grows by itself until the index is covered', async () => {
    plan('lake/t');
    expect(await value('segmentd_index_lag_seconds{table="lake/t",index="id_idx"}')).toBe(5);
    now += 60_000;
    expect(await value('segmentd_index_lag_seconds{table="lake/t",index="id_idx"}')).toBe(65);
    plan('lake/t', [covered]);
    expect(await value('segmentd_index_lag_seconds{table="lake/t",index="id_idx"}')).toBe(0);
  });

  test('lag does not start anew when a younger version shows the same gap', async () => {
    plan('lake/t');
    now += 10_000;
    plan('lake/t', [{ ...behind, lagSeconds: 0 }]);
    expect(await value('segmentd_index_lag_seconds{table="lake/t",index="id_idx"}')).toBe(15);
    plan('lake/t', [covered]);
    plan('lake/t', [{ ...behind, lagSeconds: 1 }]);
    expect(await value('segmentd_index_lag_seconds{table="lake/t",index="id_idx"}')).toBe(1);
  });

  test.each([
    [0.9999999, 1, 1, 0.999999],
    [1, 0, 1, 0.999999],
    [0.29, 71, 1, 0.29],
    [0.1234567, 9, 9, 0.123456],
    [1, 0, 0, 1],
    [0, 5, 5, 0],
  ])(
    'coverage %s with %i rows and %i fragments missing is never rounded up',
    async (coverage, missingRows, missingFragments, shown) => {
      plan('lake/t', [{ ...behind, coverage, missingRows, missingFragments }]);
      const ratio = await value('segmentd_coverage_ratio{table="lake/t",index="id_idx"}');
      expect(ratio).toBeLessThanOrEqual(coverage);
      expect(ratio).toBeCloseTo(shown, 5);
      if (missingFragments > 0) expect(ratio).toBeLessThan(1);
    },
  );

  test('an index that was dropped leaves no series', async () => {
    plan('lake/t', [behind, { ...behind, name: 'old_idx' }]);
    plan('lake/t', [behind]);
    expect([...(await series()).keys()].filter((key) => key.includes('old_idx'))).toEqual([]);
  });

  test('tables beyond the bound share a series, and versions have none there', async () => {
    plan('lake/a');
    plan('lake/b');
    plan('lake/c', [{ ...behind, missingRows: 10, coverage: 0.5, lagSeconds: 9 }]);
    plan('lake/d', [{ ...behind, missingRows: 20, coverage: 0.25, lagSeconds: 4 }]);
    const all = await series();
    expect(all.get('segmentd_missing_rows{table="other",index="other"}')).toBe(30);
    expect(all.get('segmentd_index_lag_seconds{table="other",index="other"}')).toBe(9);
    expect(all.get('segmentd_coverage_ratio{table="other",index="other"}')).toBe(0.25);
    expect([...all.keys()].filter((key) => key.startsWith('segmentd_table_version')).length).toBe(2);
  });

  test('a released table makes room for another', async () => {
    for (const table of ['lake/a', 'lake/b', 'lake/c']) plan(table);
    telemetry.tableReleased({ table: 'lake/a' });
    plan('lake/c');
    const keys = [...(await series()).keys()].join('\n');
    expect(keys).toContain('missing_rows{table="lake/c"');
    expect(keys).not.toContain('lake/a');
    expect(keys).not.toContain('"other"');
  });
});

describe('what repeats', () => {
  const fail = (code: 'build_failed' | 'store_full' = 'build_failed') =>
    telemetry.workFailed({ table: 'lake/t', error: new SegmentdError(code, 'x'), nextTryMs: 1 });

  test('is logged at once, then every 30 s with the number suppressed, and once on recovery', () => {
    for (let second = 0; second <= 60; second++, now += 1000) fail();
    expect(lines.map(({ suppressed }) => suppressed)).toEqual([0, 29, 29]);
    const state = { table: 'lake/t', version: 1, coveredVersion: 1, indexes: [covered] };
    const success = { ...state, committed: true, eventToCoveredSeconds: [] };
    telemetry.batchCovered(success);
    telemetry.batchCovered(success);
    expect(lines.filter(({ event }) => event === 'workRecovered')).toMatchObject([{ failures: 61, table: 'lake/t' }]);
  });

  test('is logged at once when the reason changes', () => {
    fail();
    fail('store_full');
    expect(lines.map(({ code }) => code)).toEqual(['build_failed', 'store_full']);
  });

  test('is logged for each table', () => {
    fail();
    telemetry.workFailed({ table: 'lake/u', error: failure, nextTryMs: 1 });
    expect(lines).toHaveLength(2);
    expect(lines[1]).toMatchObject({ code: 'build_failed', cause: 'ENOSPC', hint: failure.hint });
  });
});

test('tables by state are counted on every scrape, a reason that no longer holds for a table as none', async () => {
  const declinedByReason = new Map([['table_unreadable', 2]]);
  let paused = ['lake/t'];
  telemetry.tableCounts(() => ({ retrying: 3, declinedByReason, paused }));
  expect(await value('segmentd_tables_retrying')).toBe(3);
  expect(await value('segmentd_tables_declined{reason="table_unreadable"}')).toBe(2);
  expect(await value('segmentd_paused{table="lake/t"}')).toBe(1);
  declinedByReason.clear();
  paused = [];
  expect(await value('segmentd_tables_declined{reason="table_unreadable"}')).toBe(0);
  expect([...(await series()).keys()].filter((key) => key.startsWith('segmentd_paused'))).toEqual([]);
});

test('a record that was received and then dead-lettered is counted once', async () => {
  telemetry.eventReceived({ position, event: { table }, records: 1 });
  telemetry.eventDeadLettered({ position, code: 'event_version_not_visible', message: 'x' });
  const all = await series();
  const counted = [...all].filter(([key]) => key.startsWith('segmentd_events_total')).map(([, count]) => count);
  expect(counted.reduce((sum, count) => sum + count)).toBe(1);
  expect(all.get('segmentd_dead_letters_total{reason="event_version_not_visible"}')).toBe(1);
});

test('partitions that moved away leave no series', async () => {
  const lag = (partition: number) => ({ topic: 'appends', partition, records: 5 });
  telemetry.lagMeasured([lag(0), lag(1)]);
  telemetry.rebalanced({ assigned: { appends: [1] } });
  const keys = [...(await series()).keys()].filter((key) => key.includes('consumer_lag_records'));
  expect(keys).toEqual(['segmentd_consumer_lag_records{topic="appends",partition="1"}']);
});

test('a group that the broker does not tell of any more has no numbers', async () => {
  const group = { group: 'g', topic: 'appends' };
  telemetry.groupSeen({ ...group, seen: { members: 2, unowned: 1 } });
  const ofGroup = async () => [...(await series())].filter(([key]) => key.includes('group="g"'));
  expect(await ofGroup()).toEqual([
    ['segmentd_group_members{group="g"}', 2],
    ['segmentd_unowned_partitions{group="g",topic="appends"}', 1],
  ]);
  telemetry.groupSeen({ ...group, seen: undefined });
  expect(await ofGroup()).toEqual([]);
});

test('unacknowledged records are read on every scrape, and a reader that throws costs nothing else', async () => {
  telemetry.unacked(() => ({ count: 4, oldestMs: 1500 }));
  expect(await value('segmentd_unacked_events')).toBe(4);
  expect(await value('segmentd_oldest_unacked_age_seconds')).toBe(1.5);
  telemetry.unacked(() => {
    throw new Error('gone');
  });
  expect(await value('segmentd_unacked_events')).toBe(4);
});

test('builds that wait for memory are counted on every scrape', async () => {
  let waiting = 3;
  telemetry.waitingBuilds(() => waiting);
  expect(await value('segmentd_builds_waiting')).toBe(3);
  waiting = 0;
  expect(await value('segmentd_builds_waiting')).toBe(0);
});

test.each([
  [true, 'info'],
  [false, 'debug'],
])('a batch that was covered with work done: %s, is logged at level %s', (committed, level) => {
  const state = { table: 'lake/t', version: 1, coveredVersion: 1, indexes: [covered] };
  telemetry.batchCovered({ ...state, committed, eventToCoveredSeconds: [1] });
  expect(lines.at(-1)).toMatchObject({ event: 'batchCovered', level, events: 1 });
});

describe('tiers', () => {
  const tier = (name: string) => value(`segmentd_tier_segments{tier="${name}"}`);
  const plan = (table: string, tiers: Record<string, number>, pending: number) =>
    telemetry.mergesPlanned({ table, tiers: new Map(Object.entries(tiers)), pending });

  test('are summed over tables as they were last seen, and leave with a table', async () => {
    plan('lake/t', { 0: 5, 1: 2 }, 2);
    plan('lake/u', { 0: 1 }, 1);
    plan('lake/t', { 0: 3, mature: 1 }, 1);
    expect([await tier('0'), await tier('1'), await tier('mature')]).toEqual([4, 0, 1]);
    expect(await value('segmentd_merges_pending')).toBe(2);
    telemetry.tableReleased({ table: 'lake/t' });
    expect([await tier('0'), await tier('mature')]).toEqual([1, 0]);
    expect(await value('segmentd_merges_pending')).toBe(1);
  });

  test('write amplification is all rows written by rows of fresh data', async () => {
    expect(await value('segmentd_write_amplification')).toBe(1);
    const build = { table: 'lake/t', index: 'id_idx', outcome: 'ok', seconds: 1, rows: 30, bytes: 1 } as const;
    telemetry.buildFinished(build);
    telemetry.mergeBuilt({ table: 'lake/t', rows: 90 });
    telemetry.mergeFinished({ ...merge, outcome: 'landed' });
    expect(await value('segmentd_write_amplification')).toBe(4);
    telemetry.mergeBuilt({ table: 'lake/t', rows: 30 });
    telemetry.mergeFinished({ ...merge, outcome: 'rejected', cause: 'input_gone' });
    expect(await value('segmentd_write_amplification')).toBe(5);
    expect(await value('segmentd_merges_total{outcome="rejected"}')).toBe(1);
  });
});
