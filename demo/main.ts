/**
 * A demonstration of the main job: a broker, a daemon, a table of a million rows with two BTREE indexes, and a writer that
 * appends to it in another process. Ends with a summary; `--json` prints it as the last line, `--keep` leaves all running.
 * With `--store s3` the table lies in a real S3 server on this machine, and the summary has the requests per batch. `--kinds` shows an
 * index of each kind instead, over a table of `--rows` and with `--appends`: see kinds.ts.
 */
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { stringify } from 'yaml';
import { inspectTable } from '../src/lance/inspect/inspect.ts';
import { LanceTable } from '../src/lance/table/table.ts';
import { Cleanup } from '../src/lib/cleanup.ts';
import { freePorts, startBroker } from '../testing/broker/broker.ts';
import type { LogLine } from '../testing/daemon-process.ts';
import { startDaemonProcess } from '../testing/daemon-process.ts';
import { DATABASE, TABLE } from '../testing/people.ts';
import { lookUp, segmentDigests, steadyStateOptimizeMs, untouched } from '../testing/proof.ts';
import { quantile, screen } from '../testing/screen.ts';
import { requestsByCommit } from '../testing/stores/commit-requests.ts';
import type { CoveredAt } from './appends.ts';
import { appendAndWatch } from './appends.ts';
import { showKinds } from './kinds.ts';
import { reportKinds } from './kinds-summary.ts';
import type { Place } from './place.ts';
import { placeInS3, placeOnDisk, ROWS } from './place.ts';
import type { Summary } from './summary.ts';
import { report, requestsOf } from './summary.ts';

const BATCHES = 30;
const BATCH_ROWS = 10_000;
const PAUSE_MS = 250;
/** Longer than the default of `batch.min_interval_ms` there: each append has a batch of its own, which waits for no other. */
const PAUSE_IN_S3_MS = 1_200;
const TOPIC = 'segmentd.append-events';
const APPENDS = { topic: TOPIC, table: TABLE, first: ROWS, batches: BATCHES, rows: BATCH_ROWS };

const { values: options } = parseArgs({
  options: {
    store: { type: 'string', default: 'disk' },
    json: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    kinds: { type: 'boolean', default: false },
    rows: { type: 'string', default: '20000' },
    appends: { type: 'string', default: '10' },
  },
});

async function demo(cleanup: Cleanup): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), 'segmentd-demo-'));
  cleanup.defer(() => rm(home, { recursive: true, force: true }));
  const isInS3 = options.store === 's3';

  screen.step('Kafka: starting a broker (the first time its jars are downloaded)');
  const broker = await startBroker({ log: () => undefined });
  cleanup.defer(() => broker.stop());
  screen.note(`listening on ${broker.bootstrap.join(',')}`);

  const where = isInS3 ? ', in an S3 server' : '';
  screen.step(
    `LanceDB: a table of ${ROWS.toLocaleString('en-US')} rows with BTREE indexes on an integer and a string${where}`,
  );
  const place = isInS3 ? await placeInS3(home, cleanup) : await placeOnDisk(home);
  const before = await segmentDigests(place.table);
  const copy = await place.copy();

  screen.step('segmentd: starting the daemon');
  const { configFile, port } = await configure(home, place, broker.bootstrap);
  const { covered, commits, onLog } = watchLog(place);
  const daemon = await startDaemonProcess(configFile, port, onLog);
  cleanup.defer(async () => {
    const code = await daemon.stop();
    if (code !== 0) throw new Error(`the daemon ended with exit code ${code}`);
  });
  screen.note(`metrics on ${daemon.url}/metrics`);
  if (isInS3) {
    screen.note(
      `batch.min_interval_ms is a second there: the writer pauses for ${PAUSE_IN_S3_MS} ms after each append`,
    );
  }

  screen.step(`a writer appends ${BATCHES} batches of ${BATCH_ROWS.toLocaleString('en-US')} rows and announces each`);
  const { database, env } = place;
  const pauseMs = isInS3 ? PAUSE_IN_S3_MS : PAUSE_MS;
  const took = await appendAndWatch({ ...APPENDS, database, env, brokers: broker.bootstrap, pauseMs }, covered);

  screen.step('checking: coverage, lookups, old segments; and one optimize() of a copy beside it');
  const facts = await inspectTable(new LanceTable(place.table));
  const after = await segmentDigests(place.table);
  const lastId = ROWS + BATCHES * BATCH_ROWS - 1;
  const lookup = await lookUp(place.database.uri, lastId, place.database.storageOptions);
  const optimizeMs = await steadyStateOptimizeMs(copy.uri, ROWS, BATCH_ROWS, copy.storageOptions);
  const summary: Summary = {
    appends: took.length,
    segments_added: after.size - before.size,
    segments_now: facts.indexes.reduce((sum, { segments }) => sum + segments.length, 0),
    coverage: Math.min(...facts.indexes.map(({ coverage }) => coverage)),
    event_to_covered_ms: { p50: round(quantile(took, 0.5)), p99: round(quantile(took, 0.99)) },
    lookup_used_index: lookup.usedIndex,
    lookup_correct: lookup.correct,
    old_segments_untouched: untouched(before, after),
    optimize_ms: round(optimizeMs),
    ...(commits && place.proxy ? { requests: requestsOf(commits, place.proxy) } : {}),
  };
  report(summary, BATCHES, (text) => process.stdout.write(text), options.json);
  if (options.keep) await keep(daemon.url, broker.bootstrap, place, configFile);
}

async function configure(home: string, { configured }: Place, brokers: readonly string[]) {
  const [port] = await freePorts();
  const configFile = join(home, 'segmentd.yaml');
  const config = {
    databases: { [DATABASE]: configured },
    kafka: { brokers, topic: TOPIC, create_topics: { enabled: true, partitions: 4 } },
    state: { scratch_dir: join(home, 'scratch') },
    http: { port },
  };
  await writeFile(configFile, stringify(config));
  return { configFile, port };
}

/**
 * Takes the daemon's log. On a disk a version is covered when the log says so; in an object store the log comes after the requests that
 * prove the commit, and the proxy has seen when the manifest was there.
 */
function watchLog({ proxy }: Place) {
  const covered: CoveredAt[] = [];
  const commits = proxy && requestsByCommit(proxy);
  const onLog = (line: LogLine) => {
    commits?.logged(line);
    if (line.event !== 'batchCovered') return;
    const ms = commits?.batches.at(-1)?.landedAtMs ?? Date.parse(line.time ?? '');
    covered.push({ version: Number(line.coveredVersion), ms });
  };
  return { covered, commits, onLog };
}

const round = (ms: number) => Math.round(ms * 10) / 10;

async function keep(url: string, brokers: string[], { table, proxy }: Place, configFile: string): Promise<void> {
  const id = `${DATABASE}/${TABLE}`;
  screen.step('everything keeps running until Ctrl-C');
  screen.note(`metrics    ${url}/metrics`);
  screen.note(`table      npx segmentd status ${proxy ? `${id} -c ${configFile}` : table.root}`);
  screen.note(`brokers    ${brokers.join(',')}`);
  screen.note(`announce   npx segmentd announce ${id} -c ${configFile}`);
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
}

const cleanup = new Cleanup();
try {
  if (!['disk', 's3'].includes(options.store)) throw new Error('--store is disk or s3');
  if (options.kinds) {
    const summary = await showKinds(cleanup, { rows: Number(options.rows), appends: Number(options.appends) });
    reportKinds(summary, (text) => process.stdout.write(text), options.json);
  } else await demo(cleanup);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
} finally {
  await cleanup.run();
}
