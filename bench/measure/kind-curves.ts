/**
 * What segments of a kind of index cost: lookups on copies of one table that differ in nothing but the number of segments their index
 * has, beside the copy with one rebuilt segment, and what building them took. All copies are built and asked in turn, so that a busy
 * machine is busy for all of them; processor time is that of the whole process, in which the engine runs.
 *
 * Building and committing the segments of a copy takes `segments * fixed + rows * per row`. The line through the copies gives both, and
 * their quotient is the rows whose build costs as much as a merge of none: what `floor_rows` should be.
 *
 *   npm run bench:kinds -- [--kind bitmap,fm] [--rows 100000] [--rounds 40] [--builds 3] [--quick] [--json]
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
import type { KindName } from '../../src/lib/index-kinds.ts';
import { stopwatch } from '../../src/lib/stopwatch.ts';
import { localStore } from '../../src/store/local-store.ts';
import { quantile, screen } from '../../testing/screen.ts';
import { seeded } from '../../testing/seeded.ts';
import type { KindTable } from '../support/kind-tables.ts';
import { COLUMN, KIND_TABLES, kindBatch } from '../support/kind-tables.ts';
import { copyTable } from '../support/lookups.ts';

const FRAGMENTS = 40;
const SEGMENTS = [1, 3, 5, 10, 20, 40];
const WARM_UP_ROUNDS = 5;

const { values: options } = parseArgs({
  options: {
    kind: { type: 'string', default: Object.keys(KIND_TABLES).join(',') },
    rows: { type: 'string' },
    rounds: { type: 'string' },
    builds: { type: 'string' },
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const perFragment = Math.ceil(Number(options.rows ?? (options.quick ? 20_000 : 100_000)) / FRAGMENTS);
const rows = perFragment * FRAGMENTS;
const rounds = Number(options.rounds ?? (options.quick ? 15 : 40));
const builds = Number(options.builds ?? (options.quick ? 2 : 4));

/** Milliseconds by the clock, and of processor time. */
type Took = { readonly wall: number; readonly cpu: number };

async function timed<T>(work: () => Promise<T>): Promise<Took & { readonly result: T }> {
  const before = process.cpuUsage();
  const lap = stopwatch();
  const result = await work();
  const wall = lap();
  const { user, system } = process.cpuUsage(before);
  return { wall, cpu: (user + system) / 1000, result };
}

const nameOf = (segments: number) => `segments_${segments}`;

/** Builds the index of each copy, `builds` times in turn, and leaves the last ones. Returns what each time took. */
async function makeCopies(database: string, kind: KindName): Promise<Map<number, Took[]>> {
  const builder = lanceSegmentBuilder(join(database, 'scratch'));
  const took = new Map(SEGMENTS.map((segments) => [segments, [] as Took[]]));
  for (let round = -1; round < builds; round++) {
    for (const [segments, times] of took) {
      // The first build of a process pays for what the others find: it is made once more.
      if (round < 0 && segments > 1) break;
      const folder = join(database, `${nameOf(segments)}.lance`);
      await rm(folder, { recursive: true, force: true });
      await copyTable(join(database, 'original.lance'), folder, 1);
      const { result, wall, cpu } = await timed(() =>
        catchUp(new LanceTable(localStore(folder)), builder, {
          wanted: [{ column: COLUMN, kind }],
          limits: { maxRows: Number.MAX_SAFE_INTEGER, maxFragments: Math.ceil(FRAGMENTS / segments) },
          commit: { maxAttempts: 1, initialBackoffMs: 0, writer: { library: 'segmentd', version: 'bench' } },
          properties: {},
        }),
      );
      if (result.segments.length !== segments) throw new Error(`${result.segments.length} segments, not ${segments}`);
      if (round >= 0) times.push({ wall, cpu });
    }
  }
  return took;
}

/** Times by lookup and number of segments; `first` is the first lookup of a new connection. */
type Times = Map<string, Map<number, Took[]>>;

async function lookUpAll(database: string, { lookups }: KindTable): Promise<Times> {
  const random = seeded(11);
  const times: Times = new Map(
    [...Object.keys(lookups), 'first'].map((name) => [name, new Map(SEGMENTS.map((it) => [it, []]))]),
  );
  const connection = await connect(database);
  const tables = new Map<number, Table>();
  for (const segments of SEGMENTS) tables.set(segments, await connection.openTable(nameOf(segments)));
  for (let round = -WARM_UP_ROUNDS; round < rounds; round++) {
    for (const [name, drawn] of Object.entries(lookups)) {
      const lookup = drawn(random);
      let found: number | undefined;
      for (const [segments, table] of tables) {
        const { result, ...took } = await timed(() => lookup(table));
        found ??= result;
        if (result !== found)
          throw new Error(`${name} found ${found} rows in one segment and ${result} in ${segments}`);
        if (round >= 0) times.get(name)?.get(segments)?.push(took);
      }
    }
  }
  for (const table of tables.values()) table.close();
  connection.close();
  const [drawn] = Object.values(lookups);
  for (let round = 0; round < rounds / 3; round++) {
    const lookup = drawn?.(random);
    for (const segments of SEGMENTS) {
      const fresh = await connect(database);
      const table = await fresh.openTable(nameOf(segments));
      if (lookup)
        times
          .get('first')
          ?.get(segments)
          ?.push(await timed(() => lookup(table)));
      table.close();
      fresh.close();
    }
  }
  return times;
}

/** Medians, and quartiles of the ratios of each round to the one segment of that round. */
function curveOf(times: ReadonlyMap<number, Took[]>) {
  const one = times.get(1) ?? [];
  return [...times].map(([segments, took]) => {
    const ratios = (of: keyof Took) => took.map((it, round) => it[of] / (one[round]?.[of] ?? Number.NaN));
    const spread = (of: keyof Took) => [0.5, 0.25, 0.75].map((share) => quantile(ratios(of), share));
    const p50 = (of: keyof Took) =>
      quantile(
        took.map((it) => it[of]),
        0.5,
      );
    return { segments, ms: p50('wall'), cpu_ms: p50('cpu'), ratio: spread('wall'), cpu_ratio: spread('cpu') };
  });
}

/** The line through the medians by least squares: milliseconds per segment, and microseconds per row. */
function costOf(took: ReadonlyMap<number, Took[]>, of: keyof Took) {
  const points = [...took].map(([segments, times]) => ({
    segments,
    ms: quantile(
      times.map((it) => it[of]),
      0.5,
    ),
  }));
  const mean = (some: readonly number[]) => some.reduce((sum, it) => sum + it, 0) / some.length;
  const [x, y] = [mean(points.map((it) => it.segments)), mean(points.map((it) => it.ms))];
  const slope =
    mean(points.map((it) => (it.segments - x) * (it.ms - y))) / mean(points.map((it) => (it.segments - x) ** 2));
  const perRow = ((y - slope * x) / rows) * 1000;
  return { ms: points, fixed_ms: slope, us_per_row: perRow, floor_rows: (slope / perRow) * 1000 };
}

async function measure(kind: KindName) {
  const table = KIND_TABLES[kind];
  if (!table) throw new Error(`--kind is one of ${Object.keys(KIND_TABLES).join(', ')}`);
  const database = await mkdtemp(join(tmpdir(), 'segmentd-bench-'));
  try {
    screen.step(`${kind} over ${table.what}: ${rows.toLocaleString('en-US')} rows in ${FRAGMENTS} fragments`);
    const connection = await connect(database);
    const original = await connection.createTable('original', kindBatch(table, 0, perFragment));
    for (let at = 1; at < FRAGMENTS; at++) await original.add(kindBatch(table, at * perFragment, perFragment));
    original.close();
    connection.close();
    const built = await makeCopies(database, kind);
    screen.note(`${rounds} rounds of lookups`);
    const times = await lookUpAll(database, table);
    const curves = [...times].map(([lookup, by]) => ({ lookup, curve: curveOf(by) }));
    return { kind, curves, build: { cpu: costOf(built, 'cpu'), wall: costOf(built, 'wall') } };
  } finally {
    await rm(database, { recursive: true, force: true });
  }
}

function print({ kind, curves, build }: Awaited<ReturnType<typeof measure>>): void {
  const spread = ([half = 0, low = 0, high = 0]: number[]) =>
    `${half.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`;
  const header = ['lookup', 'segments', 'ms', 'cpu ms', 'ratio', 'cpu ratio'];
  const lines = curves.flatMap(({ lookup, curve }) =>
    curve.map(({ segments, ms, cpu_ms, ratio, cpu_ratio }) => [
      ...[lookup, segments, ms.toFixed(2), cpu_ms.toFixed(2), spread(ratio), spread(cpu_ratio)],
    ]),
  );
  const { cpu, wall } = build;
  const cost = (what: string, { fixed_ms, us_per_row, floor_rows }: typeof cpu) =>
    `${what}: ${fixed_ms.toFixed(1)} ms per segment and ${us_per_row.toFixed(2)} us per row, equal at ${Math.round(floor_rows).toLocaleString('en-US')} rows`;
  process.stdout.write(
    `\n${kind}\n\n${formatTable(header, lines)}\n\n${cost('processor', cpu)}\n${cost('clock', wall)}\n`,
  );
}

const kinds = options.kind.split(',') as KindName[];
const results = [];
for (const kind of kinds) {
  const result = await measure(kind);
  results.push(result);
  if (!options.json) print(result);
}
if (options.json) process.stdout.write(`${JSON.stringify({ rows, fragments: FRAGMENTS, rounds, builds, results })}\n`);
