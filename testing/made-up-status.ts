/** A status as a daemon would tell it, of made-up tables: for pictures, and for tests of the page that need no daemon. */
import type { DeadLetterEntry } from '../src/control/dead-letter-log.ts';
import type { MemberStatus, MemberTable } from '../src/control/member-status.ts';
import type { TableChange } from '../src/control/recent-changes.ts';
import type { TableStatus } from '../src/control/table-states.ts';
import { seeded } from './seeded.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
/** Rows from which a segment is of the next tier. */
const TIERS = [5_000, 50_000, 500_000, 5_000_000];

const DOMAINS = ['clicks', 'orders', 'sessions', 'users', 'payments', 'documents', 'images', 'events'];

type IndexStatus = TableStatus['indexes'][number];
type Random = () => number;

const before = (nowMs: number, ms: number) => new Date(nowMs - ms).toISOString();

function madeUpIndex(
  name: string,
  kind: string,
  segments: readonly number[],
  missing: number,
  random: Random,
): IndexStatus {
  const rows = segments.reduce((sum, each) => sum + each, 0);
  return {
    name,
    kind,
    coverage: rows / (rows + missing),
    missing_rows: missing,
    held_rows: 0,
    lag_seconds: missing > 0 ? 38.4 : 0,
    segments: segments.map((each, at) => ({
      uuid: Array.from({ length: 8 }, () =>
        Math.floor(random() * 65_536)
          .toString(16)
          .padStart(4, '0'),
      ).join(''),
      rows: each,
      tier: TIERS.filter((floor) => each >= floor).length,
      fragments: Math.max(1, Math.round(each / 20_000)),
      version: 12 + at * 3,
    })),
  };
}

/** A served table with two indexes, whose sizes follow from its number. */
function servedTable(at: number, nowMs: number): TableStatus {
  const random = seeded(at + 1);
  const table = `lake/${DOMAINS[at % DOMAINS.length]}_${at}`;
  const sizes = Array.from({ length: 1 + Math.floor(random() * 6) }, (_, nth) =>
    Math.round(10 ** (6.6 - nth * 0.9 - random())),
  ).map((rows) => Math.max(40, rows));
  const indexes = [
    madeUpIndex('id_idx', 'BTREE', sizes, 0, random),
    ...(at % 3 === 0 ? [madeUpIndex('text_idx', 'FTS', [sizes.reduce((sum, rows) => sum + rows, 0)], 0, random)] : []),
  ];
  const segments = indexes.reduce((sum, index) => sum + index.segments.length, 0);
  const version = 20 + Math.floor(random() * 400);
  return {
    ...{ table, state: 'served', version, covered_version: version, missing_fragments: 0, held_rows: 0, segments },
    ...{ pause: null, self_check: null, declined: null, left_alone: [], failure: null, docs: null },
    rows: sizes.reduce((sum, rows) => sum + rows, 0),
    ...{ coverage: 1, lag_seconds: 0, observed_at: before(nowMs, 4 * SECOND), indexes },
    last_change: madeUpChange(table, version, before(nowMs, (1 + at) * 47 * SECOND), at),
  };
}

function madeUpChange(table: string, version: number, at: string, nth: number): TableChange {
  const kind = (['append', 'append', 'merge', 'append', 'maintenance'] as const)[nth % 5] ?? 'append';
  return {
    at,
    table,
    kind,
    version,
    rows: kind === 'append' ? 2_000 : 180_000,
    segments: 2,
    duration_ms: 41 + nth * 13,
  };
}

/** One table for each trouble. */
function troubledTables(nowMs: number): TableStatus[] {
  const [retrying, declined, paused, lagging, alone, bare] = [0, 1, 2, 3, 4, 5].map((at) => servedTable(at, nowMs)) as [
    ...[TableStatus, TableStatus, TableStatus, TableStatus, TableStatus, TableStatus],
  ];
  const behind = madeUpIndex('id_idx', 'BTREE', [2_400_000, 310_000, 42_000, 2_000], 310, seeded(7));
  const nothing = { rows: null, coverage: null, lag_seconds: null, indexes: [], last_change: null, segments: 0 };
  return [
    {
      ...retrying,
      ...{
        table: 'lake/orders_by_region',
        state: 'retrying',
        coverage: behind.coverage,
        lag_seconds: 528.2,
        indexes: [behind],
      },
      ...{ missing_fragments: 2, docs: 'errors.md#store_unavailable', rows: 2_754_310, segments: 4 },
      failure: {
        ...{
          code: 'store_unavailable',
          message: 'the store did not answer within 30 s: GET lake/orders_by_region.lance',
        },
        ...{ count: 13, next_try_at: before(nowMs, -42 * SECOND) },
      },
    },
    {
      ...{ ...declined, ...nothing, table: 'lake/broken', state: 'declined', version: null, covered_version: null },
      ...{ missing_fragments: null, held_rows: null, segments: null },
      declined: {
        code: 'table_unreadable',
        message: 'not a manifest: 8 bytes without the closing LANC',
        accepted: false,
      },
      docs: 'errors.md#table_unreadable',
    },
    {
      ...paused,
      ...{ table: 'lake/users_import', state: 'paused' },
      pause: { since: before(nowMs, 11 * MINUTE), by: 'http 10.0.0.7' },
    },
    {
      ...lagging,
      table: 'lake/clicks_stream',
      coverage: 0.99987,
      lag_seconds: 3.1,
      missing_fragments: 1,
      indexes: [
        madeUpIndex('id_idx', 'BTREE', [5_800_000, 720_000, 64_000, 9_000, 3_000, 2_000, 2_000], 900, seeded(11)),
      ],
    },
    {
      ...alone,
      ...{ table: 'lake/documents_en', docs: 'errors.md#index_kind_unsupported' },
      left_alone: [{ index: 'old_idx', code: 'index_kind_unsupported', message: 'an index of the kind NGRAM' }],
    },
    { ...bare, ...nothing, table: 'lake/archive_2019', rows: 48_000_000 },
  ];
}

/** A status of so many tables, of which the first six are in trouble, at `nowMs`, milliseconds since the epoch. */
export function madeUpStatus(count: number, nowMs: number): MemberStatus {
  const healthy = Array.from({ length: Math.max(0, count - 6) }, (_, at) => servedTable(at + 6, nowMs));
  const tables = [...troubledTables(nowMs), ...healthy].sort((a, b) => (a.table < b.table ? -1 : 1));
  const inState = (state: TableStatus['state']) => tables.filter((table) => table.state === state).length;
  const indexed = tables.filter(({ indexes }) => indexes.length > 0);
  const [own, others] = [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
    [12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23],
  ];
  return {
    ...{
      schema: 1,
      version: '0.1.0',
      lancedb: '0.39.0',
      member: 'segmentd@vm-1:28813',
      state: 'running',
      reason: null,
    },
    ...{ started_at: before(nowMs, 187 * MINUTE), at: before(nowMs, 0), group: 'segmentd', topic: 'append-events' },
    polls_every_s: null,
    ...{
      partitions: own,
      partition_count: 24,
      view: 'member',
      admin_url: 'http://127.0.0.1:9465',
      paused: ['lake/users_import'],
    },
    group_view: {
      members: [
        { member: 'segmentd@vm-1:28813', host: '/10.0.0.4', partitions: own },
        { member: 'segmentd@vm-2:1204', host: '/10.0.0.5', partitions: others },
      ],
      ...{ unowned_partitions: [], at: before(nowMs, 12 * SECOND) },
    },
    totals: {
      ...{
        tables: tables.length,
        covered: indexed.filter((it) => it.missing_fragments === 0).length,
        indexed: indexed.length,
      },
      ...{ served: inState('served'), retrying: 1, declined: 1, paused: 1, left_alone: 1, dead_letters_24h: 3 },
      ...{
        worst_lag: { table: 'lake/orders_by_region', seconds: 528.2 },
        unacked_records: 2,
        oldest_unacked_seconds: 528.2,
      },
    },
    tables,
    recent: {
      changes: healthy.slice(0, 20).flatMap(({ last_change: change }) => change ?? []),
      dead_letters: deadLetters(nowMs),
    },
  };
}

const deadLetters = (nowMs: number): DeadLetterEntry[] =>
  [
    { code: 'event_not_json', message: 'a record is a JSON object', value: 'garbage 1' },
    {
      code: 'event_table_not_found',
      message: 'there is no table lake/oders_17',
      value: '{"table": "lake/oders_17", "version": 12}',
    },
    {
      code: 'event_invalid',
      message: 'version: expected a number',
      value: '{"table": "lake/orders_7", "version": "<b>12</b>"}',
    },
  ].map((letter, at) => ({
    ...letter,
    ...{
      at: before(nowMs, (at + 2) * 21 * MINUTE),
      topic: 'append-events',
      partition: 5 + at,
      offset: String(2_612 - at),
    },
  }));

/** The detail of a table of that status, with a history of six hours. */
export function madeUpDetail(table: TableStatus, nowMs: number): MemberTable {
  const random = seeded(5);
  const minutes = Array.from({ length: 360 }, (_, at) => 360 - at);
  return {
    ...table,
    ...{ member: 'segmentd@vm-1:28813', admin_url: 'http://127.0.0.1:9465' },
    changes: Array.from({ length: 12 }, (_, at) =>
      madeUpChange(table.table, (table.version ?? 40) - at, before(nowMs, (at + 1) * 4 * MINUTE), at),
    ),
    history: minutes.map((minute) => ({
      at: before(nowMs, minute * MINUTE),
      lag_seconds: minute < 9 ? (9 - minute) * 60 : random() < 0.12 ? random() * 4 : 0,
      segments: 4 + ((360 - minute) % 11),
      coverage: minute < 9 ? 0.9998 : 1,
    })),
  };
}
