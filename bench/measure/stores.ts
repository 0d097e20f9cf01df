/**
 * What tables in an object store cost, on a real S3 server with some milliseconds added to every request: a batch beside Lance's own
 * append of the same rows and its optimize(), how many appends a second of several writers are covered, and what the number of
 * segments costs a lookup. Figures of one run, and their ratios; times of a machine that does other work say little by themselves.
 *
 *   npm run bench:stores -- [--delay 20,60] [--rows 1000000] [--rounds 15] [--seconds 20] [--json]
 *
 * `--only batches,pace,lookups` leaves the others out.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { formatBytes, formatTable } from '../../src/commands/terminal/output.ts';
import { Cleanup } from '../../src/lib/cleanup.ts';
import { screen } from '../../testing/screen.ts';
import type { S3Server } from '../../testing/stores/s3-access.ts';
import { startS3Server } from '../../testing/stores/s3-server.ts';
import type { Cost, StoreCost } from '../support/store-cost.ts';
import { storeCost } from '../support/store-cost.ts';
import type { LookupCost } from '../support/store-lookups.ts';
import { lookupCosts } from '../support/store-lookups.ts';
import type { Pace } from '../support/store-pace.ts';
import { paceOf } from '../support/store-pace.ts';
import { BUCKET } from '../support/store-world.ts';

const { values: options } = parseArgs({
  options: {
    delay: { type: 'string', default: '20,60' },
    rows: { type: 'string', default: '1000000' },
    rounds: { type: 'string', default: '15' },
    seconds: { type: 'string', default: '20' },
    only: { type: 'string', default: 'batches,pace,lookups' },
    json: { type: 'boolean', default: false },
  },
});
/** Writers, and how long each of them pauses after an append. */
const WRITERS = [
  { writers: 1, pauseMs: 0 },
  { writers: 4, pauseMs: 0 },
  { writers: 4, pauseMs: 1_000 },
];

const parts = options.only.split(',');
const delays = options.delay.split(',').map(Number);
const [rows, rounds, seconds] = [options.rows, options.rounds, options.seconds].map(Number) as [number, number, number];

type Figures = { readonly costs: StoreCost[]; readonly paces: Pace[]; readonly lookups: LookupCost[] };

async function measure(cleanup: Cleanup): Promise<Figures> {
  const home = await mkdtemp(join(tmpdir(), 'segmentd-bench-'));
  cleanup.defer(() => rm(home, { recursive: true, force: true }));
  const server = await startS3Server({ backend: join(home, 'objects') });
  cleanup.defer(() => server.stop());
  await server.makeBucket(BUCKET);
  const figures: Figures = { costs: [], paces: [], lookups: [] };
  if (parts.includes('batches')) figures.costs.push(...(await measureCosts(server, home)));
  if (parts.includes('pace')) figures.paces.push(...(await measurePaces(server, home)));
  if (parts.includes('lookups')) {
    screen.step('lookups');
    figures.lookups.push(...(await lookupCosts(server, home, { delayMs: delays[0] as number, rows })));
  }
  return figures;
}

async function measureCosts(server: S3Server, home: string): Promise<StoreCost[]> {
  const costs: StoreCost[] = [];
  for (const delayMs of delays) {
    for (const columns of [['id'], ['id', 'name']]) {
      screen.step(`${delayMs} ms per request, ${columns.length} indexes: batches, appends, optimize()`);
      costs.push(await storeCost(server, home, { delayMs, columns, rows, rounds }));
    }
  }
  return costs;
}

async function measurePaces(server: S3Server, home: string): Promise<Pace[]> {
  const paces: Pace[] = [];
  for (const delayMs of delays) {
    for (const writing of WRITERS) {
      for (const minIntervalMs of [null, 0, 1_000]) {
        const { writers, pauseMs } = writing;
        screen.step(
          `${delayMs} ms per request, writers: ${writers}, pause: ${pauseMs} ms, ${intervalText(minIntervalMs)}`,
        );
        paces.push(await paceOf(server, home, { delayMs, ...writing, minIntervalMs, seconds }));
      }
    }
  }
  return paces;
}

const intervalText = (ms: number | null) => (ms === null ? 'no segmentd' : `every ${ms} ms`);
const ms = (value: number) => value.toFixed(0);
const ratio = (value: number) => value.toFixed(2);
const counted = ({ requests, rounds: deep }: Pick<Cost, 'requests' | 'rounds'>) => `${requests} in ${deep}`;

function printCosts(costs: readonly StoreCost[]): string {
  const batches = costs.map((it) => [
    ...[it.delay_ms, it.indexes, counted(it.event_to_covered), it.proof.requests],
    ...[formatBytes(it.event_to_covered.bytes), ms(it.event_to_covered.ms), ms(it.floor_ms), ratio(it.over_floor)],
  ]);
  const beside = costs.map((it) => [
    ...[it.delay_ms, it.indexes, counted(it.plan_publish_commit), ms(it.plan_publish_commit.ms)],
    ...[counted(it.lance_add), ms(it.lance_add.ms), ratio(it.to_lance_add)],
    ...[counted(it.lance_add_alone), ms(it.lance_add_alone.ms), ratio(it.to_lance_add_alone)],
  ]);
  const optimize = costs.map((it) => [
    ...[it.delay_ms, it.indexes, counted(it.optimize_first), ms(it.optimize_first.ms), ratio(it.optimize_first_ratio)],
    ...[counted(it.optimize_later), formatBytes(it.optimize_later.bytes), ms(it.optimize_later.ms)],
    ratio(it.optimize_later_ratio),
  ]);
  return [
    'Event to covered. Requests in rounds, and those that prove the commit afterwards; the floor is the delay of each round.',
    formatTable(['delay', 'indexes', 'requests', 'afterwards', 'read', 'p50 ms', 'floor ms', 'by floor'], batches),
    "\nPlan, publish and commit, without the build, beside Lance's own add of the same rows: after a commit of segmentd, and alone.",
    formatTable(
      ['delay', 'indexes', 'requests', 'ms', 'add: requests', 'ms', 'ratio', 'alone: requests', 'ms', 'ratio'],
      beside,
    ),
    '\noptimize() of a table that nobody else keeps, after one append: the first, and later ones; ratios to event to covered.',
    formatTable(
      ['delay', 'indexes', 'first: requests', 'ms', 'ratio', 'later: requests', 'read', 'ms', 'ratio'],
      optimize,
    ),
  ].join('\n');
}

function printPaces(paces: readonly Pace[]): string {
  const some = (value: number | null | undefined, digits: number) => value?.toFixed(digits) ?? '-';
  const lines = paces.map((it) => [
    ...[it.delay_ms, it.writers, it.pause_ms, intervalText(it.min_interval_ms)],
    ...[some(it.appends_per_second, 1), it.failed_appends, some(it.covered_per_second, 1)],
    ...[some(it.event_to_covered_ms?.p50, 0), some(it.event_to_covered_ms?.p99, 0)],
    ...[some(it.commits_per_second, 2), some(it.conflicts_per_commit, 2), some(it.requests_per_append, 1)],
  ]);
  const header = [
    'delay',
    'writers',
    'pause',
    'batches',
    'appends/s',
    'failed',
    'covered/s',
    'p50 ms',
    'p99 ms',
    'commits/s',
    'conflicts',
    'requests',
  ];
  return `Appends of several writers to a table with two indexes. Conflicts per commit, requests of segmentd per append.\n${formatTable(header, lines)}`;
}

function printLookups(lookups: readonly LookupCost[]): string {
  const lines = lookups.map(({ segments, first, next, in_of_ten: many }) => [
    ...[segments, ms(first.ms), counted(first), ms(next.ms), counted(next), ms(many.ms), counted(many)],
  ]);
  const header = ['segments', 'first: ms', 'requests', 'next: ms', 'requests', 'IN of ten: ms', 'requests'];
  return `Lookups with ${delays[0]} ms per request, scattered keys.\n${formatTable(header, lines)}`;
}

const cleanup = new Cleanup();
try {
  const { costs, paces, lookups } = await measure(cleanup);
  if (options.json) process.stdout.write(`${JSON.stringify({ rows, rounds, seconds, costs, paces, lookups })}\n`);
  if (!options.json && costs.length > 0) process.stdout.write(`\n${printCosts(costs)}\n`);
  if (!options.json && paces.length > 0) process.stdout.write(`\n${printPaces(paces)}\n`);
  if (!options.json && lookups.length > 0) process.stdout.write(`\n${printLookups(lookups)}\n`);
} finally {
  await cleanup.run();
}
