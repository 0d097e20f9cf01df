/** Memory: of a first build of many rows, of a process that commits very many batches, and of a burst of builds. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { formatBytes } from '../../src/commands/terminal/output.ts';
import { folderOf } from '../../testing/unindexed-table.ts';
import type { Sample, Way } from '../harness/rounds.ts';
import { recorded } from '../harness/rounds.ts';
import type { Bench } from '../harness/scenario.ts';
import { scenario } from '../harness/scenario.ts';
import { floodWays } from '../support/announcement-rates.ts';
import { committingMemory } from '../support/committing-memory.ts';
import { brokerFor } from '../support/daemon-place.ts';
import { firstBuildWays, SEGMENTD_INDEX } from '../support/first-builds.ts';
import { SEGMENTD } from '../support/freshness-ways.ts';
import { makeIndexed, scatteredRows } from '../support/growing-table.ts';

const MIB = 2 ** 20;
const ENGINE_ALONE = "the engine's, no admission";
const COLUMNS = ['id', 'name'];

export const memory = scenario({
  name: 'memory',
  what: 'MiB of a first build, of very many commits, of a burst of builds, and of floods of announcements',
  sizes: {
    rows: 20_000_000,
    /** Numbers of commits after which memory is looked at. */
    commits: [1_000, 2_500, 5_000, 7_500, 10_000],
    ...{ burstRows: 2_000_000, burstBuilds: 8, pools: [64, 150, 512, 2_048] },
    ...{ floodEvents: 1_000_000, floodTables: [1, 1_000] },
    ...{ warmUp: 0, rounds: 3 },
  },
  quick: {
    rows: 1_000_000,
    commits: [50, 100, 200],
    burstRows: 200_000,
    pools: [64, 150, 512],
    floodEvents: 20_000,
    floodTables: [1, 50],
    rounds: 1,
  },
  tables: {
    first_build: {
      title:
        'Two BTREE indexes over a table of so many rows that has none, by a process of its own: seconds, and its peak of resident memory.',
      baseline: SEGMENTD_INDEX,
      units: { seconds: 's', peak: 'MiB' },
    },
    commits: {
      title: 'A process after so many batches of ten rows, one after the other.',
      baseline: 'the first look',
      units: { resident: 'MiB', heap: 'MiB', external: 'MiB' },
    },
    burst: {
      title:
        'So many builds of two indexes at once, by the memory that they sort in; builds that fail are tried again.',
      baseline: ENGINE_ALONE,
      units: { failed: 'builds', seconds: 's', peak: 'MiB' },
      facts: ['failed'],
    },
    flood: {
      title:
        'So many announcements of some tables, read by a daemon from the start of their topic: resident memory at most, and for how long its event loop was held up at most.',
      baseline: SEGMENTD,
      units: { resident: 'MiB', rate: 'records/s', lag: 'ms' },
      facts: ['lag'],
    },
  },
  async run(bench, { rows, commits, burstRows, burstBuilds, pools, floodEvents, floodTables, ...contest }) {
    // First, while nothing else has filled the memory of this process.
    bench.step(`memory: ${Math.max(...commits).toLocaleString('en-US')} commits`);
    const looks = await committingMemory(bench.home, commits);
    const names = commits.map((count, at) =>
      at === 0 ? 'the first look' : `${count.toLocaleString('en-US')} commits`,
    );
    const taken = looks.map((it, at) => recorded(names[at] ?? '', [it]));
    await bench.measure('commits', { 'first look at': commits[0] ?? 0 }, { ways: taken, warmUp: 0, rounds: 1 });
    bench.step(`memory: a first build of ${rows.toLocaleString('en-US')} rows`);
    await makeIndexed(bench.home, 'bare', { rows, rowsOf: scatteredRows, indexed: [] });
    const ways = await firstBuildWays(bench, folderOf(bench.home, 'bare'), COLUMNS);
    await bench.measure('first_build', { rows }, { ...contest, ways });
    bench.step(`memory: ${burstBuilds} builds of ${burstRows.toLocaleString('en-US')} rows at once`);
    await makeIndexed(bench.home, 'burst', { rows: burstRows, rowsOf: scatteredRows, indexed: [] });
    const bursts = [burst(bench, ENGINE_ALONE, burstBuilds, 0)];
    for (const mib of pools) bursts.push(burst(bench, formatBytes(mib * MIB), burstBuilds, mib * MIB));
    await bench.measure('burst', { rows: burstRows, builds: burstBuilds }, { ...contest, ways: bursts });
    const brokers = await brokerFor(bench);
    for (const tables of brokers ? floodTables : []) {
      bench.step(`memory: ${floodEvents.toLocaleString('en-US')} announcements of ${tables} tables`);
      const floods = await floodWays(bench, brokers ?? [], { events: floodEvents, tables });
      await bench.measure('flood', { tables, announcements: floodEvents }, { ...contest, ways: floods });
    }
  },
});

/** In a process of its own: the pool is one of its process. */
const burst = ({ home }: Bench, name: string, builds: number, pool: number): Way => ({
  name,
  async round(): Promise<Sample> {
    const script = fileURLToPath(new URL('../support/burst-builds.ts', import.meta.url));
    const args = [script, folderOf(home, 'burst'), join(home, 'burst-scratch'), String(builds), String(pool)];
    const { LANCE_MEM_POOL_SIZE: _, ...env } = process.env;
    const { stdout } = await promisify(execFile)(process.execPath, args, { env });
    const { seconds, failed, peakBytes } = JSON.parse(stdout) as Record<'seconds' | 'failed' | 'peakBytes', number>;
    return { seconds, failed, peak: peakBytes / MIB };
  },
});
