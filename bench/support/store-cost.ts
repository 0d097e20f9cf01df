/** What a batch costs in an object store, beside Lance's own append of the same rows and its optimize(). */
import { randomUUID } from 'node:crypto';
import { connect } from '@lancedb/lancedb';
import type { Table as ArrowTable } from 'apache-arrow';
import { commitChange } from '../../src/lance/commit/commit-change.ts';
import { uploadSegments } from '../../src/lance/commit/upload.ts';
import { DEFAULT_POLICY } from '../../src/lance/plan/row-ids.ts';
import { planTable } from '../../src/lance/plan/table-plan.ts';
import type { SegmentBuilder } from '../../src/lance/segment.ts';
import { LanceTable } from '../../src/lance/table/table.ts';
import { stopwatch } from '../../src/lib/stopwatch.ts';
import { openStore } from '../../src/store/open-store.ts';
import { people, TABLE } from '../../testing/people.ts';
import { downloaded, isManifestOf } from '../../testing/stores/commit-requests.ts';
import type { S3Server } from '../../testing/stores/s3-access.ts';
import type { LoggedRequest, StoreProxy } from '../../testing/stores/store-proxy.ts';
import { countRounds, startStoreProxy } from '../../testing/stores/store-proxy.ts';
import { openBuilder } from './open-builder.ts';
import type { StoreWorld } from './store-world.ts';
import { BUCKET, makePeople, makeStoreWorld } from './store-world.ts';

const APPEND_ROWS = 10_000;
const OPTIMIZE_ROUNDS = 5;

const LIMITS = { maxRows: Number.MAX_SAFE_INTEGER, maxFragments: Number.MAX_SAFE_INTEGER };
const COMMIT = { maxAttempts: 1, initialBackoffMs: 0, writer: { library: 'segmentd', version: 'bench' } };

/** Milliseconds, requests, those that had to wait for one another, and bytes that were downloaded. */
export type Cost = {
  readonly ms: number;
  readonly requests: number;
  readonly rounds: number;
  readonly bytes: number;
};

/** What each round cost. */
export type StoreCost = Rounds & { readonly optimizes: readonly Cost[] };

export async function storeCost(
  server: S3Server,
  home: string,
  { delayMs, columns, rows, rounds }: { delayMs: number; columns: readonly string[]; rows: number; rounds: number },
): Promise<StoreCost> {
  const name = `cost-${delayMs}-${columns.length}`;
  const world = await makeStoreWorld(server, home, { name, rows, columns, minIntervalMs: 0, merging: false });
  const figures = await runRounds(world, server, { home, rows, rounds, delayMs }).finally(() => world.close());
  return { ...figures, optimizes: await optimizes(server, `${name}-copy`, { delayMs, columns, rows }) };
}

type Rounds = {
  /** From the event to the manifest, through the pipeline. */
  readonly covered: Cost[];
  /** The requests after that. */
  readonly proofs: Cost[];
  /** Plan, publish and commit, without the build. */
  readonly ours: Cost[];
  /** After a commit of segmentd, which the writer has to read. */
  readonly adds: Cost[];
  /** By a writer that knows the latest version, as it made that itself. */
  readonly alone: Cost[];
};

/** Each round appends for the pipeline, and then twice to do its steps by hand, each of which is timed. */
async function runRounds(
  { theirs, announce, openTable, delay, database }: StoreWorld,
  server: S3Server,
  { home, rows, rounds, delayMs }: { home: string; rows: number; rounds: number; delayMs: number },
): Promise<Rounds> {
  const figures: Rounds = { covered: [], proofs: [], adds: [], alone: [], ours: [] };
  const table = await openTable();
  const byHand = await startStoreProxy(server.endpoint);
  const uri = `${database}/${TABLE}.lance`;
  const lance = new LanceTable(openStore(uri, server.storageOptionsAt(byHand.url)));
  const builder = await openBuilder(home);
  try {
    // The first rounds warm everything up, and prove that the store honours conditions.
    for (let round = -2; round < rounds; round++) {
      const [first, second, third] = [0, 1, 2].map((at) =>
        people(rows + (3 * (round + 2) + at) * APPEND_ROWS, APPEND_ROWS),
      ) as [ArrowTable, ArrowTable, ArrowTable];
      await table.add(first);
      const { eventToCoveredMs, batch } = await announce(await table.version());
      const again = await timed(theirs, () => table.add(second));
      const alone = await timed(theirs, () => table.add(third));
      const version = await table.version();
      byHand.clear();
      const steps = await indexOnce(lance, builder, version, byHand);
      if (round === -1) {
        delay(delayMs);
        byHand.delayMs = delayMs;
      }
      if (round < 0) continue;
      figures.adds.push(again);
      figures.alone.push(alone);
      figures.covered.push(costOf(eventToCoveredMs, batch.untilCovered));
      figures.proofs.push(costOf(0, batch.afterwards));
      figures.ours.push(steps);
    }
  } finally {
    table.close();
    await byHand.stop();
  }
  return figures;
}

/** Plan, upload and commit, up to the manifest. The build between them is not counted. */
async function indexOnce(table: LanceTable, builder: SegmentBuilder, announced: number, proxy: StoreProxy) {
  const lap = stopwatch();
  const manifest = await table.latest({ announced });
  const { requests } = planTable(manifest, DEFAULT_POLICY, LIMITS);
  const planMs = lap();
  const planned = proxy.requests.slice();
  await using build = await builder.build(manifest, table.place(), requests);
  const builtAt = proxy.requests.length;
  const publishedAtMs = performance.now();
  const { durable } = await uploadSegments(table.store, build.segments);
  const change = { base: manifest, addSegments: build.segments, removeSegments: [], properties: {}, durable };
  const outcome = await commitChange(table, { ...change, transactionUuid: randomUUID() }, COMMIT);
  if (outcome.kind !== 'landed') throw new Error(`the commit was ${outcome.kind}`);
  const put = proxy.requests.findIndex((request) => isManifestOf(request, outcome.version));
  const published = proxy.requests.slice(builtAt, put + 1);
  const manifestPut = published.at(-1);
  if (!manifestPut) throw new Error('the proxy has not seen the commit');
  return costOf(planMs + manifestPut.endMs - publishedAtMs, [...planned, ...published]);
}

/** optimize() after one append, again and again, by a handle that stays open; nobody else keeps the indexes of the table. */
async function optimizes(
  server: S3Server,
  name: string,
  { delayMs, columns, rows }: { delayMs: number; columns: readonly string[]; rows: number },
): Promise<Cost[]> {
  const database = `s3://${BUCKET}/${name}`;
  await makePeople(database, server.storageOptions, rows, columns);
  const proxy = await startStoreProxy(server.endpoint);
  const connection = await connect(database, { storageOptions: server.storageOptionsAt(proxy.url) });
  const costs: Cost[] = [];
  const table = await connection.openTable(TABLE);
  try {
    proxy.delayMs = delayMs;
    for (let round = 0; round < OPTIMIZE_ROUNDS; round++) {
      await table.add(people(rows + round * APPEND_ROWS, APPEND_ROWS));
      costs.push(await timed(proxy, () => table.optimize()));
    }
  } finally {
    table.close();
    connection.close();
    await proxy.stop();
  }
  return costs;
}

/** Runs `act`, and says what it cost. The log of the proxy begins anew. */
export async function timed(proxy: StoreProxy, act: () => Promise<unknown>): Promise<Cost> {
  proxy.clear();
  const lap = stopwatch();
  await act();
  return costOf(lap(), proxy.requests);
}

const costOf = (ms: number, requests: readonly LoggedRequest[]): Cost => ({
  ms,
  requests: requests.length,
  rounds: countRounds(requests),
  bytes: downloaded(requests),
});
