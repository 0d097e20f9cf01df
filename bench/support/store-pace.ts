/** How many appends a second to one table segmentd covers, beside several writers. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Table } from '@lancedb/lancedb';
import { people } from '../../testing/people.ts';
import { quantile } from '../../testing/screen.ts';
import { isManifestOf } from '../../testing/stores/commit-requests.ts';
import type { S3Server } from '../../testing/stores/s3-access.ts';
import type { Sample } from '../harness/rounds.ts';
import type { Covered, StoreWorld } from './store-world.ts';
import { makeStoreWorld } from './store-world.ts';

const APPEND_ROWS = 1_000;
const COLUMNS = ['id', 'name'];
const TABLE_ROWS = 100_000;

type Settings = {
  readonly delayMs: number;
  readonly writers: number;
  /** Of each writer, after every append. */
  readonly pauseMs: number;
  /** `batch.min_interval_ms`; null: without segmentd. */
  readonly minIntervalMs: number | null;
  readonly seconds: number;
};

/** Writers append and announce for so many seconds, each with a pause after every append. */
export async function paceOf(server: S3Server, home: string, settings: Settings): Promise<Sample> {
  const { delayMs, writers, pauseMs, minIntervalMs } = settings;
  const name = `pace-${delayMs}-${writers}-${pauseMs}-${minIntervalMs ?? 'alone'}`;
  const interval = { minIntervalMs: minIntervalMs ?? 0, merging: true };
  const world = await makeStoreWorld(server, home, { name, rows: TABLE_ROWS, columns: COLUMNS, ...interval });
  try {
    return await run(world, settings);
  } finally {
    await world.close();
  }
}

async function run(
  world: StoreWorld,
  { delayMs, writers, pauseMs, minIntervalMs, seconds }: Settings,
): Promise<Sample> {
  const tables = await Promise.all(Array.from({ length: writers }, () => world.openTable()));
  world.delay(delayMs);
  const startMs = performance.now();
  const endMs = startMs + seconds * 1_000;
  const covered: Promise<Covered>[] = [];
  let appends = 0;
  let tried = 0;
  let failed = 0;
  const write = async (table: Table) => {
    while (performance.now() < endMs) {
      const from = TABLE_ROWS + tried++ * APPEND_ROWS;
      try {
        await table.add(people(from, APPEND_ROWS));
        appends++;
      } catch {
        // LanceDB gives an append up that lost too many conflicts.
        failed++;
        continue;
      }
      if (minIntervalMs !== null) covered.push(world.announce(await table.version()));
      await sleep(pauseMs);
    }
  };
  await Promise.all(tables.map(write));
  const writtenMs = performance.now() - startMs;
  const done = await Promise.all(covered);
  const lastMs = Math.max(...world.batches.map(({ landedAtMs }) => landedAtMs)) - performance.timeOrigin - startMs;
  const coveredMs = Math.max(lastMs, writtenMs);
  for (const table of tables) table.close();
  // Those that LanceDB gave up count as failed.
  const alone = { appends: (appends * 1_000) / writtenMs, failed };
  if (minIntervalMs === null) return alone;
  const waits = done.map(({ eventToCoveredMs }) => eventToCoveredMs);
  const { requests } = world.ours;
  const landed = requests.filter((request) => isManifestOf(request)).length;
  // Puts of a manifest that met the version of a writer.
  const lost = requests.filter(
    ({ method, path, status }) => method === 'PUT' && /_versions/.test(path) && status >= 400,
  );
  return {
    ...alone,
    // By the time from the first append until the last one was covered.
    covered: (appends * 1_000) / coveredMs,
    ...{ p50: quantile(waits, 0.5), p99: quantile(waits, 0.99) },
    commits: (landed * 1_000) / coveredMs,
    conflicts: lost.length / landed,
    requests: requests.length / appends,
  };
}
