/** Builds at once in little memory. The size of the engine's pool is one of its process: each test here has processes of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { connect } from '@lancedb/lancedb';
import { expect, test } from 'vitest';
import { segmentdProcess } from '../../../testing/cli.ts';
import { people } from '../../../testing/people.ts';
import { tempDir } from '../../../testing/temp-dir.ts';

const MIB = 2 ** 20;
const FRAGMENTS = 20;
const SMALL = 64 * MIB;

/** A table of 20 fragments, without an index. */
async function table(rowsPerFragment: number): Promise<{ uri: string; scratch: string }> {
  const database = await tempDir();
  const connection = await connect(database);
  const made = await connection.createTable('t', people(0, rowsPerFragment));
  for (let at = 1; at < FRAGMENTS; at++) await made.add(people(at * rowsPerFragment, rowsPerFragment));
  made.close();
  connection.close();
  return { uri: join(database, 't.lance'), scratch: join(database, 'scratch') };
}

/** What a process says that runs builds over all of the table at once, in a pool of this size. */
async function buildAtOnce(uri: string, scratch: string, builds: number, poolBytes: number): Promise<string[]> {
  const script = fileURLToPath(new URL('burst-builder.ts', import.meta.url));
  const { LANCE_MEM_POOL_SIZE: _, ...env } = process.env;
  const args = [script, uri, scratch, String(builds), String(poolBytes)];
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const [out] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  return JSON.parse(out);
}

test('a build that no pool is large enough for fails by itself, and says what to raise', async () => {
  const { uri, scratch } = await table(1000);
  const [said] = await buildAtOnce(uri, scratch, 1, 1024);
  expect(said).toMatch(
    /^build_failed: LanceDB could not index id in 1024 bytes of memory, .*raise build\.memory_bytes/,
  );
});

test('twenty builds at once in 64 MiB all succeed', async () => {
  const { uri, scratch } = await table(25_000);
  expect(await buildAtOnce(uri, scratch, 20, SMALL)).toEqual(Array.from({ length: 20 }, () => 'built'));
});

test.each([
  ['--memory', ['--memory', '64MiB'], {}],
  ["LanceDB's own variable", [], { LANCE_MEM_POOL_SIZE: String(SMALL) }],
])('an index command that builds twenty parts at once keeps within %s', async (_, options, env) => {
  const { uri, scratch } = await table(25_000);
  const args = ['-C', 'id', 'name', '--rows-per-segment', '25000', '--concurrency', '20', '--scratch-dir', scratch];
  const done = await segmentdProcess(['index', uri, ...args, ...options], env);
  expect([done.code, done.stderr]).toEqual([0, expect.not.stringContaining('exhausted')]);
  const { stdout } = await segmentdProcess(['status', uri, '--json']);
  expect(JSON.parse(stdout).indexes.map(({ coverage }: { coverage: number }) => coverage)).toEqual([1, 1]);
});
