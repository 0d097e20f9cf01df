/** The composition root of `segmentd run`: opens the parts in order, wires them together, closes them in reverse. */
import { hostname } from 'node:os';
import type { Subscription } from 'rxjs';
import type { Config } from './config/schema.ts';
import { decodeRecord } from './kafka/append-event.ts';
import { openDeadLetters } from './kafka/dead-letter.ts';
import { keepTopics } from './kafka/keep-topics.ts';
import { openLag } from './kafka/lag.ts';
import { openProducer } from './kafka/producer.ts';
import type { RecordSource, SourceState } from './kafka/source.ts';
import { openSource } from './kafka/source.ts';
import { kafkaSettings } from './kafka-settings.ts';
import { recordEngineMetrics } from './lance/engine-recorder.ts';
import { lanceSegmentBuilder } from './lance/segment-builder.ts';
import { openTables } from './lance/tables.ts';
import { asyncLimit } from './lib/async-limit.ts';
import { asSegmentdError } from './lib/errors.ts';
import { Releases } from './lib/releases.ts';
import { openScratch } from './lib/scratch.ts';
import { VERSION, versionOf } from './lib/version.ts';
import { pipeline } from './pipeline.ts';
import type { Kit } from './stages/kit.ts';
import { createPauses } from './stages/pauses.ts';
import { localStore } from './store/local-store.ts';
import type { Telemetry } from './telemetry/events.ts';
import { createTelemetry } from './telemetry/events.ts';
import type { Logger } from './telemetry/logger.ts';
import { createLogger } from './telemetry/logger.ts';
import type { State } from './telemetry/metric-catalogue.ts';
import { createMetrics } from './telemetry/metrics.ts';
import { startServer } from './telemetry/server.ts';

export type Daemon = {
  /** Port of `/metrics` and the probes. */
  readonly port: number;
  /** Resolves after a stop; rejects with the SegmentdError that ended the daemon. */
  readonly finished: Promise<void>;
  /** Ends the daemon. `drain` lets running work finish within `shutdown.drain_ms`; `now` only a commit in flight. */
  stop(how: 'drain' | 'now'): void;
};

const STATE_OF_SOURCE: Record<SourceState, State> = {
  connecting: 'starting',
  joining: 'joining',
  running: 'running',
  rebalancing: 'rebalancing',
  rebuilding: 'degraded',
  draining: 'draining',
  stopped: 'stopped',
  failed: 'failed',
};

/** Starts a daemon. Errors: config_invalid when the port or the scratch folder cannot be used. */
export async function startDaemon(config: Config, quiet = false): Promise<Daemon> {
  const releases = new Releases();
  try {
    return await open(config, quiet, releases);
  } catch (error) {
    await releases.run().catch(() => undefined);
    throw error;
  }
}

async function open(config: Config, quiet: boolean, releases: Releases): Promise<Daemon> {
  const logger = createLogger({ ...config.log, quiet });
  const metrics = createMetrics({
    maxTables: config.metrics.max_tables,
    version: VERSION,
    lancedbVersion: versionOf('@lancedb/lancedb'),
    topic: config.kafka.topic,
  });
  const engine = recordEngineMetrics();
  if (engine) metrics.engine(engine);
  const telemetry = createTelemetry({ logger, metrics });

  const scratch = await openScratch(config.state.scratch_dir);
  releases.push(() => scratch.remove());

  const settings = kafkaSettings(config);
  const owners: TableOwners = new Map();
  const source = openSource(settings, sourceHooks(config, telemetry, logger, owners));
  const server = await startServer({ ...config.http, metrics, health: healthOf(source) });
  releases.push(() => server.close());
  telemetry.unacked(() => ({ count: source.unacked(), oldestMs: source.oldestUnackedMs() }));

  const stopping = new AbortController();
  const log = kafkaLog(logger);
  const producer = openProducer(settings, log);
  releases.push(() => producer.close());
  const kit = kitOf(config, telemetry, scratch.dir, stopping.signal, owners, (delivery, error) =>
    openDeadLetters(settings, producer).send(delivery, error, { signal: stopping.signal, deadlineMs: FOR_EVER_MS }),
  );
  releases.push(() => kit.slots.idle());

  const lag = openLag(settings, config.kafka.lag_interval_ms, {
    log,
    onLag: (partitions) => telemetry.lagMeasured(ownLag(config.kafka.topic, source, partitions)),
    onError: (error) => log('debug', 'the consumer lag could not be measured', { error: error.message }),
  });
  releases.push(() => lag.stop());

  if (config.kafka.create_topics.enabled) {
    const { partitions, replication_factor: replicationFactor } = config.kafka.create_topics;
    void keepTopics(settings, { partitions, replicationFactor }, log, stopping.signal);
  }
  const running = run(source, kit, config, releases, stopping);
  await source.start();
  lag.start();
  return { port: server.port, ...running };
}

/** The partition that each table's events last came from: with the partition, the table goes to another member. */
type TableOwners = Map<string, number>;

/** A record that cannot be dead-lettered must not be acknowledged either: the only way out is the end of the process. */
const FOR_EVER_MS = 2 ** 31 - 1;

/** Runs the pipeline until somebody stops it or it fails, then releases everything. */
function run(
  source: RecordSource,
  kit: Kit,
  config: Config,
  releases: Releases,
  stopping: AbortController,
): Pick<Daemon, 'finished' | 'stop'> {
  let subscription: Subscription | undefined;
  let begun: 'drain' | 'now' | undefined;
  const hurry = new Promise<void>((resolve) => stopping.signal.addEventListener('abort', () => resolve()));
  const { promise: finished, resolve, reject } = Promise.withResolvers<void>();

  const end = async (failure?: unknown) => {
    // Offsets are committed and the group is left before anything else goes, so that others take over at once.
    const drained = source.drain(failure === undefined ? config.shutdown.drain_ms : FAILED_DRAIN_MS);
    await Promise.race([drained, hurry]);
    stopping.abort();
    subscription?.unsubscribe();
    try {
      await releases.run();
      await Promise.race([drained, pause(LEAVE_MS)]);
    } catch (error) {
      reject(asSegmentdError(failure ?? error));
      return;
    }
    if (failure === undefined) resolve();
    else reject(asSegmentdError(failure));
  };
  const stop = (how: 'drain' | 'now', failure?: unknown) => {
    if (!begun) void end(failure);
    if (how === 'now') stopping.abort();
    begun ??= how;
  };
  subscription = pipeline(source.records$, kit).subscribe({ error: (error: unknown) => stop('drain', error) });
  return { finished, stop: (how) => stop(how) };
}

/** After a failure nothing more is worth waiting for; what is acknowledged is committed all the same. */
const FAILED_DRAIN_MS = 2_000;
/** How long a hurried stop still waits for the group to be left. */
const LEAVE_MS = 1_000;
const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms).unref());

function kitOf(
  config: Config,
  telemetry: Telemetry,
  scratchDir: string,
  signal: AbortSignal,
  owners: TableOwners,
  deadLetter: Kit['deadLetter'],
): Kit {
  const databases = new Map(Object.entries(config.databases).map(([name, { uri }]) => [name, uri]));
  const policies = new Map(
    Object.entries(config.tables).map(([id, { indexes, stable_row_ids: stableRowIds }]) => [
      id,
      { wanted: indexes ?? ('existing' as const), stableRowIds },
    ]),
  );
  return {
    tables: openTables(localStore, policies),
    builder: lanceSegmentBuilder(scratchDir),
    telemetry,
    decodeRecord: (delivery) => {
      const events = decodeRecord(databases, delivery, { maxValueBytes: config.events.max_bytes });
      for (const { table } of events) owners.set(table.id, delivery.origin.partition);
      return events;
    },
    deadLetter,
    pauses: createPauses(),
    slots: asyncLimit(config.concurrency.tables),
    signal,
    settings: {
      lingerMs: config.batch.linger_ms,
      limits: { maxRows: config.batch.max_rows, maxFragments: config.batch.max_fragments },
      versionWaitMs: config.events.version_wait_ms,
      commit: { maxAttempts: config.commit.max_attempts, backoffMs: config.commit.backoff_ms },
      retry: { initialMs: config.retry.initial_ms, maxMs: config.retry.max_ms },
      writer: { library: 'segmentd', version: VERSION },
      member: `${config.kafka.client_id}@${hostname()}:${process.pid}`,
    },
  };
}

function sourceHooks(config: Config, telemetry: Telemetry, logger: Logger, owners: TableOwners) {
  return {
    onState: (state: SourceState) => {
      telemetry.stateChanged({ state: STATE_OF_SOURCE[state] });
      if (state === 'running') telemetry.consumerRecovered();
    },
    onRebalance: (partitions: readonly number[]) => {
      telemetry.rebalanced({ assigned: { [config.kafka.topic]: partitions } });
      for (const [table, partition] of owners) {
        if (partitions.includes(partition)) continue;
        telemetry.tableReleased({ table });
        owners.delete(table);
      }
    },
    onCrash: (error: Parameters<Telemetry['consumerCrashed']>[0]['error'], willRestart: boolean) =>
      telemetry.consumerCrashed({ error, willRestart }),
    log: kafkaLog(logger),
  };
}

function kafkaLog(logger: Logger) {
  return (level: 'debug' | 'info' | 'warn' | 'error', message: string, fields: Readonly<Record<string, unknown>>) =>
    logger[level]({ component: 'kafka', ...fields }, message);
}

/** The lag of the partitions this member owns; the others' owners tell theirs. */
function ownLag(topic: string, source: RecordSource, partitions: ReadonlyMap<number, { lag: bigint }>) {
  const owned = source.assigned();
  return [...partitions]
    .filter(([partition]) => owned.includes(partition))
    .map(([partition, { lag }]) => ({ topic, partition, records: Number(lag) }));
}

function healthOf(source: RecordSource) {
  return {
    live: () => source.state() !== 'failed' || 'the consumer has failed',
    ready: () => source.state() === 'running' || `the consumer is ${source.state()}`,
  };
}
