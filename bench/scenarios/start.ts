/** What commands take to start, of the build that the package ships, beside Node itself. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { connect } from '@lancedb/lancedb';
import { stopwatch } from '../../src/lib/stopwatch.ts';
import { shippedProgram } from '../../testing/shipped-program.ts';
import { folderOf } from '../../testing/unindexed-table.ts';
import type { Way } from '../harness/rounds.ts';
import type { Bench } from '../harness/scenario.ts';
import { scenario } from '../harness/scenario.ts';
import { brokerFor, daemonPlace } from '../support/daemon-place.ts';
import { makeIndexed, scatteredRows } from '../support/growing-table.ts';

const NODE = 'node -e 0';

export const start = scenario({
  name: 'start',
  what: 'milliseconds that a command takes as a process of its own',
  sizes: { rows: 100_000, appended: 100, warmUp: 3, rounds: 21 },
  quick: { rows: 10_000, warmUp: 2, rounds: 7 },
  tables: {
    start: {
      title: '`index` of an append of some rows, and `run` from its start until it says that it is running.',
      baseline: NODE,
      units: { ms: 'ms' },
    },
  },
  async run(bench, { rows, appended, ...contest }) {
    const main = shippedProgram();
    const ways: Way[] = [
      command(bench, NODE, ['-e', '0']),
      command(bench, '--help', [main, '--help']),
      await indexing(bench, main, rows, appended),
      running(bench, 'run, without Kafka', [main, 'run'], {
        SEGMENTD_DATABASES: `{db: ${join(bench.home, 'lake')}}`,
        SEGMENTD_STATE_SCRATCH_DIR: join(bench.home, 'alone'),
        SEGMENTD_HTTP_PORT: '0',
      }),
    ];
    const brokers = await brokerFor(bench);
    if (brokers) {
      const { configFile } = await daemonPlace(bench.home, brokers);
      ways.push(running(bench, 'run, with Kafka', [main, 'run', '-c', configFile], {}));
    }
    bench.step('start');
    await bench.measure('start', {}, { ...contest, ways });
  },
});

/** What Node compiles is kept, as it is on any machine where a command ran before. */
const environment = (home: string, more: Readonly<Record<string, string>> = {}) => {
  const { NODE_COMPILE_CACHE: _, ...env } = process.env;
  return { ...env, XDG_CACHE_HOME: join(home, 'cache'), ...more };
};

async function finish(home: string, args: readonly string[]): Promise<number> {
  const lap = stopwatch();
  // Rejects with what it wrote to standard error unless it ended well.
  await promisify(execFile)(process.execPath, args, { env: environment(home) });
  return lap();
}

const command = ({ home }: Bench, name: string, args: readonly string[]): Way => ({
  name,
  round: async () => ({ ms: await finish(home, args) }),
});

async function indexing({ home }: Bench, main: string, rows: number, appended: number): Promise<Way> {
  const lake = join(home, 'lake');
  await makeIndexed(lake, 't', { rows, rowsOf: scatteredRows, indexed: ['id'] });
  const connection = await connect(lake);
  const table = await connection.openTable('t');
  let next = rows;
  return {
    name: 'index',
    async round() {
      await table.add(scatteredRows(next, appended));
      next += appended;
      return { ms: await finish(home, [main, 'index', folderOf(lake, 't')]) };
    },
  };
}

const running = (
  { home }: Bench,
  name: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Way => ({
  name,
  async round() {
    const lap = stopwatch();
    const child = spawn(process.execPath, args, {
      cwd: home,
      env: environment(home, env),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(child, 'exit');
    let ms: number | undefined;
    for await (const line of createInterface({ input: child.stdout })) {
      const { event, state } = JSON.parse(line) as { event?: string; state?: string };
      if (ms !== undefined || event !== 'stateChanged' || state !== 'running') continue;
      ms = lap();
      child.kill('SIGTERM');
    }
    await ended;
    if (ms === undefined) throw new Error(`${name} ended with exit code ${child.exitCode} before it was running`);
    return { ms };
  },
});
