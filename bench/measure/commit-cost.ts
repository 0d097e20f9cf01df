/**
 * What one append costs, side by side in one process: Lance's own append commit against ours (plan, upload and commit of one
 * segment) on the same table, by the number of fragments; and build plus commit of a batch against the floor, `createIndex`
 * on a table that holds nothing but the batch's rows.
 *
 *   npm run bench:commit-cost -- [--rounds 15] [--json]
 */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { connect, Index } from '@lancedb/lancedb';
import { formatTable } from '../../src/commands/terminal/output.ts';
import { commitChange } from '../../src/lance/commit/commit-change.ts';
import { uploadSegments } from '../../src/lance/commit/upload.ts';
import { lanceSegmentBuilder } from '../../src/lance/engine/segment-builder.ts';
import { DEFAULT_POLICY } from '../../src/lance/plan/row-ids.ts';
import { planTable } from '../../src/lance/plan/table-plan.ts';
import type { SegmentBuilder } from '../../src/lance/segment.ts';
import { LanceTable } from '../../src/lance/table/table.ts';
import { stopwatch } from '../../src/lib/stopwatch.ts';
import { localStore } from '../../src/store/local-store.ts';
import { people } from '../../testing/people.ts';
import { quantile } from '../../testing/screen.ts';
import { makeWideTable } from '../support/wide-table.ts';

const SIZES = [100, 1_000, 10_000, 100_000];
const APPEND_ROWS = 100;
const BATCH_ROWS = 100_000;
const LIMITS = { maxRows: Number.MAX_SAFE_INTEGER, maxFragments: Number.MAX_SAFE_INTEGER };
const COMMIT = { maxAttempts: 1, initialBackoffMs: 0, writer: { library: 'segmentd', version: 'bench' } };

const { values: options } = parseArgs({
  options: { rounds: { type: 'string', default: '15' }, json: { type: 'boolean', default: false } },
});
const rounds = Number(options.rounds);

type Ours = {
  readonly planMs: number;
  readonly buildMs: number;
  readonly uploadMs: number;
  readonly commitMs: number;
};

/** One round of the daemon's own steps for a table that misses something. */
async function indexOnce(table: LanceTable, builder: SegmentBuilder): Promise<Ours> {
  const lap = stopwatch();
  const manifest = await table.latest();
  const { requests } = planTable(manifest, DEFAULT_POLICY, LIMITS);
  const planMs = lap();
  await using build = await builder.build(manifest, table.place(), requests);
  const buildMs = lap();
  const { durable } = await uploadSegments(table.store, build.segments);
  const uploadMs = lap();
  const change = {
    base: manifest,
    addSegments: build.segments,
    removeSegments: [],
    transactionUuid: randomUUID(),
    properties: {},
    durable,
  };
  const outcome = await commitChange(table, change, COMMIT);
  if (outcome.kind !== 'landed') throw new Error(`the commit was ${outcome.kind}`);
  return { planMs, buildMs, uploadMs, commitMs: lap() };
}

const median = (values: readonly number[]) => quantile(values, 0.5);

async function commitCost(home: string, fragments: number) {
  const database = join(home, `wide-${fragments}`);
  const folder = await makeWideTable(database, 'wide', fragments, APPEND_ROWS);
  const connection = await connect(database);
  const theirs = await connection.openTable('wide');
  const table = new LanceTable(localStore(folder));
  const builder = lanceSegmentBuilder(join(home, 'scratch'));
  const appendMs: number[] = [];
  const ours: Ours[] = [];
  for (let round = -1; round < rounds; round++) {
    const rows = people(1_000_000 + round * APPEND_ROWS, APPEND_ROWS);
    const lap = stopwatch();
    await theirs.add(rows);
    const append = lap();
    const index = await indexOnce(table, builder);
    // The first round warms both up: caches, code, the directory.
    if (round < 0) continue;
    appendMs.push(append);
    ours.push(index);
  }
  theirs.close();
  connection.close();
  await rm(database, { recursive: true });
  const total = ours.map(({ planMs, uploadMs, commitMs }) => planMs + uploadMs + commitMs);
  return {
    fragments,
    lance_append_ms: median(appendMs),
    plan_ms: median(ours.map(({ planMs }) => planMs)),
    upload_ms: median(ours.map(({ uploadMs }) => uploadMs)),
    commit_ms: median(ours.map(({ commitMs }) => commitMs)),
    ours_ms: median(total),
    ratio: median(total.map((ms, at) => ms / (appendMs[at] as number))),
  };
}

/** Build and commit of a batch of rows on a table of a million, against createIndex on a table of just these rows. */
async function batchCost(home: string) {
  const database = join(home, 'batch');
  const connection = await connect(database);
  const big = await connection.createTable('big', people(0, 1_000_000));
  await big.createIndex('id', { config: Index.btree() });
  const table = new LanceTable(localStore(join(database, 'big.lance')));
  const builder = lanceSegmentBuilder(join(home, 'scratch'));
  const warmMs: number[] = [];
  const floorMs: number[] = [];
  const oursMs: number[] = [];
  for (let round = -1; round < rounds; round++) {
    const rows = people(2_000_000 + round * BATCH_ROWS, BATCH_ROWS);
    const small = await connection.createTable('small', rows, { mode: 'overwrite' });
    const lap = stopwatch();
    await small.createIndex('id', { config: Index.btree() });
    const warm = lap();
    await connection.createTable('small', rows, { mode: 'overwrite' });
    lap();
    const fresh = await connect(database);
    await (await fresh.openTable('small')).createIndex('id', { config: Index.btree() });
    const floor = lap();
    await big.add(rows);
    const { buildMs, uploadMs, commitMs } = await indexOnce(table, builder);
    if (round < 0) continue;
    warmMs.push(warm);
    floorMs.push(floor);
    oursMs.push(buildMs + uploadMs + commitMs);
  }
  connection.close();
  const ratioTo = (floor: readonly number[]) => median(oursMs.map((ms, at) => ms / (floor[at] as number)));
  return {
    rows: BATCH_ROWS,
    ours_ms: median(oursMs),
    /** Open the small table and index it, as a process has to that learns of an append. */
    open_and_create_index_ms: median(floorMs),
    ratio: ratioTo(floorMs),
    /** Index it through the very handle that wrote the rows, everything still in memory. */
    create_index_warm_ms: median(warmMs),
    ratio_warm: ratioTo(warmMs),
  };
}

const home = await mkdtemp(join(tmpdir(), 'segmentd-bench-'));
try {
  // First, before the widest table has filled the engine's caches and this process' memory.
  const batch = await batchCost(home);
  const sizes = [];
  for (const fragments of SIZES) sizes.push(await commitCost(home, fragments));
  if (options.json) process.stdout.write(`${JSON.stringify({ rounds, sizes, batch })}\n`);
  else {
    const ms = (value: number) => value.toFixed(1);
    const header = ['fragments', 'lance append', 'plan', 'upload', 'commit', 'ours', 'ours / lance'];
    const lines = sizes.map((it) => [
      it.fragments,
      ...[it.lance_append_ms, it.plan_ms, it.upload_ms, it.commit_ms, it.ours_ms].map(ms),
      it.ratio.toFixed(2),
    ]);
    process.stdout.write(`Medians of ${rounds} rounds, milliseconds.\n\n${formatTable(header, lines)}\n\n`);
    process.stdout.write(
      `build + upload + commit of ${BATCH_ROWS.toLocaleString('en-US')} rows: ${ms(batch.ours_ms)} ms. A table of just these rows:\n` +
        `open + createIndex ${ms(batch.open_and_create_index_ms)} ms, ratio ${batch.ratio.toFixed(2)}; ` +
        `createIndex by the handle that wrote them ${ms(batch.create_index_warm_ms)} ms, ratio ${batch.ratio_warm.toFixed(2)}\n`,
    );
  }
} finally {
  await rm(home, { recursive: true, force: true });
}
