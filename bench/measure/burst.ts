/**
 * A burst of builds at once, each of two indexes over the same rows: in the engine's own pool of 150 MiB, where builds that find it
 * exhausted fail and are tried again as the daemon does, and in the memory that segmentd gives them. Seconds until all are built.
 *
 *   npm run bench:burst -- [--builds 8] [--rows 1000000] [--rounds 3]
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { connect } from '@lancedb/lancedb';
import { formatBytes, formatTable } from '../../src/commands/terminal/output.ts';
import { people } from '../../testing/people.ts';

const ROWS_PER_FRAGMENT = 250_000;
const MIB = 2 ** 20;
const ENGINE_ALONE = 0;
const POOLS = [ENGINE_ALONE, 64 * MIB, 150 * MIB, 512 * MIB, 2048 * MIB];

type Burst = { readonly seconds: number; readonly failed: number; readonly peakBytes: number };

const { values: options } = parseArgs({
  options: {
    builds: { type: 'string', default: '8' },
    rows: { type: 'string', default: '1000000' },
    rounds: { type: 'string', default: '3' },
  },
});
const home = await mkdtemp(join(tmpdir(), 'segmentd-bench-'));
try {
  const connection = await connect(home);
  const table = await connection.createEmptyTable('t', people(0, 1).schema);
  for (let at = 0; at < Number(options.rows); at += ROWS_PER_FRAGMENT) {
    await table.add(people(at, Math.min(ROWS_PER_FRAGMENT, Number(options.rows) - at)));
  }
  table.close();
  connection.close();
  const bursts = new Map<number, Burst[]>(POOLS.map((pool) => [pool, []]));
  for (let round = 0; round < Number(options.rounds); round++) {
    for (const pool of POOLS) bursts.get(pool)?.push(await burst(pool));
  }
  const before = median(bursts, ENGINE_ALONE, ({ seconds }) => seconds);
  const lines = POOLS.map((pool) => {
    const seconds = median(bursts, pool, (it) => it.seconds);
    return [
      pool === ENGINE_ALONE ? "the engine's, no admission" : formatBytes(pool),
      median(bursts, pool, ({ failed }) => failed),
      seconds.toFixed(2),
      (before / seconds).toFixed(2),
      formatBytes(median(bursts, pool, ({ peakBytes }) => peakBytes)),
    ];
  });
  process.stdout.write(`${formatTable(['memory', 'failed', 'seconds', 'times as fast', 'peak RSS'], lines)}\n`);
} finally {
  await rm(home, { recursive: true, force: true });
}

/** One burst, in a process of its own: the pool is one of its process. */
async function burst(pool: number): Promise<Burst> {
  const script = fileURLToPath(new URL('../support/burst-builds.ts', import.meta.url));
  const args = [script, join(home, 't.lance'), join(home, 'scratch'), options.builds, String(pool)];
  const { LANCE_MEM_POOL_SIZE: _, ...env } = process.env;
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const [out] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  return JSON.parse(out);
}

function median(bursts: ReadonlyMap<number, Burst[]>, pool: number, of: (burst: Burst) => number): number {
  const values = (bursts.get(pool) ?? []).map(of).sort((a, b) => a - b);
  return values[Math.floor(values.length / 2)] ?? Number.NaN;
}
