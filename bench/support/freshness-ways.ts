/** Ways to have the rows of an append in all indexes of a table. */
import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { connect } from '@lancedb/lancedb';
import { stopwatch } from '../../src/lib/stopwatch.ts';
import type { Sample, Samples, Way } from '../harness/rounds.ts';
import type { Bench, Case } from '../harness/scenario.ts';
import type { Peer, PeerRequest } from '../peers/line-process.ts';
import { ownProcess } from '../peers/own.ts';
import type { PeerName } from '../peers/peers.ts';
import type { Growing, TableSize } from './growing-table.ts';
import { btree, growingCopy, makeIndexed } from './growing-table.ts';
import { assertCovered } from './index-once.ts';

type FreshnessWay = {
  readonly name: string;
  /** Takes seconds for each of many rows of the table: a few rounds are enough. */
  readonly slow?: true;
  /** Milliseconds that it took, and those of its steps where it tells. */
  catchUp(table: Growing, indexed: readonly string[]): Promise<Sample>;
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

async function timed(work: () => Promise<unknown>): Promise<Sample> {
  const lap = stopwatch();
  await work();
  return { ms: lap() };
}

/** Of `plan`, `engine`, which is LanceDB's build alone, `publish`, `commit`, and `view`: what segmentd needs to have LanceDB build without a commit. */
async function asked(peer: Peer, request: PeerRequest): Promise<Sample> {
  const { seconds, plan, engine, build, publish, commit } = await peer.ask(request);
  const view = typeof build === 'number' && typeof engine === 'number' ? build - engine : undefined;
  const steps = Object.entries({ ms: seconds, plan, view, engine, publish, commit });
  return Object.fromEntries(steps.flatMap(([name, it]) => (typeof it === 'number' ? [[name, it * 1000]] : [])));
}

/** segmentd, then LanceDB's own ways, then those of the peers that are there. */
async function freshnessWays({ home, cleanup, peers }: Bench, names: readonly string[]): Promise<FreshnessWay[]> {
  const own = ownProcess({ home, cleanup });
  const peer = (name: PeerName, ...ways: readonly string[]) =>
    ways.some((way) => names.includes(way)) ? peers.get(name) : undefined;
  const pylance = await peer('pylance', PYLANCE_SEGMENTS, PYLANCE_DELTA);
  const lancedb = await peer('lancedb', PYTHON_OPTIMIZE);
  const daft = await peer('daft-lance', DAFT);
  const ways: (FreshnessWay | undefined)[] = [
    { name: SEGMENTD, catchUp: ({ uri }) => asked(own, { do: 'index', uri, synced: true }) },
    { name: UNSYNCED, catchUp: ({ uri }) => asked(own, { do: 'index', uri, synced: false }) },
    pylance && {
      name: PYLANCE_SEGMENTS,
      catchUp: ({ uri }, columns) => asked(pylance, { do: 'segments', uri, columns }),
    },
    pylance && { name: PYLANCE_DELTA, catchUp: ({ uri }) => asked(pylance, { do: 'delta', uri }) },
    daft && { name: DAFT, catchUp: ({ uri }, columns) => asked(daft, { do: 'daft', uri, columns }) },
    { name: OPTIMIZE, slow: true, catchUp: ({ theirs }) => timed(() => theirs.optimize()) },
    lancedb && {
      name: PYTHON_OPTIMIZE,
      slow: true,
      catchUp: ({ uri }) => asked(lancedb, { do: 'optimize', uri }),
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
  /** Small appends that each way catches up with beforehand, but for those that take seconds. */
  readonly appendsBefore: number;
  readonly warmUp: number;
  readonly rounds: number;
  /** Of the ways that take seconds. */
  readonly slowRounds: number;
};

/** Compares the ways on one table, of which each has a copy of its own. Gives the rounds of each number of appended rows. */
export async function compareFreshness(
  bench: Bench,
  { table, at, size, appended, ways, appendsBefore, ...contest }: Freshness,
): Promise<ReadonlyMap<number, Samples>> {
  const database = join(bench.home, Object.values(at).join('-'));
  await makeIndexed(database, 'original', size);
  const connection = await connect(database);
  const taking: [FreshnessWay, Growing][] = [];
  for (const way of await freshnessWays(bench, ways)) {
    const name = way.name.toLowerCase().replaceAll(/[^a-z]+/g, '-');
    taking.push([way, await growingCopy(connection, database, { from: 'original', name, ...size })]);
  }
  await workBefore(taking, database, { size, appends: appendsBefore });
  const samples = new Map<number, Samples>();
  for (const count of appended) {
    const rounds = taking.map(([way, copy]) => appendAndCatchUp(way, copy, { count, size, ...contest }));
    samples.set(count, await bench.measure(table, { ...at, appended: count }, { ...contest, ways: rounds }));
  }
  connection.close();
  await rm(database, { recursive: true });
  return samples;
}

const SMALL = { rows: 10_000, appended: 100, appends: 15 };

/** On small tables of their own: what is measured has worked for a while, as a daemon and a service have, and each table has few segments. */
async function workBefore(
  taking: readonly (readonly [FreshnessWay, Growing])[],
  database: string,
  { size, appends }: { size: TableSize; appends: number },
): Promise<void> {
  const small = { ...size, rows: SMALL.rows };
  await makeIndexed(database, 'small', small);
  const connection = await connect(database);
  const quick = taking.filter(([{ slow }]) => !slow);
  for (let done = 0; done < appends; done += SMALL.appends) {
    for (const [at, [way]] of quick.entries()) {
      const table = await growingCopy(connection, database, { from: 'small', name: `small-${at}-${done}`, ...small });
      for (let append = 0; append < SMALL.appends; append++) {
        await table.append(SMALL.appended);
        await way.catchUp(table, size.indexed);
      }
      table.theirs.close();
    }
  }
  connection.close();
}

/**
 * Rounds of one way: an append that is not timed, then the way, then a look at whether it did it. In between what was written is brought to
 * the disk: a way that syncs its files would sync those of all others with them, and pay for it.
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
    const sample = await catchUp(table, size.indexed);
    await assertCovered(table.ours, name);
    return sample;
  },
});
