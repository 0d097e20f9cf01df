/** A world for end-to-end tests: a database, topics of its own on the shared broker, and daemons as processes. */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Table } from '@lancedb/lancedb';
import { connect, Index } from '@lancedb/lancedb';
import { inject, onTestFinished } from 'vitest';
import { stringify } from 'yaml';
import { loadConfig } from '../../../src/config/load.ts';
import { kafkaSettings } from '../../../src/daemon/kafka-settings.ts';
import type { KafkaSettings } from '../../../src/kafka/client.ts';
import type { RecordProducer } from '../../../src/kafka/producer.ts';
import { openProducer } from '../../../src/kafka/producer.ts';
import { ensureTopics } from '../../../src/kafka/topics.ts';
import type { TableFacts } from '../../../src/lance/inspect/inspect.ts';
import { inspectTable } from '../../../src/lance/inspect/inspect.ts';
import { isMaintained } from '../../../src/lance/plan/index-kind.ts';
import { LanceTable } from '../../../src/lance/table/table.ts';
import { openStore } from '../../../src/store/open-store.ts';
import { freePorts } from '../../../testing/broker/broker.ts';
import type { DaemonProcess, LogLine } from '../../../testing/daemon-process.ts';
import { startDaemonProcess } from '../../../testing/daemon-process.ts';
import { people } from '../../../testing/people.ts';

/** Where a database lies, and LanceDB's options for it. */
export type DatabasePlace = { readonly uri: string; readonly storageOptions: Record<string, string> };

export type World = {
  readonly home: string;
  readonly configFile: string;
  /** Folder or URI of the database `db`. */
  readonly database: string;
  readonly storageOptions: Record<string, string>;
  readonly scratch: string;
  readonly settings: KafkaSettings;
  readonly producer: RecordProducer;
  /** Log lines of all daemons, in the order they came. */
  readonly log: LogLine[];
  tableFolder(name: string): string;
  /** `env` goes over the environment. */
  daemon(env?: Readonly<Record<string, string>>): Promise<DaemonProcess>;
  facts(name: string): Promise<TableFacts>;
};

/**
 * `options` are added to the configuration, `partitions` are those of the topics; with 0 there are none at first. The database is a folder
 * of its own, unless it is given another place.
 */
export async function makeWorld(
  options: Record<string, unknown> = {},
  partitions = 3,
  moreKafka: Record<string, unknown> = {},
  place?: DatabasePlace,
): Promise<World> {
  const home = await mkdtemp(join(tmpdir(), 'segmentd-e2e-'));
  onTestFinished(() => rm(home, { recursive: true, force: true }));
  const { uri: database, storageOptions } = place ?? { uri: join(home, 'db'), storageOptions: {} };
  if (!place) await mkdir(database);
  const id = randomUUID().slice(0, 8);
  const kafka = {
    brokers: inject('brokers'),
    topic: `events-${id}`,
    dead_letter_topic: `dead-${id}`,
    group_id: `group-${id}`,
    commit_interval_ms: 200,
    ...moreKafka,
  };
  const scratch = join(home, 'scratch');
  const configFile = join(home, 'segmentd.yaml');
  const [port] = await freePorts();
  const config = {
    databases: { db: place ? { uri: database, storage_options: storageOptions } : database },
    sweep: { interval_s: 0 },
    kafka,
    state: { scratch_dir: scratch },
    http: { port },
    ...options,
  };
  await writeFile(configFile, stringify(config));
  const settings = kafkaSettings(loadConfig({ file: configFile, env: {}, cwd: home }));
  if (partitions > 0) await ensureTopics(settings, { partitions, replicationFactor: 1 });
  const producer = openProducer(settings);
  onTestFinished(() => producer.close());
  const log: LogLine[] = [];
  const tableFolder = (name: string) => `${database}/${name}.lance`;
  return {
    home,
    configFile,
    database,
    storageOptions,
    scratch,
    settings,
    producer,
    log,
    tableFolder,
    async daemon(env) {
      const daemon = await startDaemonProcess(configFile, port, (line) => log.push(line), env);
      onTestFinished(async () => void (await daemon.stop('SIGKILL')));
      return daemon;
    },
    facts: (name) => inspectTable(new LanceTable(openStore(tableFolder(name), storageOptions))),
  };
}

/** A table of `rows` people, indexed on both columns by LanceDB. */
export async function makeTable({ database, storageOptions }: World, name: string, rows: number): Promise<void> {
  const connection = await connect(database, { storageOptions });
  const table = await connection.createTable(name, people(0, rows));
  try {
    for (const column of ['id', 'name']) await table.createIndex(column, { config: Index.btree() });
  } finally {
    table.close();
    connection.close();
  }
}

export async function openTable(
  database: string,
  name: string,
  storageOptions: Record<string, string> = {},
): Promise<Table> {
  const connection = await connect(database, { storageOptions });
  const table = await connection.openTable(name);
  onTestFinished(() => {
    table.close();
    connection.close();
  });
  return table;
}

/** Starts test/integration/e2e/append.ts: a process that appends and announces. */
export function startWriter(world: World, table: string, first: number, batches: number, rows: number): ChildProcess {
  const script = fileURLToPath(new URL('append.ts', import.meta.url));
  const { brokers, topic } = world.settings;
  const args = [script, world.database, table, brokers.join(), topic, ...[first, batches, rows].map(String)];
  const env = { ...process.env, STORAGE_OPTIONS: JSON.stringify(world.storageOptions) };
  const writer = spawn(process.execPath, args, { env, stdio: ['ignore', 'inherit', 'inherit'] });
  onTestFinished(() => void writer.kill('SIGKILL'));
  return writer;
}

/** The exit code of a process that ends by itself. */
export async function exitOf(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null) await once(child, 'exit');
  return child.exitCode;
}

/** Polls until `check` gives true; fails with `what` after `withinMs`. */
export async function until(what: string, check: () => Promise<boolean> | boolean, withinMs = 60_000): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!(await check())) {
    if (Date.now() > deadline) throw new Error(`not in ${withinMs} ms: ${what}`);
    await sleep(50);
  }
}

/** Whether every index of a table covers everything and no fragment twice. */
export async function covered(world: World, table: string): Promise<boolean> {
  const store = openStore(world.tableFolder(table), world.storageOptions);
  const { fragments, indexes } = await new LanceTable(store).latest();
  const live = [...fragments.ids];
  const names = new Set(indexes.filter(isMaintained).map(({ name }) => name));
  return (
    names.size > 0 &&
    [...names].every((name) => {
      const own = indexes.filter((index) => index.name === name).flatMap(({ fragments: ids }) => [...(ids ?? [])]);
      const count = (id: number) => own.filter((each) => each === id).length;
      return live.every((id) => count(id) === 1);
    })
  );
}

export const entriesOf = (folder: string) => readdir(folder).catch(() => [] as string[]);
