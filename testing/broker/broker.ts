import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { patchRequestQueue } from '../../src/kafka/request-queue-patch.ts';
import type { ServerProcess } from '../child-server.ts';
import { PortTakenError } from '../child-server.ts';
import { onFreePorts } from '../free-ports.ts';
import type { Installation } from './jars.ts';
import { install } from './jars.ts';
import type { Ports } from './server-config.ts';
import { writeServerConfig } from './server-config.ts';
import { formatStorage, runKafka } from './server-process.ts';

export { freePorts } from '../free-ports.ts';

export type Broker = {
  /** `host:port` each. */
  readonly bootstrap: string[];
  /** True when it was named by KAFKA_BROKERS: it is not ours to stop or to break. */
  readonly external: boolean;
  /** Where its files lie; empty for an external broker. */
  readonly dir: string;
  stop(): Promise<void>;
  /** SIGKILL, as a crash. Like the other faults, throws for an external broker. */
  kill(): Promise<void>;
  /** Starts it again on the same folder and port, stopping it first if it runs. */
  restart(): Promise<void>;
  /** SIGSTOP: connections stay open and no request is answered. */
  pause(): void;
  resume(): void;
};

export type BrokerOptions = {
  /** Data folder, kept on stop; default: a fresh one, removed on stop. */
  readonly dir?: string;
  /** Default: a free one. */
  readonly port?: number;
  /** Server properties that override or add to the defaults; see writeServerConfig. */
  readonly properties?: Record<string, string>;
  /** Further arguments for formatting the storage, such as `--add-scram` and what follows it. */
  readonly formatArguments?: readonly string[];
  readonly log?: (line: string) => void;
};

/** A broker to test against: the one that KAFKA_BROKERS names, else one of our own. */
export async function startBroker(options: BrokerOptions = {}): Promise<Broker> {
  const named = (process.env.KAFKA_BROKERS ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  if (named.length === 0) return startOwnBroker(options);
  await ready(named);
  const refuse = (): never => {
    throw new Error('The broker named by KAFKA_BROKERS is not ours to break; use startOwnBroker.');
  };
  const stop = async (): Promise<void> => undefined;
  return {
    bootstrap: named,
    external: true,
    dir: '',
    stop,
    kill: async () => refuse(),
    restart: async () => refuse(),
    pause: refuse,
    resume: refuse,
  };
}

/** A broker of our own even when KAFKA_BROKERS is set, for tests that break it. Throws when there is no Java or Maven. */
export async function startOwnBroker(options: BrokerOptions = {}): Promise<Broker> {
  const log = options.log ?? (() => undefined);
  const installation = await install(log);
  const dir = options.dir ?? (await mkdtemp(join(tmpdir(), 'segmentd-broker-')));
  await mkdir(dir, { recursive: true });
  const remove = async (): Promise<void> => {
    if (options.dir === undefined) await rm(dir, { recursive: true, force: true });
  };
  try {
    const { port, process } = await bindAndRun(installation, dir, options, log);
    const bootstrap = [`127.0.0.1:${port}`];
    await ready(bootstrap).catch(async (error: unknown) => {
      await process.kill();
      throw error;
    });
    return ownBroker({ installation, dir, bootstrap, temporary: options.dir === undefined, log, remove }, process);
  } catch (error) {
    await remove();
    throw error;
  }
}

type Own = {
  readonly installation: Installation;
  readonly dir: string;
  readonly bootstrap: string[];
  readonly temporary: boolean;
  readonly log: (line: string) => void;
  readonly remove: () => Promise<void>;
};

function ownBroker(own: Own, first: ServerProcess): Broker {
  let server: ServerProcess | undefined = first;
  const signal = (name: NodeJS.Signals): void => {
    if (server) process.kill(server.pid, name);
  };
  const halt = async (how: 'stop' | 'kill'): Promise<void> => {
    const running = server;
    server = undefined;
    await running?.[how]();
  };
  return {
    bootstrap: own.bootstrap,
    external: false,
    dir: own.dir,
    async stop() {
      await halt('stop');
      await own.remove();
    },
    kill: () => halt('kill'),
    async restart() {
      await halt('stop');
      server = await runKafka(own.installation, own.dir, own);
      await ready(own.bootstrap);
    },
    pause: () => signal('SIGSTOP'),
    resume: () => signal('SIGCONT'),
  };
}

function bindAndRun(
  installation: Installation,
  dir: string,
  options: BrokerOptions,
  log: (line: string) => void,
): Promise<{ port: number; process: ServerProcess }> {
  return onFreePorts(async ([client, controller]) => {
    const ports: Ports = { client: options.port ?? client, controller };
    await writeServerConfig(dir, ports, options.properties ?? {});
    await formatStorage(installation, dir, options.formatArguments);
    try {
      const process = await runKafka(installation, dir, { temporary: options.dir === undefined, log });
      return { port: ports.client, process };
    } catch (error) {
      if (error instanceof PortTakenError && options.port !== undefined)
        throw new Error(`Port ${options.port} is in use`, { cause: error });
      throw error;
    }
  });
}

/**
 * Answers only when clients can use it. Asking for a group makes the broker create its offsets topic: a consumer that met the
 * broker before that would see "coordinator not available" long enough to give up.
 */
async function ready(brokers: string[]): Promise<void> {
  // Without it Node prints a warning for every connection.
  patchRequestQueue(() => undefined);
  const retry = { initialRetryTime: 50, maxRetryTime: 250, retries: 60 };
  const kafka = new Kafka({ brokers, clientId: 'segmentd-test-ready', logLevel: logLevel.NOTHING, retry });
  const admin = kafka.admin({ retry });
  await admin.connect();
  try {
    await admin.describeCluster();
    await admin.describeGroups(['segmentd-warm-up']);
  } finally {
    await admin.disconnect();
  }
}
