/** What one append costs beside Lance's own commit of it, by the number of fragments; and a batch beside a table of just its rows. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { connect, Index } from '@lancedb/lancedb';
import { LanceTable } from '../../src/lance/table/table.ts';
import { stopwatch } from '../../src/lib/stopwatch.ts';
import { localStore } from '../../src/store/local-store.ts';
import { people } from '../../testing/people.ts';
import type { Contest } from '../harness/rounds.ts';
import type { Bench } from '../harness/scenario.ts';
import { scenario } from '../harness/scenario.ts';
import { SEGMENTD } from '../support/freshness-ways.ts';
import { indexOnce, msOf } from '../support/index-once.ts';
import { openBuilder } from '../support/open-builder.ts';
import { makeWideTable } from '../support/wide-table.ts';

const APPEND_ROWS = 100;

type Rounds = Pick<Contest, 'warmUp' | 'rounds'>;

export const commit = scenario({
  name: 'commit',
  what: "milliseconds that an append costs segmentd without the build, beside Lance's own append of it",
  sizes: {
    fragments: [100, 1_000, 10_000, 100_000],
    /** Of the table of the batch, and of the batch. */
    rows: 1_000_000,
    batch: 100_000,
    ...{ warmUp: 3, rounds: 31 },
  },
  quick: { fragments: [100, 1_000, 10_000], warmUp: 2, rounds: 11 },
  tables: {
    commit: {
      title:
        'An append of a hundred rows to a table of so many fragments: plan, publish and commit of segmentd, and the append itself.',
      baseline: SEGMENTD,
      units: { ms: 'ms', plan: 'ms', publish: 'ms', commit: 'ms' },
      facts: ['plan', 'publish', 'commit'],
    },
    batch: {
      title:
        'A batch of segmentd on a large table, and `createIndex` on a table that holds nothing but the rows of the batch.',
      baseline: SEGMENTD,
      units: { ms: 'ms' },
    },
  },
  async run(bench, { fragments, rows, batch, ...rounds }) {
    // First, before the widest table has filled the engine's caches and this process' memory.
    bench.step(`commit: a batch of ${batch.toLocaleString('en-US')} rows`);
    await compareBatch(bench, rows, batch, rounds);
    for (const count of fragments) {
      bench.step(`commit: ${count.toLocaleString('en-US')} fragments`);
      await compareCommit(bench, count, rounds);
    }
  },
});

/** Two equal tables, each appended to and indexed in turn; of the one the appends are timed, of the other the batches. */
async function compareCommit(bench: Bench, fragments: number, rounds: Rounds): Promise<void> {
  const database = join(bench.home, `wide-${fragments}`);
  const builder = await openBuilder(bench.home);
  const connection = await connect(database);
  const open = async (name: string) => {
    const ours = new LanceTable(localStore(await makeWideTable(database, name, fragments, APPEND_ROWS)));
    const theirs = await connection.openTable(name);
    let next = fragments * APPEND_ROWS;
    const add = async () => {
      const rows = people(next, APPEND_ROWS);
      next += APPEND_ROWS;
      const lap = stopwatch();
      await theirs.add(rows);
      return lap();
    };
    return { add, index: () => indexOnce(ours, builder) };
  };
  const [appended, indexed] = [await open('appended'), await open('indexed')];
  await bench.measure(
    'commit',
    { fragments },
    {
      ...rounds,
      ways: [
        {
          name: SEGMENTD,
          async round() {
            await indexed.add();
            const { plan, publish, commit: put } = await indexed.index();
            return { ms: plan + publish + put, plan, publish, commit: put };
          },
        },
        {
          name: 'append of LanceDB',
          async round() {
            const ms = await appended.add();
            await appended.index();
            return { ms };
          },
        },
      ],
    },
  );
  connection.close();
  await rm(database, { recursive: true });
}

async function compareBatch(bench: Bench, rows: number, batch: number, rounds: Rounds): Promise<void> {
  const database = join(bench.home, 'batch');
  const connection = await connect(database);
  const big = await connection.createTable('big', people(0, rows));
  await big.createIndex('id', { config: Index.btree() });
  const table = new LanceTable(localStore(join(database, 'big.lance')));
  const builder = await openBuilder(bench.home);
  let next = rows;
  const small = (at: number) => connection.createTable('small', people(at, batch), { mode: 'overwrite' });
  const timed = async (work: () => Promise<unknown>) => {
    const lap = stopwatch();
    await work();
    return { ms: lap() };
  };
  const ways = [
    {
      name: SEGMENTD,
      async round() {
        await big.add(people(next, batch));
        next += batch;
        return { ms: msOf(await indexOnce(table, builder)) };
      },
    },
    {
      // As a process has to that learns of an append.
      name: 'open and createIndex',
      async round() {
        await small(next);
        const fresh = await connect(database);
        return timed(async () => (await fresh.openTable('small')).createIndex('id', { config: Index.btree() }));
      },
    },
    {
      // By the handle that wrote the rows, everything still in memory.
      name: 'createIndex',
      async round() {
        const table = await small(next);
        return timed(() => table.createIndex('id', { config: Index.btree() }));
      },
    },
  ];
  await bench.measure('batch', { rows, batch }, { ...rounds, ways });
  connection.close();
}
