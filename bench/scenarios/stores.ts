/** What tables in an object store cost, on a real S3 server with some milliseconds added to every request. */
import { join } from 'node:path';
import type { S3Server } from '../../testing/stores/s3-access.ts';
import { startS3Server } from '../../testing/stores/s3-server.ts';
import type { Sample } from '../harness/rounds.ts';
import { recorded } from '../harness/rounds.ts';
import type { Bench } from '../harness/scenario.ts';
import { scenario } from '../harness/scenario.ts';
import type { Cost } from '../support/store-cost.ts';
import { storeCost } from '../support/store-cost.ts';
import { lookupCosts } from '../support/store-lookups.ts';
import { paceOf } from '../support/store-pace.ts';
import { BUCKET } from '../support/store-world.ts';

const COVERED = 'event to covered';
const NO_SEGMENTD = 'no segmentd';
const ONE_SEGMENT = '1 segment';
const REQUESTS = ['requests', 'rounds', 'read'];

type Sizes = {
  /** Milliseconds of each request. */
  readonly delays: readonly number[];
  readonly rows: number;
  readonly rounds: number;
  /** `writers/pause ms` of each. */
  readonly writers: readonly string[];
  readonly seconds: number;
  readonly lookupRounds: number;
};

export const stores = scenario<Sizes>({
  name: 'stores',
  what: 'what appends, commits and lookups cost in an S3 server with so many milliseconds per request',
  sizes: {
    ...{ delays: [20, 60], rows: 1_000_000, rounds: 15 },
    ...{ writers: ['1/0', '4/0', '4/1000'], seconds: 20, lookupRounds: 7 },
  },
  texts: { writers: /^[1-9]\d*\/\d+$/ },
  quick: { delays: [20], rows: 50_000, rounds: 5, writers: ['4/1000'], seconds: 5, lookupRounds: 3 },
  tables: {
    batches: {
      title:
        'An append of 10,000 rows: event to covered; the delay of its rounds of requests, which no client can beat; its parts; and what LanceDB takes.',
      baseline: COVERED,
      units: { ms: 'ms', requests: 'requests', rounds: 'rounds', read: 'KiB' },
      facts: REQUESTS,
    },
    pace: {
      title: 'Appends of 1,000 rows by several writers to one table with two BTREE indexes.',
      baseline: NO_SEGMENTD,
      units: {
        ...{ appends: '/s', failed: 'appends', covered: '/s', p50: 'ms', p99: 'ms' },
        ...{ commits: '/s', conflicts: 'per commit', requests: 'per append' },
      },
      facts: ['failed', 'covered', 'p50', 'p99', 'commits', 'conflicts', 'requests'],
    },
    lookups: {
      title: 'Lookups of scattered keys by a new connection: its first, its second, and an IN of ten.',
      baseline: ONE_SEGMENT,
      units: {
        ...{ first: 'ms', first_requests: 'requests', next: 'ms', next_requests: 'requests' },
        ...{ in10: 'ms', in10_requests: 'requests' },
      },
      facts: ['first_requests', 'next_requests', 'in10_requests'],
    },
  },
  async run(bench, sizes) {
    const server = await serverFor(bench);
    if (!server) return;
    await server.makeBucket(BUCKET);
    for (const delayMs of sizes.delays) {
      for (const columns of [['id'], ['id', 'name']]) await batches(bench, server, { delayMs, columns, ...sizes });
    }
    for (const delayMs of sizes.delays) await paces(bench, server, { delayMs, ...sizes });
    const [delayMs] = sizes.delays;
    if (delayMs !== undefined) await lookups(bench, server, { delayMs, ...sizes });
  },
});

/** A server that ends with the run, or undefined where there is none to be had, which is noted. */
async function serverFor({ home, cleanup, leaveOut }: Bench): Promise<S3Server | undefined> {
  try {
    const server = await startS3Server({ backend: join(home, 'objects') });
    cleanup.defer(() => server.stop());
    return server;
  } catch (error) {
    leaveOut(`The S3 server cannot be had here: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}

type Batches = {
  readonly delayMs: number;
  readonly columns: readonly string[];
  readonly rows: number;
  readonly rounds: number;
};

async function batches(bench: Bench, server: S3Server, sizes: Batches): Promise<void> {
  const { delayMs, columns, rounds } = sizes;
  bench.step(`stores: ${delayMs} ms per request, ${columns.length} indexes: batches, appends, optimize()`);
  const { covered, proofs, ours, adds, alone, optimizes } = await storeCost(server, bench.home, sizes);
  const sampled = (costs: readonly Cost[]) => costs.map(({ bytes, ...it }): Sample => ({ ...it, read: bytes / 1024 }));
  const ways = [
    recorded(COVERED, sampled(covered)),
    recorded(
      'delay of its rounds',
      covered.map((it) => ({ ms: it.rounds * delayMs })),
    ),
    recorded(
      'proof of the commit, afterwards',
      proofs.map(({ requests, rounds: deep }) => ({ requests, rounds: deep })),
    ),
    recorded('plan, publish, commit', sampled(ours)),
    recorded('add, after a commit of segmentd', sampled(adds)),
    recorded('add, alone', sampled(alone)),
    recorded('optimize(), the first', sampled(optimizes.slice(0, 1))),
    recorded('optimize(), later', sampled(optimizes.slice(1))),
  ];
  await bench.measure('batches', { 'ms per request': delayMs, indexes: columns.length }, { warmUp: 0, rounds, ways });
}

async function paces(bench: Bench, server: S3Server, sizes: Sizes & { readonly delayMs: number }): Promise<void> {
  const { delayMs, seconds } = sizes;
  for (const writing of sizes.writers) {
    const [writers = 1, pauseMs = 0] = writing.split('/').map(Number);
    bench.step(`stores: ${delayMs} ms per request, ${writers} writers that pause for ${pauseMs} ms`);
    const ways = [];
    for (const minIntervalMs of [null, 0, 1_000]) {
      const sample = await paceOf(server, bench.home, { delayMs, writers, pauseMs, minIntervalMs, seconds });
      const name = minIntervalMs === null ? NO_SEGMENTD : `a batch every ${minIntervalMs} ms`;
      ways.push(recorded(name, [sample]));
    }
    await bench.measure('pace', { 'ms per request': delayMs, writers, pause: pauseMs }, { warmUp: 0, rounds: 1, ways });
  }
}

async function lookups(bench: Bench, server: S3Server, sizes: Sizes & { readonly delayMs: number }): Promise<void> {
  const { delayMs, rows, lookupRounds: rounds } = sizes;
  bench.step(`stores: ${delayMs} ms per request, lookups`);
  const costs = await lookupCosts(server, bench.home, { delayMs, rows, rounds });
  const ways = [...costs].map(([segments, taken]) =>
    recorded(
      segments === 1 ? ONE_SEGMENT : `${segments} segments`,
      taken.map(({ first, next, in_of_ten: many }) => ({
        ...{ first: first.ms, first_requests: first.requests, next: next.ms, next_requests: next.requests },
        ...{ in10: many.ms, in10_requests: many.requests },
      })),
    ),
  );
  await bench.measure('lookups', { 'ms per request': delayMs }, { warmUp: 0, rounds, ways });
}
