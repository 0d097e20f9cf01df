/** The composition root of `segmentd run`: opens the parts in order, wires them together, closes them in reverse. */
import type { Subscription } from 'rxjs';
import type { Config } from '../config/schema.ts';
import { DeadLetterLog } from '../control/dead-letter-log.ts';
import { createPauses } from '../control/pauses.ts';
import { TableOwnership } from '../control/table-ownership.ts';
import type { RecordSource } from '../kafka/consumer/source.ts';
import { recordEngineMetrics } from '../lance/engine/engine-recorder.ts';
import { asyncLimit } from '../lib/async-limit.ts';
import { Cleanup } from '../lib/cleanup.ts';
import { asSegmentdError } from '../lib/errors.ts';
import { openScratch } from '../lib/scratch.ts';
import { VERSION, versionOf } from '../lib/version.ts';
import type { Background } from '../pipeline.ts';
import { pipeline } from '../pipeline.ts';
import type { PipelineContext } from '../stages/context.ts';
import { createTelemetry } from '../telemetry/events.ts';
import { createLogger, levelInForce } from '../telemetry/logger.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import type { ConfigSource } from './before-start.ts';
import { beforeStart } from './before-start.ts';
import { componentLogs } from './component-logs.ts';
import type { LiveConfig } from './live-config.ts';
import { liveConfig } from './live-config.ts';
import { openIntake, openOutlets, watchLag } from './open-broker.ts';
import { openControl } from './open-control.ts';
import { openListener } from './open-listener.ts';
import { openEvidence, withSelfChecks } from './open-self-checks.ts';
import { countsOf, openStates, openStatus } from './open-status.ts';
import { openTraces } from './open-traces.ts';
import { pipelineContext, tableCatalogs } from './pipeline-context.ts';
import type { LoadConfig } from './reload.ts';
import { createReload } from './reload.ts';
import { workSchedules } from './work-schedules.ts';

export type Daemon = {
  /** Port of `/metrics` and the probes. */
  readonly port: number;
  /** Resolves after a stop; rejects with the SegmentdError that ended the daemon. */
  readonly finished: Promise<void>;
  /**
   * Takes over what a running daemon can take over of a configuration. What it cannot, and why a configuration is refused, is in the
   * log; never rejects.
   */
  reload(load: LoadConfig): Promise<void>;
  /** Ends the daemon. `drain` lets running work finish within `shutdown.drain_ms`; `now` only a commit in flight. */
  stop(how: 'drain' | 'now'): void;
};

export type DaemonOptions = {
  /** Logs warnings and errors only. */
  readonly quiet?: boolean;
  /** Takes the lines of the log; standard output unless given. */
  readonly log?: ((line: string) => void) | undefined;
  /** Where the configuration is from, for the start line and for what is wrong with it. */
  readonly source?: ConfigSource;
};

/** Starts a daemon. Errors: config_invalid and scratch_unusable when the configuration names a port, file or folder that cannot be used. */
export async function startDaemon(config: Config, options: DaemonOptions = {}): Promise<Daemon> {
  const cleanup = new Cleanup();
  try {
    return await open(liveConfig(config), options, cleanup);
  } catch (error) {
    await cleanup.run().catch(() => undefined);
    throw error;
  }
}

/** The log and the metrics of this process. */
function openTelemetry(config: Config, { quiet = false, log: write }: DaemonOptions) {
  const logger = createLogger({ ...config.log, quiet, ...(write && { write }) });
  const metrics = createMetrics({
    maxTables: config.metrics.max_tables,
    version: VERSION,
    lancedbVersion: versionOf('@lancedb/lancedb'),
    topic: config.kafka?.topic,
  });
  const setLogLevel = (level: Config['log']['level']) => {
    logger.level = levelInForce({ level, quiet });
  };
  return { logs: componentLogs(logger), metrics, telemetry: createTelemetry({ logger, metrics }), setLogLevel };
}

async function open(live: LiveConfig, options: DaemonOptions, cleanup: Cleanup): Promise<Daemon> {
  const config = live.view;
  const { logs, metrics, telemetry, setLogLevel } = openTelemetry(config, options);
  const log = logs.kafka;
  const tellStart = await beforeStart(config, telemetry, options.source);
  const scratch = await openScratch(config.state.scratch_dir);
  cleanup.defer(() => scratch.remove());

  const tracing = await openTraces(config, telemetry);
  cleanup.defer(() => tracing?.close());

  const ownership = new TableOwnership({ isAlone: config.kafka === undefined });
  const slots = asyncLimit(config.concurrency.tables);
  const pauses = createPauses();
  const evidence = await openEvidence(config, telemetry, pauses);
  const states = openStates(config, pauses, evidence);
  const deadLetters = new DeadLetterLog();
  telemetry.tableCounts(() => countsOf(states, ownership));
  const source = openIntake(config, { telemetry, states, ownership, slots, log });
  const status = openStatus(config, { source, states, deadLetters, ownership });
  const listening = { source, metrics, served: status.served.http, log: logs.http, cleanup };
  const { port } = await openListener(config, listening);
  telemetry.unacked(() => ({ count: source.unacked(), oldestMs: source.oldestUnackedMs() }));

  const stopping = new AbortController();
  const { signal } = stopping;
  const outlets = { ownership, states, deadLetters, log, cleanup, signal };
  const { outputs, broker } = openOutlets(config, outlets);
  const catalogs = tableCatalogs(config, telemetry, scratch.dir);
  const { dir: scratchDir, memoryDir } = scratch;
  const parts = { telemetry, tracing, states, signal, pauses, slots, ownership, catalogs, scratchDir, memoryDir };
  const context = pipelineContext(config, { ...parts, ...outputs });
  cleanup.defer(() => slots.idle());
  const schedules = workSchedules(config);
  const shared = { config, context, catalogs, ownership, schedules, status, logs, cleanup };
  const control = await openControl({ ...shared, broker });

  watchLag(config, broker, { telemetry, ownership, source, status, log }, cleanup);
  const { merges, maintenance } = schedules;
  const { refreshRequests, refresh, endRequests } = control;
  const background = { refreshRequests, merges, maintenance: { ...maintenance, refresh } };
  const checked = withSelfChecks(config, { context, evidence, pause: control.pauseWrong, scratchDir });
  const { fail, ...running } = run({ source, context: checked, background, endRequests, config, cleanup, stopping });
  // The engine last: it takes long to load, and nothing can be built before there is an event.
  void control.caughtUp
    .then(() => source.start())
    .then(recordEngineMetrics)
    .then((read) => read && metrics.engine(read))
    .catch((error: unknown) => {
      logs.control('error', 'LanceDB cannot be used, and the daemon ends', { error });
      fail(error);
    });
  tellStart(port, scratch.stuck);
  const reload = createReload({ live, telemetry, setLogLevel, applied: control.reconfigured });
  return { port, ...running, reload };
}

type RunParts = {
  readonly source: RecordSource;
  readonly context: PipelineContext;
  readonly background: Background;
  /** A drain ends what is under way, and begins nothing by itself. */
  readonly endRequests: () => void;
  readonly config: Config;
  readonly cleanup: Cleanup;
  readonly stopping: AbortController;
};

/** Runs the pipeline until it is stopped or fails, then releases everything. */
function run({ source, context, background, endRequests, config, cleanup, stopping }: RunParts) {
  let subscription: Subscription | undefined;
  let begun: 'drain' | 'now' | undefined;
  const hurry = new Promise<void>((resolve) => stopping.signal.addEventListener('abort', () => resolve()));
  const { promise: finished, resolve, reject } = Promise.withResolvers<void>();

  const end = async (failure?: unknown) => {
    endRequests();
    // Offsets are committed and the group is left before anything else is closed, so that other members take over at once.
    const drained = source.drain(failure === undefined ? config.shutdown.drain_ms : FAILED_DRAIN_MS);
    await Promise.race([drained, hurry]);
    stopping.abort();
    subscription?.unsubscribe();
    try {
      await cleanup.run();
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
  subscription = pipeline(source.records$, context, background).subscribe({ error: (error) => stop('drain', error) });
  return { finished, stop: (how: 'drain' | 'now') => stop(how), fail: (error: unknown) => stop('drain', error) };
}

/** After a failure there is nothing to wait for; acknowledged offsets are committed all the same. */
const FAILED_DRAIN_MS = 2_000;
/** How long a stop without draining waits for the consumer to leave the group. */
const LEAVE_MS = 1_000;
const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms).unref());
