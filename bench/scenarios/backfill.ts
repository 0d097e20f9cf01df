/** How much sooner a first build is done with two worker processes than with one, and beside LanceDB's own. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from '@lancedb/lancedb';
import { stopwatch } from '../../src/lib/stopwatch.ts';
import { folderOf } from '../../testing/unindexed-table.ts';
import type { Way } from '../harness/rounds.ts';
import { scenario } from '../harness/scenario.ts';
import { backfillBy, makeBackfillTables } from '../support/backfill-group.ts';
import { brokerFor } from '../support/daemon-place.ts';
import { btree } from '../support/growing-table.ts';
import { copyTable } from '../support/lookups.ts';

const ONE_WORKER = '1 worker';

export const backfill = scenario({
  name: 'backfill',
  what: 'seconds until a group of workers has built the indexes of a table that has hardly any',
  sizes: {
    ...{ rows: 20_000_000, fragments: 200, columns: ['id', 'name'], rowsPerSegment: 1_000_000 },
    ...{ workers: [2], unlimited: false, warmUp: 0, rounds: 3 },
  },
  texts: { columns: /^(id|name)$/ },
  quick: { rows: 1_000_000, fragments: 40, rowsPerSegment: 50_000, rounds: 1 },
  tables: {
    backfill: {
      title:
        'Two BTREE indexes, from the publication of the events, to workers that run and are warm, until coverage is 1; each with one thread of Lance.',
      baseline: ONE_WORKER,
      units: {
        ...{ seconds: 's', rate: 'rows/s', cores: 'cores', commits: 'commits', conflicts: 'conflicts' },
        ...{ commit: 'ms', row: 'µs per row and index' },
      },
      facts: ['rate', 'cores', 'commits', 'conflicts', 'commit', 'row'],
    },
  },
  async run(bench, { workers, warmUp, rounds, ...size }) {
    const brokers = await brokerFor(bench);
    if (!brokers) return;
    bench.step(`backfill: ${size.rows.toLocaleString('en-US')} rows in ${size.fragments} fragments`);
    const original = join(bench.home, 'original');
    await makeBackfillTables(original, size);
    const by = (count: number, name: string): Way => ({
      name,
      round: () => backfillBy(count, { home: bench.home, brokers, original, size }),
    });
    const createIndex: Way = {
      name: 'createIndex of LanceDB',
      async round() {
        const database = join(bench.home, 'createIndex');
        await copyTable(folderOf(original, 'big'), folderOf(database, 'big'));
        const connection = await connect(database);
        const table = await connection.openTable('big');
        const lap = stopwatch();
        for (const column of size.columns) await table.createIndex(column, { ...btree(), replace: true });
        const seconds = lap() / 1000;
        connection.close();
        await rm(database, { recursive: true });
        return { seconds, rate: size.rows / seconds };
      },
    };
    const ways = [by(1, ONE_WORKER), ...workers.map((count) => by(count, `${count} workers`)), createIndex];
    const { rows, fragments, rowsPerSegment } = size;
    await bench.measure('backfill', { rows, fragments, 'rows per segment': rowsPerSegment }, { warmUp, rounds, ways });
  },
});
