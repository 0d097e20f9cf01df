/**
 * What the number of segments costs a reader: lookups on copies of one table that differ in nothing but the number of segments
 * its index has. All in one run, in rounds that visit each copy in turn; each figure beside its ratio to one segment.
 *
 *   node bench/lookup-curve.ts [--rows 2000000] [--rounds 60] [--keys scattered|ascending] [--json]
 */
import { copyFile, link, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Table } from '@lancedb/lancedb';
import { connect } from '@lancedb/lancedb';
import { Table as ArrowTable, makeVector } from 'apache-arrow';
import { formatTable } from '../src/commands/output.ts';
import { catchUp } from '../src/lance/catch-up.ts';
import { lanceSegmentBuilder } from '../src/lance/segment-builder.ts';
import { LanceTable } from '../src/lance/table.ts';
import { stopwatch } from '../src/lib/stopwatch.ts';
import { localStore } from '../src/store/local-store.ts';
import { quantile, screen } from './demo/screen.ts';

const FRAGMENTS = 400;
const SEGMENTS = [1, 2, 5, 10, 15, 20, 25, 50, 100, 200, 400];
/** First lookups of a new connection, for each copy. */
const COLD_ROUNDS = 5;
const WARM_UP_ROUNDS = 10;
const RANGE_ROWS = 100;

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

/**
 * The key of a row. Scattered ones lie anywhere in each fragment, as hashes do, so that no segment can be ruled out by its least and
 * greatest value; ascending ones, as counters do, in one fragment alone. The step is prime and larger than any table here, so each
 * key is there once.
 */
const keyOf = (row: number) =>
  options.keys === 'ascending' ? row : Number((BigInt(row) * 2_654_435_761n) % BigInt(rows));

function batch(from: number): ArrowTable {
  const keys = BigInt64Array.from({ length: perFragment }, (_, at) => BigInt(keyOf(from + at)));
  return new ArrowTable({ key: makeVector(keys) });
}

const someKey = () => Math.floor(Math.random() * (rows - RANGE_ROWS));

/** Each with the number of rows it must find. */
const LOOKUPS = {
  point: () => ({ filter: `key = ${someKey()}`, found: 1 }),
  in10: () => {
    const keys = new Set<number>();
    while (keys.size < 10) keys.add(someKey());
    return { filter: `key IN (${[...keys].join(', ')})`, found: 10 };
  },
  range: () => {
    const from = someKey();
    return { filter: `key >= ${from} AND key < ${from + RANGE_ROWS}`, found: RANGE_ROWS };
  },
} as const;
type Kind = keyof typeof LOOKUPS;
const KINDS = Object.keys(LOOKUPS) as Kind[];

async function lookUp(table: Table, kind: Kind): Promise<number> {
  const { filter, found } = LOOKUPS[kind]();
  const lap = stopwatch();
  const answer = await table.query().fastSearch().where(filter).toArrow();
  const ms = lap();
  if (answer.numRows !== found) throw new Error(`${filter} found ${answer.numRows} rows`);
  return ms;
}

/** A copy of a table that shares its data files, which nobody changes. */
async function copyTable(from: string, to: string): Promise<void> {
  for (const entry of await readdir(from, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const source = join(entry.parentPath, entry.name);
    const target = join(to, source.slice(from.length));
    await mkdir(dirname(target), { recursive: true });
    await (target.includes('/data/') ? link(source, target) : copyFile(source, target));
  }
}

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
      commit: { maxAttempts: 1, backoffMs: 0, writer: { library: 'segmentd', version: 'bench' } },
      properties: {},
    });
    screen.note(`${made.segments.length} segments`);
  }
}

const nameOf = (segments: number) => `segments_${segments}`;

type Times = Record<Kind | 'cold', number[]>;
const noTimes = (): Times => ({ point: [], in10: [], range: [], cold: [] });

async function measure(database: string): Promise<Map<number, Times>> {
  const times = new Map(SEGMENTS.map((segments) => [segments, noTimes()]));
  screen.step(`first lookups of ${COLD_ROUNDS} new connections`);
  for (let round = 0; round < COLD_ROUNDS; round++) {
    for (const [segments, { cold }] of times) {
      const connection = await connect(database);
      const table = await connection.openTable(nameOf(segments));
      cold.push(await lookUp(table, 'point'));
      table.close();
      connection.close();
    }
  }
  screen.step(`${rounds} rounds of lookups`);
  const connection = await connect(database);
  const tables = new Map<number, Table>();
  for (const segments of SEGMENTS) tables.set(segments, await connection.openTable(nameOf(segments)));
  // All pages of all segments into the cache: else a lookup's time is that of reading the pages that no other touched before.
  for (const table of tables.values()) await table.countRows('key >= 0');
  for (let round = -WARM_UP_ROUNDS; round < rounds; round++) {
    for (const [segments, table] of tables) {
      // Not timed: the first lookup pays for what the one on the copy before it left in the processor's caches.
      await lookUp(table, 'point');
      for (const kind of KINDS) {
        const ms = await lookUp(table, kind);
        if (round >= 0) times.get(segments)?.[kind].push(ms);
      }
    }
  }
  for (const table of tables.values()) table.close();
  connection.close();
  return times;
}

function report(times: ReadonlyMap<number, Times>): void {
  const kinds = [...KINDS, 'cold'] as const;
  const p50 = (segments: number, kind: keyof Times) => quantile(times.get(segments)?.[kind] ?? [], 0.5);
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
