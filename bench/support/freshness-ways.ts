/** Ways to have the rows of an append in all indexes of a table. */
import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { connect } from '@lancedb/lancedb';
import { LanceTable } from '../../src/lance/table/table.ts';
import { stopwatch } from '../../src/lib/stopwatch.ts';
import type { Samples, Way } from '../harness/rounds.ts';
import type { Bench, Case } from '../harness/scenario.ts';
import type { PeerName } from '../peers/peers.ts';
import type { Growing, TableSize } from './growing-table.ts';
import { btree, growingCopy, makeIndexed } from './growing-table.ts';
import { assertCovered, indexOnce, msOf } from './index-once.ts';
import { openBuilder } from './open-builder.ts';
import { unsyncedStore } from './unsynced-store.ts';

type FreshnessWay = {
  readonly name: string;
  /** Takes seconds for each of many rows of the table: a few rounds are enough. */
  readonly slow?: true;
  /** Milliseconds that it took. */
  catchUp(table: Growing, indexed: readonly string[]): Promise<number>;
};

export const SEGMENTD = 'segmentd';
export const UNSYNCED = 'segmentd, not synced';
export const PYLANCE_SEGMENTS = 'pylance segments';
export const PYLANCE_DELTA = 'pylance delta';
const DAFT = 'daft-lance';
const OPTIMIZE = 'optimize()';
const PYTHON_OPTIMIZE = 'optimize(), Python';
const CREATE_INDEX = 'createIndex';

export const ALL_WAYS = [
  SEGMENTD,
  UNSYNCED,
  PYLANCE_SEGMENTS,
  PYLANCE_DELTA,
  DAFT,
  OPTIMIZE,
  PYTHON_OPTIMIZE,
  CREATE_INDEX,
];

async function timed(work: () => Promise<unknown>): Promise<number> {
  const lap = stopwatch();
  await work();
  return lap();
}

/** segmentd, then LanceDB's own ways, then those of the peers that are there. */
async function freshnessWays({ home, peers }: Bench, names: readonly string[]): Promise<FreshnessWay[]> {
  const builder = await openBuilder(home);
  const opened = new Map<string, LanceTable>();
  const unsynced = (uri: string) => {
    const table = opened.get(uri) ?? new LanceTable(unsyncedStore(uri));
    opened.set(uri, table);
    return table;
  };
  const peer = (name: PeerName, ...ways: readonly string[]) =>
    ways.some((way) => names.includes(way)) ? peers.get(name) : undefined;
  const pylance = await peer('pylance', PYLANCE_SEGMENTS, PYLANCE_DELTA);
  const lancedb = await peer('lancedb', PYTHON_OPTIMIZE);
  const daft = await peer('daft-lance', DAFT);
  const ways: (FreshnessWay | undefined)[] = [
    { name: SEGMENTD, catchUp: async ({ ours }) => msOf(await indexOnce(ours, builder)) },
    { name: UNSYNCED, catchUp: async ({ uri }) => msOf(await indexOnce(unsynced(uri), builder)) },
    pylance && {
      name: PYLANCE_SEGMENTS,
      catchUp: ({ uri }, columns) => pylance.ms({ do: 'segments', uri, columns }),
    },
    pylance && { name: PYLANCE_DELTA, catchUp: ({ uri }) => pylance.ms({ do: 'delta', uri }) },
    daft && { name: DAFT, catchUp: ({ uri }, columns) => daft.ms({ do: 'daft', uri, columns }) },
    { name: OPTIMIZE, slow: true, catchUp: ({ theirs }) => timed(() => theirs.optimize()) },
    lancedb && {
      name: PYTHON_OPTIMIZE,
      slow: true,
      catchUp: ({ uri }) => lancedb.ms({ do: 'optimize', uri }),
    },
    {
      name: CREATE_INDEX,
      slow: true,
      catchUp: ({ theirs }, columns) =>
        timed(async () => {
          for (const column of columns) await theirs.createIndex(column, { ...btree(), replace: true });
        }),
    },
  ];
  return ways.filter((way) => way !== undefined).filter(({ name }) => names.includes(name));
}

export type Freshness = {
  /** Of the scenario's table of figures. */
  readonly table: string;
  readonly at: Case;
  readonly size: TableSize;
  /** Rows of an append. */
  readonly appended: readonly number[];
  /** Names; those that are not there are left out. */
  readonly ways: readonly string[];
  readonly warmUp: number;
  readonly rounds: number;
  /** Of the ways that take seconds. */
  readonly slowRounds: number;
};

/** Compares the ways on one table, of which each has a copy of its own. Gives the rounds of each number of appended rows. */
export async function compareFreshness(
  bench: Bench,
  { table, at, size, appended, ways, ...contest }: Freshness,
): Promise<ReadonlyMap<number, Samples>> {
  const database = join(bench.home, Object.values(at).join('-'));
  await makeIndexed(database, 'original', size);
  const connection = await connect(database);
  const taking: [FreshnessWay, Growing][] = [];
  for (const way of await freshnessWays(bench, ways)) {
    const name = way.name.toLowerCase().replaceAll(/[^a-z]+/g, '-');
    taking.push([way, await growingCopy(connection, database, { from: 'original', name, ...size })]);
  }
  const samples = new Map<number, Samples>();
  for (const count of appended) {
    const rounds = taking.map(([way, copy]) => appendAndCatchUp(way, copy, { count, size, ...contest }));
    samples.set(count, await bench.measure(table, { ...at, appended: count }, { ...contest, ways: rounds }));
  }
  connection.close();
  await rm(database, { recursive: true });
  return samples;
}

/**
 * Rounds of one way: an append that is not timed, then the way, then a look at whether it did it. In between what was written is brought to
 * the disk: a way that syncs its files would sync those of all others with them, and pay for it. So it would for the rows that were made here for
 * the append, which are garbage by now, and are collected with threads that the processors do not have to spare.
 */
const appendAndCatchUp = (
  { name, slow, catchUp }: FreshnessWay,
  table: Growing,
  { count, size, slowRounds }: { count: number; size: TableSize; slowRounds: number },
): Way => ({
  name,
  ...(slow && { rounds: slowRounds }),
  async round() {
    await table.append(count);
    await promisify(execFile)('sync');
    globalThis.gc?.();
    const ms = await catchUp(table, size.indexed);
    await assertCovered(table.ours, name);
    return { ms };
  },
});
