/** Ways to build the first indexes of a large table, each as a process of its own: how long that takes, and its memory. */
import { execFile } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { stopwatch } from '../../src/lib/stopwatch.ts';
import { MAIN } from '../../testing/cli.ts';
import { folderOf } from '../../testing/unindexed-table.ts';
import type { Sample, Way } from '../harness/rounds.ts';
import type { Bench } from '../harness/scenario.ts';
import { copyTable } from './lookups.ts';

export const SEGMENTD_INDEX = 'segmentd index';
const PEAK_MEMORY = new URL('peak-memory.ts', import.meta.url);
const MIB = 2 ** 20;

/** Each round over a copy of the table at `original`, which has no index. */
export async function firstBuildWays(
  { home, peers }: Bench,
  original: string,
  columns: readonly string[],
): Promise<Way[]> {
  const over = (name: string, build: (uri: string) => Promise<Sample>): Way => ({
    name,
    async round() {
      const uri = folderOf(join(home, 'first-build'), 't');
      await copyTable(original, uri, 1);
      return build(uri).finally(() => rm(uri, { recursive: true }));
    },
  });
  const script = fileURLToPath(new URL('create-index.ts', import.meta.url));
  const ways = [
    over(SEGMENTD_INDEX, (uri) =>
      runMeasured(home, [MAIN, 'index', uri, ...columns.flatMap((it) => ['--column', it])]),
    ),
    over('createIndex of LanceDB', (uri) => runMeasured(home, [script, dirname(uri), 't', ...columns])),
  ];
  const pylance = await peers.get('pylance');
  if (pylance) {
    ways.push(
      over('pylance', async (uri) => {
        const { seconds, peak } = await pylance.ask({ do: 'first_build', uri, columns });
        return { seconds: Number(seconds), peak: Number(peak) / MIB };
      }),
    );
  }
  return ways;
}

/** Seconds of a program of ours, and the peak of its memory in MiB. */
export async function runMeasured(home: string, args: readonly string[]): Promise<{ seconds: number; peak: number }> {
  const file = join(home, 'peak');
  const lap = stopwatch();
  await promisify(execFile)(process.execPath, ['--import', PEAK_MEMORY.href, ...args], {
    env: { ...process.env, PEAK_MEMORY_FILE: file },
  });
  return { seconds: lap() / 1000, peak: Number(await readFile(file, 'utf8')) / MIB };
}
