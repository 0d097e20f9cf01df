/**
 * `--kinds`: one table with an index of each kind. Each append is indexed for all of them in one commit, and each index is asked for the new
 * rows until it finds them. The daemon makes the indexes, as its configuration names them.
 */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Table } from '@lancedb/lancedb';
import { connect } from '@lancedb/lancedb';
import { stringify } from 'yaml';
import { loadConfig } from '../src/config/load.ts';
import { kafkaSettings } from '../src/daemon/kafka-settings.ts';
import { openProducer } from '../src/kafka/producer.ts';
import type { TableFacts } from '../src/lance/inspect/inspect.ts';
import { inspectTable } from '../src/lance/inspect/inspect.ts';
import { kindNamed } from '../src/lance/plan/index-kind.ts';
import { LanceTable } from '../src/lance/table/table.ts';
import type { Cleanup } from '../src/lib/cleanup.ts';
import { openStore } from '../src/store/open-store.ts';
import { freePorts, startBroker } from '../testing/broker/broker.ts';
import type { LogLine } from '../testing/daemon-process.ts';
import { startDaemonProcess } from '../testing/daemon-process.ts';
import { DATABASE } from '../testing/people.ts';
import { quantile, screen } from '../testing/screen.ts';
import type { CoveredAt } from './appends.ts';
import { appendAndWatch, untilCovered } from './appends.ts';
import type { Batch, Question } from './kind-rows.ts';
import { DOCUMENTS, documents, finds, QUESTIONS, usesIndex } from './kind-rows.ts';
import type { KindsSummary } from './kinds-summary.ts';

const BATCH_ROWS = 1_000;
/** Longer than a batch takes: each append has one of its own, and each index is asked for it from the beginning. */
const PAUSE_MS = 1_000;
const POLL_MS = 5;
const FOUND_WITHIN_MS = 60_000;

const nameOf = ({ column }: Question) => `${column}_idx`;

export async function showKinds(
  cleanup: Cleanup,
  { rows, appends }: { readonly rows: number; readonly appends: number },
): Promise<KindsSummary> {
  const home = await mkdtemp(join(tmpdir(), 'segmentd-demo-'));
  cleanup.defer(() => rm(home, { recursive: true, force: true }));
  screen.step('Kafka: starting a broker (the first time its jars are downloaded)');
  const broker = await startBroker({ log: () => undefined });
  cleanup.defer(() => broker.stop());

  screen.step(`LanceDB: a table of ${rows.toLocaleString('en-US')} rows without an index`);
  const uri = join(home, DATABASE);
  const connection = await connect(uri, { readConsistencyInterval: 0 });
  const table = await connection.createTable(DOCUMENTS, documents({ number: 0, from: 0, rows }));
  cleanup.defer(async () => {
    table.close();
    connection.close();
  });

  const topic = `segmentd.demo-${randomUUID()}`;
  const { configFile, port } = await configure(home, uri, broker.bootstrap, topic);
  const { log, onLog } = watchLog();
  const labels = QUESTIONS.map(({ kind }) => kindNamed(kind).label);
  screen.step(`segmentd: starting the daemon, which makes the indexes: ${labels.join(', ')}`);
  const daemon = await startDaemonProcess(configFile, port, onLog);
  cleanup.defer(async () => {
    const code = await daemon.stop();
    if (code !== 0) throw new Error(`the daemon ended with exit code ${code}`);
  });
  await announce(configFile, home, topic, await table.version());
  await untilCovered(log.covered, 1);
  const before = { builds: log.builds.length, commits: log.commits };

  screen.step(`a writer appends ${appends} batches of ${BATCH_ROWS.toLocaleString('en-US')} rows and announces each`);
  const found = new Map(QUESTIONS.map((question) => [question, [] as number[]]));
  const batchAt = (number: number): Batch => ({ number, from: rows + (number - 1) * BATCH_ROWS, rows: BATCH_ROWS });
  const took = await appendAndWatch(
    {
      ...{ database: { uri, storageOptions: {} }, env: {}, brokers: broker.bootstrap, topic, table: DOCUMENTS },
      ...{ first: rows, batches: appends, rows: BATCH_ROWS, pauseMs: PAUSE_MS },
    },
    log.covered,
    (number, announcedMs) => askUntilFound(table, batchAt(number), announcedMs, found),
  );

  screen.step('checking: coverage, and the plans of the queries');
  const facts = await inspectTable(new LanceTable(openStore(join(uri, `${DOCUMENTS}.lance`))));
  const builds = log.builds.slice(before.builds);
  const indexes = QUESTIONS.map(async (question) => ({
    ...indexFacts(question, facts, builds),
    event_to_found_ms: spread(found.get(question) ?? []),
    used_index: await usesIndex(question, table, batchAt(appends)),
  }));
  return {
    appends: took.length,
    commits: log.commits - before.commits,
    event_to_covered_ms: spread(took),
    indexes: await Promise.all(indexes),
  };
}

type Built = { readonly index: string; readonly seconds: number };

function indexFacts(question: Question, { indexes }: TableFacts, builds: readonly Built[]) {
  const index = indexes.find(({ name }) => name === nameOf(question));
  const buildMs = builds.filter((it) => it.index === nameOf(question)).map(({ seconds }) => seconds * 1000);
  return {
    kind: kindNamed(question.kind).label,
    column: question.column,
    asks: question.asks,
    segments_built: buildMs.length,
    segments_now: index?.segments.length ?? 0,
    coverage: index?.coverage ?? 0,
    build_ms: spread(buildMs),
  };
}

const round = (ms: number) => Math.round(ms * 10) / 10;
const spread = (ms: readonly number[]) => ({ p50: round(quantile(ms, 0.5)), p99: round(quantile(ms, 0.99)) });

async function configure(home: string, uri: string, brokers: readonly string[], topic: string) {
  const [port] = await freePorts();
  const configFile = join(home, 'segmentd.yaml');
  const config = {
    databases: { [DATABASE]: uri },
    tables: {
      [`${DATABASE}/${DOCUMENTS}`]: {
        indexes: QUESTIONS.map(({ column, kind, parameters }) => ({ column, kind, ...parameters })),
      },
    },
    // So that each append makes a segment of a vector index: by default such few rows wait for more.
    vector: { min_rows: BATCH_ROWS },
    kafka: {
      ...{ brokers, topic, group_id: topic, dead_letter_topic: `${topic}-dead` },
      create_topics: { enabled: true, partitions: 1 },
    },
    state: { scratch_dir: join(home, 'scratch') },
    http: { port },
    // Builds and commits are said there.
    log: { level: 'debug' },
  };
  await writeFile(configFile, stringify(config));
  return { configFile, port };
}

/** What the daemon says: when which version was covered, builds, and commits of fresh data. */
function watchLog() {
  const log = {
    covered: [] as CoveredAt[],
    builds: [] as Built[],
    commits: 0,
  };
  const onLog = (line: LogLine) => {
    if (line.event === 'batchCovered') {
      log.covered.push({ version: Number(line.coveredVersion), ms: Date.parse(line.time ?? '') });
    }
    if (line.event === 'buildFinished') log.builds.push({ index: String(line.index), seconds: Number(line.seconds) });
    if (line.event === 'commitFinished' && line.outcome === 'landed') log.commits += 1;
  };
  return { log, onLog };
}

async function announce(configFile: string, cwd: string, topic: string, version: number): Promise<void> {
  const producer = openProducer(kafkaSettings(loadConfig({ file: configFile, env: {}, cwd })));
  const key = `${DATABASE}/${DOCUMENTS}`;
  await producer.send(topic, [{ key: Buffer.from(key), value: Buffer.from(JSON.stringify({ table: key, version })) }]);
  await producer.close();
}

/** Asks each index for a row of the batch, in turn, until all have found one. */
async function askUntilFound(
  table: Table,
  batch: Batch,
  announcedMs: number,
  found: ReadonlyMap<Question, number[]>,
): Promise<void> {
  const waiting = new Set(found.keys());
  while (waiting.size > 0) {
    for (const question of waiting) {
      if (!(await finds(question, table, batch))) continue;
      found.get(question)?.push(Date.now() - announcedMs);
      waiting.delete(question);
    }
    if (Date.now() - announcedMs > FOUND_WITHIN_MS) {
      const columns = [...waiting].map(({ column }) => column).join(', ');
      throw new Error(`the rows of batch ${batch.number} were not found by the indexes on ${columns}`);
    }
    await sleep(POLL_MS);
  }
}
