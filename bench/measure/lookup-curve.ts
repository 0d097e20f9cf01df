/**
 * What the number of segments costs a reader: lookups on copies of one table that differ in nothing but the number of segments
 * its index has. All in one run, in rounds that visit each copy in turn; each figure beside its ratio to one segment.
 *
 *   npm run bench:lookup-curve -- [--rows 2000000] [--rounds 60] [--keys scattered|ascending] [--json]
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Table } from '@lancedb/lancedb';
import { connect } from '@lancedb/lancedb';
import { catchUp } from '../../src/commands/tables/catch-up.ts';
import { formatTable } from '../../src/commands/terminal/output.ts';
import { lanceSegmentBuilder } from '../../src/lance/engine/segment-builder.ts';
import { LanceTable } from '../../src/lance/table/table.ts';
import { localStore } from '../../src/store/local-store.ts';
import { quantile, screen } from '../../testing/screen.ts';
import type { Keys, Kind } from '../support/lookups.ts';
import { copyTable, KINDS, keyBatch, lookUp, lookUpInTurn, noTimes } from '../support/lookups.ts';

const FRAGMENTS = 400;
const SEGMENTS = [1, 2, 5, 10, 15, 20, 25, 50, 100, 200, 400];
/** First lookups of a new connection, for each copy. */
const COLD_ROUNDS = 5;

const { values: options } = parseArgs({
  options: {
    rows: { type: 'string', default: '2000000' },
    rounds: { type: 'string', default: '60' },
    keys: { type: 'string', default: 'scattered' },
    json: { type: 'boolean', default: false },
  },
});
const perFragment = Math.ceil(Number(options.rows) / FRAGMENTS);
const rows = perFragment * FRAGMENTS;
const rounds = Number(options.rounds);

const keys: Keys = { rows, order: options.keys === 'ascending' ? 'ascending' : 'scattered' };
const batch = (from: number) => keyBatch(keys, from, perFragment);

/** One copy for each number of segments. */
async function makeTables(database: string): Promise<void> {
  screen.step(`${rows.toLocaleString('en-US')} rows in ${FRAGMENTS} fragments, ${options.keys} keys`);
  const connection = await connect(database);
  const original = await connection.createTable('original', batch(0));
  for (let at = 1; at < FRAGMENTS; at++) await original.add(batch(at * perFragment));
  original.close();
  connection.close();
  const builder = lanceSegmentBuilder(join(database, 'scratch'));
  for (const segments of SEGMENTS) {
    const folder = join(database, `${nameOf(segments)}.lance`);
    await copyTable(join(database, 'original.lance'), folder);
    const made = await catchUp(new LanceTable(localStore(folder)), builder, {
      wanted: [{ column: 'key' }],
      limits: { maxRows: Number.MAX_SAFE_INTEGER, maxFragments: Math.ceil(FRAGMENTS / segments) },
      commit: { maxAttempts: 1, initialBackoffMs: 0, writer: { library: 'segmentd', version: 'bench' } },
      properties: {},
    });
    screen.note(`${made.segments.length} segments`);
  }
}

const nameOf = (segments: number) => `segments_${segments}`;

type Figures = Record<Kind | 'cold', number[]>;

async function measure(database: string): Promise<Map<number, Figures>> {
  const times = new Map(SEGMENTS.map((segments) => [segments, { ...noTimes(), cold: [] as number[] }]));
  screen.step(`first lookups of ${COLD_ROUNDS} new connections`);
  for (let round = 0; round < COLD_ROUNDS; round++) {
    for (const [segments, { cold }] of times) {
      const connection = await connect(database);
      const table = await connection.openTable(nameOf(segments));
      cold.push(await lookUp(table, 'point', keys));
      table.close();
      connection.close();
    }
  }
  screen.step(`${rounds} rounds of lookups`);
  const connection = await connect(database);
  const tables = new Map<number, Table>();
  for (const segments of SEGMENTS) tables.set(segments, await connection.openTable(nameOf(segments)));
  for (const [segments, warm] of await lookUpInTurn(tables, rounds, keys))
    Object.assign(times.get(segments) ?? {}, warm);
  for (const table of tables.values()) table.close();
  connection.close();
  return times;
}

function report(times: ReadonlyMap<number, Figures>): void {
  const kinds = [...KINDS, 'cold'] as const;
  const p50 = (segments: number, kind: keyof Figures) => quantile(times.get(segments)?.[kind] ?? [], 0.5);
  const lines = SEGMENTS.map((segments) => ({
    segments,
    figures: kinds.map((kind) => ({ kind, ms: p50(segments, kind), ratio: p50(segments, kind) / p50(1, kind) })),
  }));
  if (options.json) {
    const flat = lines.map(({ segments, figures }) => ({
      segments,
      ...Object.fromEntries(
        figures.flatMap(({ kind, ms, ratio }) => [
          [`${kind}_ms`, ms],
          [`${kind}_ratio`, ratio],
        ]),
      ),
    }));
    process.stdout.write(
      `${JSON.stringify({ rows, fragments: FRAGMENTS, keys: options.keys, rounds, curve: flat })}\n`,
    );
    return;
  }
  const header = ['segments', ...kinds.flatMap((kind) => [`${kind} ms`, 'ratio'])];
  const cells = lines.map(({ segments, figures }) => [
    segments,
    ...figures.flatMap(({ ms, ratio }) => [ms.toFixed(2), ratio.toFixed(2)]),
  ]);
  process.stdout.write(`\np50 of ${rounds} rounds, of ${COLD_ROUNDS} when cold.\n\n${formatTable(header, cells)}\n`);
}

const database = await mkdtemp(join(tmpdir(), 'segmentd-bench-'));
try {
  await makeTables(database);
  report(await measure(database));
} finally {
  await rm(database, { recursive: true, force: true });
}
