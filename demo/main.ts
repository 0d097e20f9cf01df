/**
 * A demonstration of the main job: a broker, a daemon, a table of a million rows with two BTREE indexes, and a writer that
 * appends to it in another process. Ends with a summary; `--json` prints it as the last line, `--keep` leaves all running.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { connect, Index } from '@lancedb/lancedb';
import { stringify } from 'yaml';
import { inspectTable } from '../src/lance/inspect/inspect.ts';
import { LanceTable } from '../src/lance/table/table.ts';
import { Cleanup } from '../src/lib/cleanup.ts';
import { localStore } from '../src/store/local-store.ts';
import { freePorts, startBroker } from '../testing/broker/broker.ts';
import type { LogLine } from '../testing/daemon-process.ts';
import { startDaemonProcess } from '../testing/daemon-process.ts';
import { DATABASE, people, TABLE } from '../testing/people.ts';
import { lookUp, segmentDigests, steadyStateOptimizeMs, untouched } from '../testing/proof.ts';
import { quantile, screen } from '../testing/screen.ts';

const ROWS = 1_000_000;
const BATCHES = 30;
const BATCH_ROWS = 10_000;
const PAUSE_MS = 250;
const COVERED_WITHIN_MS = 60_000;
const TOPIC = 'segmentd.append-events';

const { values: options } = parseArgs({
  options: { json: { type: 'boolean', default: false }, keep: { type: 'boolean', default: false } },
});

type Announced = { readonly version: number; readonly announced_ms: number };
/** When which version was covered, from the daemon's log. */
type CoveredAt = { readonly version: number; readonly ms: number };

async function makeTable(database: string): Promise<void> {
  const connection = await connect(database);
  const table = await connection.createTable(TABLE, people(0, ROWS));
  for (const column of ['id', 'name']) await table.createIndex(column, { config: Index.btree() });
  table.close();
  connection.close();
}

/** Runs the writer and shows each append as it gets covered; resolves with the milliseconds each took. */
async function appendAndWatch(database: string, brokers: string[], covered: CoveredAt[]): Promise<number[]> {
  const script = fileURLToPath(new URL('writer.ts', import.meta.url));
  const numbers = [ROWS, BATCHES, BATCH_ROWS, PAUSE_MS].map(String);
  const args = [script, database, brokers.join(','), TOPIC, ...numbers];
  const writer = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(writer, 'exit');
  const took: number[] = [];
  for await (const line of createInterface({ input: writer.stdout })) {
    const { version, announced_ms: announcedMs } = JSON.parse(line) as Announced;
    const deadline = Date.now() + COVERED_WITHIN_MS;
    let done: CoveredAt | undefined;
    while (!done) {
      done = covered.find((it) => it.version >= version);
      if (Date.now() > deadline) throw new Error(`version ${version} was not covered in time`);
      if (!done) await sleep(2);
    }
    took.push(done.ms - announcedMs);
    screen.covered(took.length, BATCHES, version, done.ms - announcedMs);
  }
  await ended;
  if (writer.exitCode !== 0) throw new Error(`the writer ended with exit code ${writer.exitCode}`);
  return took;
}

async function demo(cleanup: Cleanup): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), 'segmentd-demo-'));
  cleanup.defer(() => rm(home, { recursive: true, force: true }));
  const database = join(home, DATABASE);
  const tableFolder = join(database, `${TABLE}.lance`);
  await mkdir(database);

  screen.step('Kafka: starting a broker (the first time its jars are downloaded)');
  const broker = await startBroker({ log: () => undefined });
  cleanup.defer(() => broker.stop());
  screen.note(`listening on ${broker.bootstrap.join(',')}`);

  screen.step(`LanceDB: a table of ${ROWS.toLocaleString('en-US')} rows with BTREE indexes on an integer and a string`);
  await makeTable(database);
  const before = await segmentDigests(tableFolder);
  const copy = join(home, 'copy');
  await cp(database, copy, { recursive: true });

  screen.step('segmentd: starting the daemon');
  const [port] = await freePorts();
  const configFile = join(home, 'segmentd.yaml');
  const config = {
    databases: { [DATABASE]: database },
    kafka: { brokers: broker.bootstrap, topic: TOPIC, create_topics: { enabled: true, partitions: 4 } },
    state: { scratch_dir: join(home, 'scratch') },
    http: { port },
  };
  await writeFile(configFile, stringify(config));
  const covered: CoveredAt[] = [];
  const daemon = await startDaemonProcess(configFile, port, (line: LogLine) => {
    if (line.event !== 'batchCovered') return;
    covered.push({ version: Number(line.coveredVersion), ms: Date.parse(line.time ?? '') });
  });
  cleanup.defer(async () => {
    const code = await daemon.stop();
    if (code !== 0) throw new Error(`the daemon ended with exit code ${code}`);
  });
  screen.note(`metrics on ${daemon.url}/metrics`);

  screen.step(`a writer appends ${BATCHES} batches of ${BATCH_ROWS.toLocaleString('en-US')} rows and announces each`);
  const took = await appendAndWatch(database, broker.bootstrap, covered);

  screen.step('checking: coverage, lookups, old segments; and one optimize() of a copy beside it');
  const facts = await inspectTable(new LanceTable(localStore(tableFolder)));
  const after = await segmentDigests(tableFolder);
  const lastId = ROWS + BATCHES * BATCH_ROWS - 1;
  const lookup = await lookUp(database, lastId);
  const optimizeMs = await steadyStateOptimizeMs(copy, ROWS, BATCH_ROWS);
  report({
    appends: took.length,
    segments_added: after.size - before.size,
    segments_now: facts.indexes.reduce((sum, { segments }) => sum + segments.length, 0),
    coverage: Math.min(...facts.indexes.map(({ coverage }) => coverage)),
    event_to_covered_ms: { p50: round(quantile(took, 0.5)), p99: round(quantile(took, 0.99)) },
    lookup_used_index: lookup.usedIndex,
    lookup_correct: lookup.correct,
    old_segments_untouched: untouched(before, after),
    optimize_ms: round(optimizeMs),
  });
  if (options.keep) await keep(daemon.url, broker.bootstrap, tableFolder, configFile);
}

const round = (ms: number) => Math.round(ms * 10) / 10;

type Summary = {
  readonly appends: number;
  /** Built in all, those included that merges made of others. */
  readonly segments_added: number;
  readonly segments_now: number;
  readonly coverage: number;
  readonly event_to_covered_ms: { readonly p50: number; readonly p99: number };
  readonly lookup_used_index: boolean;
  readonly lookup_correct: boolean;
  readonly old_segments_untouched: boolean;
  readonly optimize_ms: number;
};

function report(summary: Summary): void {
  const { p50, p99 } = summary.event_to_covered_ms;
  const yes = (is: boolean) => (is ? 'yes' : 'NO');
  const lines = [
    `appends                   ${summary.appends}`,
    `segments                  ${summary.segments_added} built for two indexes, ${summary.segments_now} after merging`,
    `coverage                  ${summary.coverage}`,
    `event to covered          p50 ${p50} ms, p99 ${p99} ms`,
    `lookup of a fresh key     used the index: ${yes(summary.lookup_used_index)}, right row: ${yes(summary.lookup_correct)}`,
    `old segments untouched    ${yes(summary.old_segments_untouched)}`,
    `one optimize() of a copy  ${summary.optimize_ms} ms, ${(summary.optimize_ms / p50).toFixed(1)} times the p50`,
  ];
  process.stdout.write(`\n${lines.join('\n')}\n`);
  if (options.json) process.stdout.write(`${JSON.stringify(summary)}\n`);
  const good = summary.lookup_used_index && summary.lookup_correct && summary.old_segments_untouched;
  if (!good || summary.coverage !== 1 || summary.appends !== BATCHES) throw new Error('the summary shows a failure');
}

async function keep(url: string, brokers: string[], table: string, configFile: string): Promise<void> {
  screen.step('everything keeps running until Ctrl-C');
  screen.note(`metrics    ${url}/metrics`);
  screen.note(`table      npx segmentd status ${table}`);
  screen.note(`brokers    ${brokers.join(',')}`);
  screen.note(`announce   npx segmentd announce ${DATABASE}/${TABLE} -c ${configFile}`);
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
}

const cleanup = new Cleanup();
try {
  await demo(cleanup);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
} finally {
  await cleanup.run();
}
