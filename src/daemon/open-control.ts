/** Opens what acts without an event: the sweep, the HTTP API and the control topic. */
import type { Config } from '../config/schema.ts';
import { sweepSeconds } from '../config/sweep-interval.ts';
import type { CommandName, Control } from '../control/commands.ts';
import { COMMANDS, createControl, encodeCommand, isWork } from '../control/commands.ts';
import { tablesOf } from '../control/configured-tables.ts';
import type { ControlTopicParts } from '../control/control-topic.ts';
import { obeyControlTopic } from '../control/control-topic.ts';
import { SELF_CHECK } from '../control/evidence.ts';
import type { RefreshRequests, SweepOptions } from '../control/sweep.ts';
import { refreshRequests } from '../control/sweep.ts';
import type { TableCatalogs } from '../control/table-catalogs.ts';
import type { TableOwnership } from '../control/table-ownership.ts';
import { waitUntilCovered } from '../control/wait-until-covered.ts';
import { resolveTable } from '../events/table-address.ts';
import type { CommandRequest } from '../http/tables-api.ts';
import { startTablesApi } from '../http/tables-api.ts';
import { asSegmentdError } from '../lib/errors.ts';
import { giveBackMemory } from '../lib/give-back-memory.ts';
import { sleep } from '../lib/sleep.ts';
import type { TableRef } from '../model.ts';
import type { PipelineContext } from '../stages/context.ts';
import type { WorkSchedules } from './asked-commands.ts';
import { askWork, beginWork, readTo } from './asked-commands.ts';
import { existing, refuseElsewhere } from './asked-tables.ts';
import type { ComponentLogs } from './component-logs.ts';
import type { OpenBroker } from './open-broker.ts';
import type { Status } from './open-status.ts';
import { operatorAddress, operatorToken, operatorUrl } from './operator-token.ts';

type ControlContext = Omit<ControlTopicParts, 'signal' | 'broker' | 'log'> & {
  readonly logs: ComponentLogs;
  readonly config: Config;
  /** Undefined without Kafka. */
  readonly broker: OpenBroker | undefined;
  readonly context: PipelineContext;
  readonly catalogs: TableCatalogs;
  readonly status: Status;
  readonly schedules: WorkSchedules;
};

type ControlChannels = {
  /** The tables to plan. */
  readonly refreshRequests: RefreshRequests['events'];
  /** Plans a table as soon as it is idle. */
  readonly refresh: RefreshRequests['refresh'];
  /** Pauses a table that answers wrongly: in this process at once, and for all members, later ones included, where there is a control topic. */
  readonly pauseWrong: (table: TableRef) => void;
  /** Plans nothing any more without an event. */
  readonly endRequests: RefreshRequests['end'];
  /** Resolves when the commands given before this process are in force and the catalogs known: no table is to be touched before that. */
  readonly caughtUp: Promise<void>;
  /** Called when parts of the configuration were replaced: these tables, where they are this member's, are planned with what holds now. */
  reconfigured(tables: readonly string[]): void;
};

/** Errors: config_invalid. */
export async function openControl(parts: ControlContext): Promise<ControlChannels> {
  const { config, context, catalogs } = parts;
  const { promise: caughtUp, resolve } = Promise.withResolvers<void>();
  const requests = refreshRequests(sweepOptions(parts, caughtUp));
  const refresh = (table: TableRef) => {
    // Who asks for it may have fixed what failed.
    context.retryWaits.end(table.id);
    requests.refresh(table);
  };
  const control = createControl({
    resolve: (address) => resolveTable(catalogs.databases, address),
    begin: beginWork({ ...parts.schedules, context }),
    pauses: context.pauses,
    telemetry: context.telemetry,
    refresh,
    status: (table) => context.states.of(table),
  });
  await openTablesApi(parts, control);
  const obeying = obeyControlTopic({ ...parts, log: parts.logs.kafka, signal: context.signal }, control);
  void Promise.allSettled([obeying, knowCatalogs(parts)]).then(() => resolve());
  const pauseWrong = (table: TableRef) => pauseForCheck(parts, control, table);
  const reconfigured = (tables: readonly string[]) => {
    requests.sweepEvery(sweepSeconds(config) * 1000);
    for (const id of tables) if (context.states.knows(id)) refresh(control.resolve(id));
  };
  const { events: refreshRequested, end: endRequests } = requests;
  const channels = { refreshRequests: refreshRequested, refresh: requests.refresh, endRequests };
  return { ...channels, pauseWrong, caughtUp, reconfigured };
}

/** A store that does not answer must not block the start for ever: what its catalog lists is found later. */
const CATALOGS_MS = 10_000;

/** Resolves when the catalogs of the databases are known, as far as they can be read. */
async function knowCatalogs({ catalogs, logs }: ControlContext): Promise<void> {
  const looked = catalogs.lookAll((database, error) =>
    logs.control('warn', 'the catalog of a database could not be read', { database, error }),
  );
  await Promise.race([looked, sleep(CATALOGS_MS, undefined, { ref: false })]);
}

function sweepOptions(
  { config, context, catalogs, ownership, logs }: ControlContext,
  caughtUp: Promise<void>,
): SweepOptions {
  return {
    intervalMs: sweepSeconds(config) * 1000,
    ready: async () => {
      await caughtUp;
      await untilOwnersKnown(ownership, context.signal);
    },
    owns: ({ id }) => ownership.claim(id),
    firstEnded: () => void giveBackMemory(context.signal),
    tables: () =>
      tablesOf(catalogs, {
        known: context.states.all().map(({ table }) => table),
        failed: (database, error) =>
          logs.control('warn', 'a database could not be listed for the sweep', { database, error }),
      }),
  };
}

const READY_POLL_MS = 200;

async function untilOwnersKnown(ownership: TableOwnership, signal: AbortSignal): Promise<void> {
  while (!ownership.known && !signal.aborted) await sleep(READY_POLL_MS, signal, { ref: false });
}

/** A request over HTTP does not wait longer for the broker. */
const PUBLISH_MS = 5_000;

/** How long the broker may be away for a pause that nobody waits for. */
const PUBLISH_PAUSE_MS = 600_000;

function pauseForCheck(parts: ControlContext, control: Control, table: TableRef): void {
  const { id } = table;
  const { pause } = control.run('pause', table, SELF_CHECK);
  const record = encodeCommand({ command: 'pause', table: id, by: SELF_CHECK, time: pause?.since });
  const shared = controlRecords(parts, PUBLISH_PAUSE_MS)?.(record);
  shared?.catch((error: unknown) => {
    if (!parts.context.signal.aborted) {
      parts.context.telemetry.pauseNotShared({ table: id, error: asSegmentdError(error) });
    }
  });
}

/** Puts records on the control topic; null without one. */
function controlRecords({ broker }: Pick<ControlContext, 'broker'>, deadlineMs = PUBLISH_MS) {
  const topic = broker?.settings.controlTopic;
  if (broker === undefined || topic === undefined) return null;
  return (record: ReturnType<typeof encodeCommand>) => broker.publish(topic, [record], { deadlineMs });
}

async function openTablesApi(parts: ControlContext, control: Control): Promise<void> {
  const { config, context, cleanup, ownership, status, logs } = parts;
  const token = operatorToken(config, logs.http);
  if (token === undefined) return;
  const send = controlRecords(parts);
  const work = askWork({ ...parts.schedules, context }, control, { ownership, send });
  const server = await startTablesApi({
    ...operatorAddress(config.admin, logs.http),
    get requestsPerSecond() {
      return config.admin.requests_per_s;
    },
    get token() {
      return token();
    },
    commands: COMMANDS,
    run: async (name, address, { force, by, to }: CommandRequest) => {
      const command = name as CommandName;
      const named = control.resolve(address);
      // A paused table can be resumed even when it is gone.
      const isAnyFine = (force && command === 'pause') || context.pauses.isPaused(named.id);
      const table = isAnyFine ? named : await existing(context, named, command);
      if (isWork(command)) return work(command, table, { by, to: readTo(to) });
      if (!send) refuseElsewhere({ ownership, pauses: context.pauses }, command, table.id);
      // In force here at once, then sent to all members, later ones included; the topic decides, for this member too.
      const answer = control.run(command, table, by);
      if (command !== 'status') {
        // A pause that is asked for again goes on since the first time, also when the topic keeps only the last record.
        const time = (command === 'pause' && answer.pause?.since) || new Date().toISOString();
        await send?.(encodeCommand({ command, table: table.id, by, time }));
      }
      return command === 'pause' ? { ...answer, survives_restart: send !== null } : answer;
    },
    wait: async (address, { version, timeoutMs }, signal) => {
      const { id, uri } = await context.locate(control.resolve(address));
      const news = () => context.states.of(id).version;
      const settings = { version, timeoutMs, signal, news, policy: context.tables.policy(id) };
      const { covered, latestVersion } = await waitUntilCovered(context.tables.open(uri), settings);
      return { table: id, version, covered, latest_version: latestVersion };
    },
    all: () => ({ tables: context.states.all(), paused: context.pauses.paused() }),
    ...status.served.admin,
  });
  status.adminOpened(operatorUrl(config.admin, server.port));
  cleanup.defer(() => server.close());
}
