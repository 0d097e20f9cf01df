/** A broker, and daemons on it: each with a database, a topic and a group of its own. */
import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { loadConfig } from '../../src/config/load.ts';
import { kafkaSettings } from '../../src/daemon/kafka-settings.ts';
import type { KafkaSettings } from '../../src/kafka/client.ts';
import { ensureTopics } from '../../src/kafka/topics.ts';
import { freePorts, startBroker } from '../../testing/broker/broker.ts';
import type { DaemonProcess, LogLine } from '../../testing/daemon-process.ts';
import { startDaemonProcess } from '../../testing/daemon-process.ts';
import { DAEMON_FLAGS, shippedProgram } from '../../testing/shipped-program.ts';
import type { Bench } from '../harness/scenario.ts';
import { CoveredVersions } from './covered-versions.ts';

/** Of a topic, unless more members are to share it. */
const PARTITIONS = 4;
export const DATABASE = 'db';
/** How a daemon runs without the flags that the image and the unit give to Node. */
export const NODES_OWN = "Node's own settings";

/** Addresses of a broker that ends with the run, or undefined where there is none to be had, which is noted. */
export async function brokerFor(bench: Bench): Promise<readonly string[] | undefined> {
  try {
    const broker = await startBroker();
    bench.cleanup.defer(() => broker.stop());
    return broker.bootstrap;
  } catch (error) {
    bench.leaveOut(error instanceof Error ? error.message : String(error));
    return undefined;
  }
}

export type DaemonPlace = {
  /** A folder, which is there and empty. */
  readonly database: string;
  readonly configFile: string;
  readonly port: number;
  readonly settings: KafkaSettings;
};

/** `more`: sections of the configuration beside those that every daemon here has. */
export async function daemonPlace(
  home: string,
  brokers: readonly string[],
  more: Readonly<Record<string, unknown>> = {},
  partitions = PARTITIONS,
): Promise<DaemonPlace> {
  const id = randomUUID().slice(0, 8);
  const database = join(home, `db-${id}`);
  await mkdir(database);
  const [port] = await freePorts();
  const configFile = join(home, `${id}.yaml`);
  const config = {
    databases: { [DATABASE]: database },
    kafka: { brokers, topic: `events-${id}`, dead_letter_topic: `dead-${id}`, group_id: `group-${id}` },
    state: { scratch_dir: join(home, `scratch-${id}`) },
    http: { port },
    ...more,
  };
  await writeFile(configFile, stringify(config));
  const settings = kafkaSettings(loadConfig({ file: configFile, env: {}, cwd: home }));
  await ensureTopics(settings, { partitions, replicationFactor: 1 });
  return { database, configFile, port, settings };
}

export type RunningDaemon = DaemonProcess & {
  /** Since when it runs, milliseconds since the epoch. */
  readonly runningMs: number;
  /** Partitions of the topic by the last assignment. */
  partitions(): number;
  /** Resolves when a batch covers this version of the table; when that was, in milliseconds since the epoch. */
  coveredAt(table: string, version: number): Promise<number>;
};

/** Starts a daemon as it is shipped, and waits until it is ready. `env` goes over the environment, `flags` are Node's. */
export async function runDaemon(
  { configFile, port, settings }: DaemonPlace,
  env: Readonly<Record<string, string>> = {},
  flags: readonly string[] = DAEMON_FLAGS,
): Promise<RunningDaemon> {
  const covered = new CoveredVersions();
  let runningMs = Number.NaN;
  let partitions = 0;
  const onLog = ({ event, state, table, coveredVersion, time, assigned }: LogLine): void => {
    if (event === 'rebalanced')
      partitions = (assigned as Record<string, readonly number[]> | undefined)?.[settings.topic]?.length ?? 0;
    if (event === 'stateChanged' && state === 'running') runningMs = Date.parse(time ?? '');
    if (event === 'batchCovered') covered.note(String(table), Number(coveredVersion), Date.parse(time ?? ''));
  };
  const daemon = await startDaemonProcess(configFile, port, onLog, env, [...flags, shippedProgram()]);
  void daemon.ended.then(() => covered.end(new Error('the daemon ended')));
  return {
    ...daemon,
    runningMs,
    partitions: () => partitions,
    coveredAt: (table, version) => covered.at(table, version),
  };
}

/** What the daemon counts: for each name the sum over the lines of `/metrics` that begin with it. */
export async function metricsOf<K extends string>(
  { url }: Pick<DaemonProcess, 'url'>,
  names: Readonly<Record<K, string>>,
): Promise<Record<K, number>> {
  const lines = (await (await fetch(`${url}/metrics`)).text()).split('\n');
  const sumOf = (name: string) =>
    lines
      .filter((line) => line.startsWith(name))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
  const entries = Object.entries<string>(names).map(([key, name]) => [key, sumOf(name)]);
  return Object.fromEntries(entries) as Record<K, number>;
}

/** One of them. */
export const metricOf = async (daemon: Pick<DaemonProcess, 'url'>, name: string): Promise<number> =>
  (await metricsOf(daemon, { it: `segmentd_${name}` })).it;
