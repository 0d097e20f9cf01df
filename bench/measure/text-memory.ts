/**
 * What a full-text build adds to the peak RSS of its process, with LanceDB's own bounds and within memory that segmentd is given, over
 * random words with their positions.
 *
 *   npm run bench:text-memory -- [--rows 500000] [--words 20]
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
import { seeded } from '../../testing/seeded.ts';

const ROWS_PER_FRAGMENT = 50_000;
const VOCABULARY = 200_000;
const MIB = 2 ** 20;
const ENGINE_ALONE = 0;
const MEMORY = [ENGINE_ALONE, 128 * MIB, 512 * MIB, 2048 * MIB];

type Built = {
  readonly seconds: number;
  readonly addedBytes: number;
  readonly partitions: number;
  readonly bytes: number;
};

const { values: options } = parseArgs({
  options: { rows: { type: 'string', default: '500000' }, words: { type: 'string', default: '20' } },
});
const random = seeded(1);
/** Few words are common and most are rare. */
const word = () => `w${Math.floor(random() ** 3 * VOCABULARY).toString(36)}`;
const body = () => Array.from({ length: Number(options.words) }, word).join(' ');

const home = await mkdtemp(join(tmpdir(), 'segmentd-bench-'));
try {
  const connection = await connect(home);
  const rows = (count: number) => Array.from({ length: count }, () => ({ body: body() }));
  const table = await connection.createTable('t', rows(1));
  for (let at = 1; at < Number(options.rows); at += ROWS_PER_FRAGMENT) {
    await table.add(rows(Math.min(ROWS_PER_FRAGMENT, Number(options.rows) - at)));
  }
  table.close();
  connection.close();
  const lines: string[][] = [];
  for (const memory of MEMORY) {
    const { seconds, addedBytes, partitions, bytes } = await build(memory);
    const name = memory === ENGINE_ALONE ? "the engine's" : formatBytes(memory);
    lines.push([name, formatBytes(addedBytes), String(partitions), formatBytes(bytes), seconds.toFixed(1)]);
  }
  process.stdout.write(`${formatTable(['memory', 'added to RSS', 'partitions', 'index', 'seconds'], lines)}\n`);
} finally {
  await rm(home, { recursive: true, force: true });
}

/** In a process of its own: the engine reads its bounds once. */
async function build(memory: number): Promise<Built> {
  const script = fileURLToPath(new URL('../support/text-build.ts', import.meta.url));
  const args = [script, join(home, 't.lance'), join(home, 'scratch'), String(memory)];
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('LANCE_')));
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const [out] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  return JSON.parse(out);
}
