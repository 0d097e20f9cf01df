/** What segments of each kind of index cost a lookup, and what building them costs. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from '@lancedb/lancedb';
import type { KindName } from '../../src/lib/index-kinds.ts';
import type { Sample, Way } from '../harness/rounds.ts';
import { recorded } from '../harness/rounds.ts';
import type { Bench } from '../harness/scenario.ts';
import { scenario } from '../harness/scenario.ts';
import {
  buildCost,
  buildWays,
  FRAGMENTS,
  firstLookupWays,
  lookupWays,
  makeOriginal,
  SEGMENTS,
  segmentWay,
  waysName,
} from '../support/kind-curves.ts';
import type { KindTable } from '../support/kind-tables.ts';
import { KIND_TABLES } from '../support/kind-tables.ts';

const PROCESSOR = 'processor';
const FIRST_KIND = 'btree';

type Sizes = {
  readonly kinds: readonly KindName[];
  readonly rows: number;
  readonly builds: number;
  /** Of one segment. */
  readonly segmentRows: number;
  readonly segmentRounds: number;
  readonly warmUp: number;
  readonly rounds: number;
};

export const kinds = scenario<Sizes>({
  name: 'kinds',
  what: 'milliseconds of a lookup by the number of segments, and of a build, for each kind of index',
  sizes: {
    kinds: Object.keys(KIND_TABLES) as KindName[],
    ...{ rows: 100_000, builds: 4, segmentRows: 1_000_000, segmentRounds: 3, warmUp: 5, rounds: 40 },
  },
  texts: { kinds: new RegExp(`^(${Object.keys(KIND_TABLES).join('|')})$`) },
  quick: { rows: 20_000, builds: 2, segmentRows: 20_000, segmentRounds: 1, warmUp: 2, rounds: 7 },
  tables: {
    lookups: {
      title: 'Lookups by the index alone in copies of one table that differ in the number of its segments alone.',
      baseline: waysName(1),
      units: { ms: 'ms', cpu: 'ms' },
    },
    builds: {
      title: 'A segment with its commit, and each row in it; and the rows at which both are equal.',
      baseline: PROCESSOR,
      units: { fixed: 'ms', row: 'µs', floor: 'rows' },
      facts: ['fixed', 'row', 'floor'],
    },
    segments: {
      title:
        'One segment over so many rows, by `segmentd index` as a process of its own: with its start, its peak of resident memory, and its files.',
      baseline: FIRST_KIND,
      units: { seconds: 's', peak: 'MiB', disk: 'MiB' },
    },
  },
  async run(bench, { kinds: names, segmentRows, segmentRounds, ...sizes }) {
    for (const kind of names) await compare(bench, kind, sizes);
    // The others are compared with it.
    if (!names.includes(FIRST_KIND)) return;
    bench.step(`kinds: a segment of ${segmentRows.toLocaleString('en-US')} rows`);
    const ways: Way[] = [];
    for (const kind of names) {
      const database = join(bench.home, `one-${kind}`);
      await makeOriginal(database, tableOf(kind), segmentRows);
      ways.push(segmentWay(bench.home, database, kind));
    }
    await bench.measure('segments', { rows: segmentRows }, { warmUp: 0, rounds: segmentRounds, ways });
  },
});

async function compare(
  bench: Bench,
  kind: KindName,
  { rows, builds, ...contest }: Omit<Sizes, 'kinds' | 'segmentRows' | 'segmentRounds'>,
): Promise<void> {
  const table = tableOf(kind);
  bench.step(`kinds: ${kind} over ${table.what}: ${rows.toLocaleString('en-US')} rows in ${FRAGMENTS} fragments`);
  const database = join(bench.home, kind);
  await makeOriginal(database, table, rows);
  const { clock, processor } = await builtAll(await buildWays(database, kind), builds);
  const costs = [recorded(PROCESSOR, [buildCost(processor, rows)]), recorded('clock', [buildCost(clock, rows)])];
  await bench.measure('builds', { kind }, { ways: costs, warmUp: 0, rounds: 1 });
  const connection = await connect(database);
  for (const [lookup, drawn] of Object.entries(table.lookups)) {
    await bench.measure('lookups', { kind, lookup }, { ...contest, ways: await lookupWays(connection, drawn) });
  }
  connection.close();
  const [first] = Object.values(table.lookups);
  if (first) {
    const rounds = Math.ceil(contest.rounds / 3);
    const ways = firstLookupWays(database, first);
    await bench.measure('lookups', { kind, lookup: 'first of a connection' }, { warmUp: 0, rounds, ways });
  }
  await rm(database, { recursive: true });
}

function tableOf(kind: KindName): KindTable {
  const table = KIND_TABLES[kind];
  if (!table) throw new Error(`the kinds here are ${Object.keys(KIND_TABLES).join(', ')}`);
  return table;
}

type Built = Record<'clock' | 'processor', Map<number, number[]>>;

/** Milliseconds by the number of segments. The first build of a process pays for what the others find: it is made once more. */
async function builtAll(ways: readonly Way[], builds: number): Promise<Built> {
  const none = () => new Map(SEGMENTS.map((segments) => [segments, [] as number[]]));
  const built: Built = { clock: none(), processor: none() };
  await ways[0]?.round(-1);
  for (let round = 0; round < builds; round++) {
    for (const [at, segments] of SEGMENTS.entries()) {
      const took: Sample = (await ways[at]?.round(round)) ?? {};
      built.clock.get(segments)?.push(took.ms ?? Number.NaN);
      built.processor.get(segments)?.push(took.cpu ?? Number.NaN);
    }
  }
  return built;
}
