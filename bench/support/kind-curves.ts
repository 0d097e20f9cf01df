/**
 * What segments of a kind of index cost: copies of one table that differ in nothing but the number of segments their index has, and what
 * building them took. Processor time is that of the whole process, in which the engine runs.
 */

import { rm } from 'node:fs/promises';
import type { Connection, Table } from '@lancedb/lancedb';
import { connect } from '@lancedb/lancedb';
import { catchUp } from '../../src/commands/tables/catch-up.ts';
import { LanceTable } from '../../src/lance/table/table.ts';
import type { KindName } from '../../src/lib/index-kinds.ts';
import { stopwatch } from '../../src/lib/stopwatch.ts';
import { localStore } from '../../src/store/local-store.ts';
import { MAIN } from '../../testing/cli.ts';
import { quantile } from '../../testing/screen.ts';
import { seeded } from '../../testing/seeded.ts';
import { folderOf } from '../../testing/unindexed-table.ts';
import type { Sample, Way } from '../harness/rounds.ts';
import { runMeasured } from './first-builds.ts';
import { COMMIT } from './index-once.ts';
import type { KindTable } from './kind-tables.ts';
import { COLUMN, kindBatch } from './kind-tables.ts';
import { copyTable } from './lookups.ts';
import { openBuilder } from './open-builder.ts';

export const FRAGMENTS = 40;
export const SEGMENTS = [1, 3, 5, 10, 20, 40];
export const waysName = (segments: number) => (segments === 1 ? 'rebuilt' : `${segments} segments`);
const SEED = 11;
/** More than any table here has. */
const ALL_ROWS = 1_000_000_000;

/** Milliseconds by the clock, and of processor time. */
type Took = { readonly ms: number; readonly cpu: number };

async function timed<T>(work: () => Promise<T>): Promise<Took & { readonly result: T }> {
  const before = process.cpuUsage();
  const lap = stopwatch();
  const result = await work();
  const ms = lap();
  const { user, system } = process.cpuUsage(before);
  return { ms, cpu: (user + system) / 1000, result };
}

const nameOf = (segments: number) => `segments_${segments}`;

export async function makeOriginal(database: string, table: KindTable, rows: number): Promise<void> {
  const each = Math.ceil(rows / FRAGMENTS);
  const connection = await connect(database);
  const original = await connection.createTable('original', kindBatch(table, 0, each));
  for (let at = 1; at < FRAGMENTS; at++) await original.add(kindBatch(table, at * each, each));
  original.close();
  connection.close();
}

/** Each round builds the index of a copy anew, in so many segments, and leaves it. */
export async function buildWays(database: string, kind: KindName): Promise<Way[]> {
  const builder = await openBuilder(database);
  return SEGMENTS.map((segments) => ({
    name: waysName(segments),
    async round() {
      const folder = folderOf(database, nameOf(segments));
      await rm(folder, { recursive: true, force: true });
      await copyTable(folderOf(database, 'original'), folder, 1);
      const { result, ms, cpu } = await timed(() =>
        catchUp(new LanceTable(localStore(folder)), builder, {
          wanted: [{ column: COLUMN, kind }],
          limits: { maxRows: Number.MAX_SAFE_INTEGER, maxFragments: Math.ceil(FRAGMENTS / segments) },
          commit: COMMIT,
          properties: {},
        }),
      );
      if (result.segments.length !== segments) throw new Error(`${result.segments.length} segments, not ${segments}`);
      return { ms, cpu };
    },
  }));
}

/** A process of its own that builds one segment over all rows: with its start, its peak of memory and the bytes of the segment, in MiB. */
export const segmentWay = (home: string, database: string, kind: KindName): Way => ({
  name: kind,
  async round() {
    const uri = folderOf(database, 'one_segment');
    await copyTable(folderOf(database, 'original'), uri, 1);
    const asked = ['--column', COLUMN, '--kind', kind, '--rows-per-segment', String(ALL_ROWS)];
    const { seconds, peak } = await runMeasured(home, [MAIN, 'index', uri, ...asked]);
    const { indexes } = await new LanceTable(localStore(uri)).latest();
    if (indexes.length !== 1) throw new Error(`${kind} has ${indexes.length} segments, not one`);
    const bytes = (indexes[0]?.files ?? []).reduce((sum, file) => sum + Number(file.bytes), 0);
    await rm(uri, { recursive: true });
    return { seconds, peak, disk: bytes / 2 ** 20 };
  },
});

/** Each round asks the same of every copy, with the same answer. */
export async function lookupWays(connection: Connection, lookup: KindTable['lookups'][string]): Promise<Way[]> {
  const found = new Map<number, number>();
  const ways: Way[] = [];
  for (const segments of SEGMENTS) {
    const table = await connection.openTable(nameOf(segments));
    ways.push({ name: waysName(segments), round: (round) => checked(table, lookup, round, found) });
  }
  return ways;
}

/** The first lookup of a new connection. */
export const firstLookupWays = (database: string, lookup: KindTable['lookups'][string]): Way[] => {
  const found = new Map<number, number>();
  return SEGMENTS.map((segments) => ({
    name: waysName(segments),
    async round(round) {
      const connection = await connect(database);
      const table = await connection.openTable(nameOf(segments));
      const sample = await checked(table, lookup, round, found);
      table.close();
      connection.close();
      return sample;
    },
  }));
};

async function checked(
  table: Table,
  lookup: KindTable['lookups'][string],
  round: number,
  found: Map<number, number>,
): Promise<Sample> {
  const ask = lookup(seeded(SEED + round));
  const { result, ms, cpu } = await timed(() => ask(table));
  const before = found.get(round) ?? result;
  if (before !== result) throw new Error(`a lookup found ${before} rows in some segments and ${result} in others`);
  found.set(round, result);
  return { ms, cpu };
}

/**
 * Building and committing the segments of a copy takes `segments * fixed + rows * per row`. The line through the copies by least squares
 * gives both, and their quotient is the rows whose build costs as much as a merge of none: what `floor_rows` should be.
 */
export function buildCost(took: ReadonlyMap<number, readonly number[]>, rows: number): Sample {
  const points = [...took].map(([segments, ms]) => ({ segments, ms: quantile(ms, 0.5) }));
  const mean = (some: readonly number[]) => some.reduce((sum, it) => sum + it, 0) / some.length;
  const [x, y] = [mean(points.map((it) => it.segments)), mean(points.map((it) => it.ms))];
  const slope =
    mean(points.map((it) => (it.segments - x) * (it.ms - y))) / mean(points.map((it) => (it.segments - x) ** 2));
  const perRow = ((y - slope * x) / rows) * 1000;
  return { fixed: slope, row: perRow, floor: (slope / perRow) * 1000 };
}
