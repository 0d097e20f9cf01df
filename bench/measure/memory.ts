/**
 * Memory of a process that commits and commits: resident set and live heap after every so many commits of one table. The index
 * is made one segment again from time to time, so that the manifest itself stays as large as it was.
 *
 *   npm run bench:memory -- [--commits 1000]
 */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { formatTable } from '../../src/commands/terminal/output.ts';
import { commitChange } from '../../src/lance/commit/commit-change.ts';
import { uploadSegments } from '../../src/lance/commit/upload.ts';
import { lanceSegmentBuilder } from '../../src/lance/engine/segment-builder.ts';
import { DEFAULT_POLICY } from '../../src/lance/plan/row-ids.ts';
import { planTable } from '../../src/lance/plan/table-plan.ts';
import { LanceTable } from '../../src/lance/table/table.ts';
import { localStore } from '../../src/store/local-store.ts';

const CHECKPOINTS = 10;
const CONSOLIDATE_EVERY = 50;
const LIMITS = { maxRows: Number.MAX_SAFE_INTEGER, maxFragments: Number.MAX_SAFE_INTEGER };
const COMMIT = { maxAttempts: 1, initialBackoffMs: 0, writer: { library: 'segmentd', version: 'bench' } };

const { values: options } = parseArgs({ options: { commits: { type: 'string', default: '1000' } } });
const commits = Number(options.commits);
const home = await mkdtemp(join(tmpdir(), 'segmentd-bench-'));
try {
  // A process of its own: LanceDB's appends must not fill the memory that is measured.
  const script = fileURLToPath(new URL('../support/memory-writer.ts', import.meta.url));
  const writer = spawn(process.execPath, [script, join(home, 'db')], { stdio: ['pipe', 'pipe', 'inherit'] });
  const answers = createInterface({ input: writer.stdout })[Symbol.asyncIterator]();
  const ask = async (what: 'append' | 'consolidate') => {
    writer.stdin.write(`${what}\n`);
    await answers.next();
  };
  await answers.next();
  const table = new LanceTable(localStore(join(home, 'db', 't.lance')));
  const builder = lanceSegmentBuilder(join(home, 'scratch'));
  const lines: (string | number)[][] = [];
  for (let commit = 1; commit <= commits; commit++) {
    await ask('append');
    const manifest = await table.latest();
    const { requests } = planTable(manifest, DEFAULT_POLICY, LIMITS);
    await using build = await builder.build(manifest, table.place(), requests);
    const { durable } = await uploadSegments(table.store, build.segments);
    const change = { base: manifest, addSegments: build.segments, removeSegments: [], properties: {}, durable };
    const outcome = await commitChange(table, { ...change, transactionUuid: randomUUID() }, COMMIT);
    if (outcome.kind !== 'landed') throw new Error(`the commit was ${outcome.kind}`);
    if (commit % CONSOLIDATE_EVERY === 0) await ask('consolidate');
    if (commit % Math.ceil(commits / CHECKPOINTS) === 0) {
      globalThis.gc?.();
      const { rss, heapUsed, external } = process.memoryUsage();
      lines.push([commit, ...[rss, heapUsed, external].map((bytes) => (bytes / 2 ** 20).toFixed(1))]);
    }
  }
  process.stdout.write(`${formatTable(['commits', 'RSS MiB', 'heap MiB', 'external MiB'], lines)}\n`);
  writer.stdin.end();
} finally {
  await rm(home, { recursive: true, force: true });
}
