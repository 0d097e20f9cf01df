/** What very many appends leave for a lookup, with merging and without, beside an index that was rebuilt. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { connect, Index } from '@lancedb/lancedb';
import { DEFAULT_MERGE } from '../../src/merge/policy/tiered.ts';
import { quantile } from '../../testing/screen.ts';
import type { Sample } from '../harness/rounds.ts';
import { recorded } from '../harness/rounds.ts';
import type { Bench, Case } from '../harness/scenario.ts';
import { scenario } from '../harness/scenario.ts';
import { simulate } from '../simulate/merge-model.ts';
import type { Group, LookupWay } from '../support/lookup-ways.ts';
import { coldLookupWay, copyWithSegments, equalGroups, lookupWay, REBUILT } from '../support/lookup-ways.ts';
import type { KeyOrder, Keys } from '../support/lookups.ts';
import { keyBatch } from '../support/lookups.ts';
import type { MergingWorld } from '../support/merging-world.ts';
import { makeMergingWorld } from '../support/merging-world.ts';

const MERGED = 'merged';
const UNMERGED = 'not merged';
/** From here on a few rounds have to do, and then one: a lookup takes half a second and more, by the square of the segments. */
const MANY_SEGMENTS = 1_000;
const VERY_MANY_SEGMENTS = 5_000;
const LOOKUPS = { segments: 'segments', point: 'ms', in10: 'ms', range: 'ms' };
const FACTS = ['segments', 'written'];

type Sizes = {
  readonly batches: readonly number[];
  readonly batchRows: number;
  readonly keys: readonly KeyOrder[];
  /** Appends without merging end here: of more, the segments are built into a copy of the table, one for each append. */
  readonly mostUnmerged: number;
  /** `merge.factor`s, each by the segments that the policy leaves after the most batches. */
  readonly factors: readonly number[];
  /** Numbers of equal segments of one table. */
  readonly segments: readonly number[];
  readonly fragments: number;
  readonly fragmentRows: number;
  readonly warmUp: number;
  readonly rounds: number;
  readonly slowRounds: number;
  readonly coldRounds: number;
};

export const lookups = scenario<Sizes>({
  name: 'lookups',
  what: 'milliseconds of a lookup after very many appends, with merging and without, beside a rebuilt index',
  sizes: {
    ...{ batches: [10, 100, 1_000, 10_000], batchRows: 1_000, keys: ['ascending', 'scattered'], mostUnmerged: 1_000 },
    factors: [2, 3, 4, 5, 7, 10, 16],
    ...{ segments: [1, 2, 5, 10, 15, 20, 25, 50, 100, 200, 400], fragments: 400, fragmentRows: 5_000 },
    ...{ warmUp: 10, rounds: 60, slowRounds: 3, coldRounds: 7 },
  },
  texts: { keys: /^(ascending|scattered)$/ },
  quick: {
    ...{ batches: [10, 100], factors: [], segments: [1, 10, 50], fragments: 50, fragmentRows: 2_000 },
    ...{ warmUp: 2, rounds: 11, coldRounds: 3 },
  },
  tables: {
    appends: {
      title:
        'One key, an IN of ten and a range of a hundred, after so many appends through the pipeline of the daemon.',
      baseline: REBUILT,
      units: LOOKUPS,
      facts: FACTS,
    },
    growth: {
      title:
        'The appends themselves: from event to covered without Kafka, rows written into segments for each row, and segments.',
      baseline: UNMERGED,
      units: { p50: 'ms', p99: 'ms', written: 'rows/row', average: 'segments' },
      facts: ['written', 'average'],
    },
    factors: {
      title:
        'Lookups by `merge.factor`, in the segments that the policy leaves after the most appends above, and what that costs.',
      baseline: REBUILT,
      units: { ...LOOKUPS, written: 'rows/row' },
      facts: FACTS,
    },
    segments: {
      title: 'Lookups in copies of one table that differ in the number of equal segments alone.',
      baseline: REBUILT,
      units: LOOKUPS,
      facts: FACTS,
    },
    cold: {
      title: 'The first lookup of one key by a new connection, in the same copies.',
      baseline: REBUILT,
      units: { point: 'ms' },
    },
  },
  async run(bench, sizes) {
    for (const order of sizes.keys) {
      for (const batches of sizes.batches) {
        bench.step(`lookups: ${batches.toLocaleString('en-US')} batches, ${order} keys`);
        const home = join(bench.home, `${order}-${batches}`);
        await afterAppends(bench, home, { ...sizes, batches, order });
        if (batches === Math.max(...sizes.batches)) await byFactor(bench, home, { ...sizes, batches, order });
        await rm(home, { recursive: true });
      }
      if (sizes.segments.length > 0) await bySegments(bench, order, sizes);
    }
  },
});

type Grown = Omit<Sizes, 'batches'> & { readonly batches: number; readonly order: KeyOrder };

const keysOf = ({ batches, batchRows, order }: Pick<Grown, 'batches' | 'batchRows' | 'order'>): Keys => ({
  rows: batches * batchRows,
  order,
});

async function afterAppends(bench: Bench, home: string, sizes: Grown): Promise<void> {
  const { batches, order, mostUnmerged } = sizes;
  const growth: { name: string; sample: Sample }[] = [];
  const lookedUp: { name: string; segments: number }[] = [];
  const isGrown = batches <= mostUnmerged;
  const names = isGrown ? [UNMERGED, MERGED] : [MERGED];
  for (const name of names) {
    const world = await makeMergingWorld(home, keysOf(sizes), sizes.batchRows, name === MERGED, tableOf(name));
    growth.push({ name, sample: await grow(world, sizes) });
    lookedUp.push({ name, segments: (await world.table.latest()).indexes.length });
    await world.close();
  }
  await copyWithSegments(join(home, 'db'), tableOf(MERGED), REBUILT, equalGroups(batches, 1));
  const at = { keys: order, batches };
  if (!isGrown) {
    await copyWithSegments(join(home, 'db'), tableOf(MERGED), tableOf(UNMERGED), equalGroups(batches, batches));
    lookedUp.unshift({ name: UNMERGED, segments: batches });
  }
  if (isGrown) {
    const ways = growth.map(({ name, sample }) => recorded(name, [sample]));
    await bench.measure('growth', at, { ways, warmUp: 0, rounds: 1 });
  }
  const ways = lookedUp.map((it) => ({ ...it, table: tableOf(it.name), rounds: roundsOf(it.segments, sizes) }));
  const rebuilt = { name: REBUILT, table: REBUILT, segments: 1 };
  await compareLookups(bench, 'appends', at, join(home, 'db'), [rebuilt, ...ways], sizes);
}

const tableOf = (name: string) => name.replaceAll(' ', '_');
function roundsOf(segments: number, { slowRounds }: Grown): number | undefined {
  if (segments >= VERY_MANY_SEGMENTS) return 1;
  return segments >= MANY_SEGMENTS ? slowRounds : undefined;
}

/** All appends but the first, which made the table. */
async function grow(world: MergingWorld, { batches, batchRows }: Grown): Promise<Sample> {
  const ms: number[] = [];
  let segments = 0;
  for (let at = 1; at < batches; at++) {
    ms.push(await world.append());
    segments += (await world.table.latest()).indexes.length;
  }
  await world.merged();
  const built = (await world.metric('segment_build_rows_total')) + (await world.metric('merge_rows_total'));
  return {
    ...{ p50: quantile(ms, 0.5), p99: quantile(ms, 0.99) },
    // The first batch was indexed before the pipeline began.
    ...{ written: (batchRows + built) / (batches * batchRows), average: segments / (batches - 1) },
  };
}

type Lookups = Omit<LookupWay, 'keys'> & { readonly more?: Sample };

async function compareLookups(
  bench: Bench,
  table: string,
  at: Case,
  database: string,
  tables: readonly Lookups[],
  sizes: Grown,
): Promise<void> {
  const connection = await connect(database);
  const keys = keysOf(sizes);
  const ways = [];
  for (const { more = {}, ...it } of tables) {
    const way = await lookupWay(connection, { keys, ...it });
    ways.push({ ...way, round: async (round: number) => ({ ...(await way.round(round)), ...more }) });
  }
  await bench.measure(table, at, { ...sizes, ways });
  connection.close();
}

/** For each factor the cost by the model of the policy, and a copy of the table with the segments that the model ends with. */
async function byFactor(bench: Bench, home: string, sizes: Grown): Promise<void> {
  const { factors, batches, batchRows, order } = sizes;
  if (factors.length === 0) return;
  const ways: Lookups[] = [{ name: REBUILT, table: REBUILT, segments: 1 }];
  for (const factor of factors) {
    const { segments, amplification } = simulate(batches, () => () => batchRows, { ...DEFAULT_MERGE, factor });
    const name = `factor_${factor}`;
    await copyWithSegments(
      join(home, 'db'),
      tableOf(MERGED),
      name,
      segments.map(({ positions }): Group => positions),
    );
    ways.push({ name: `factor ${factor}`, table: name, segments: segments.length, more: { written: amplification } });
  }
  await compareLookups(bench, 'factors', { keys: order, batches }, join(home, 'db'), ways, sizes);
}

async function bySegments(bench: Bench, order: KeyOrder, sizes: Sizes): Promise<void> {
  const { fragments, fragmentRows, segments } = sizes;
  bench.step(`lookups: ${segments.join(', ')} segments, ${order} keys`);
  const database = join(bench.home, `segments-${order}`);
  const keys = { rows: fragments * fragmentRows, order };
  const connection = await connect(database);
  const original = await connection.createTable('original', keyBatch(keys, 0, fragmentRows));
  for (let at = 1; at < fragments; at++) await original.add(keyBatch(keys, at * fragmentRows, fragmentRows));
  await original.createIndex('key', { config: Index.btree() });
  original.close();
  connection.close();
  const ways: Lookups[] = [];
  for (const count of segments) {
    const groups = equalGroups(fragments, count);
    await copyWithSegments(database, 'original', `segments_${count}`, groups);
    const name = count === 1 ? REBUILT : `${groups.length} segments`;
    ways.push({ name, table: `segments_${count}`, segments: groups.length });
  }
  const grown = { ...sizes, batches: fragments, batchRows: fragmentRows, order };
  await compareLookups(bench, 'segments', { keys: order }, database, ways, grown);
  const cold = ways.map((it) => coldLookupWay(database, { ...it, keys }));
  await bench.measure('cold', { keys: order }, { warmUp: 0, rounds: sizes.coldRounds, ways: cold });
  await rm(database, { recursive: true });
}
