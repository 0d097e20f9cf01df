/** How tables are looked at without an event: the sweep, and what operators ask over HTTP or the control topic. */
import type { Config } from '../config/schema.ts';
import type { CommandName, Control } from '../control/commands.ts';
import { COMMANDS, createControl, parseCommand } from '../control/commands.ts';
import type { RefreshRequests } from '../control/refresh-requests.ts';
import { refreshRequests } from '../control/refresh-requests.ts';
import type { SweepOptions } from '../control/sweep.ts';
import type { TableOwnership } from '../control/table-ownership.ts';
import { waitUntilCovered } from '../control/wait-until-covered.ts';
import { resolveTable } from '../events/table-address.ts';
import { startTablesApi } from '../http/tables-api.ts';
import type { KafkaLog, KafkaSettings } from '../kafka/client.ts';
import { followTopic } from '../kafka/follow-topic.ts';
import type { Notifications } from '../kafka/notifications.ts';
import type { RecordProducer } from '../kafka/producer.ts';
import type { Cleanup } from '../lib/cleanup.ts';
import { asSegmentdError, SegmentdError } from '../lib/errors.ts';
import { secretOf } from '../lib/secret.ts';
import { sleep } from '../lib/sleep.ts';
import type { TableRef } from '../model.ts';
import type { PipelineContext } from '../stages/context.ts';
import { listTables } from '../store/list-tables.ts';
import { openStore } from '../store/open-store.ts';
import { databasesOf } from './pipeline-context.ts';

export type ControlContext = {
  readonly config: Config;
  readonly settings: KafkaSettings;
  readonly context: PipelineContext;
  readonly ownership: TableOwnership;
  readonly notifications: Notifications;
  readonly publish: RecordProducer['send'];
  /** Resolves when topics may be read. */
  readonly topicsReady: Promise<void>;
  readonly log: KafkaLog;
  readonly cleanup: Cleanup;
};

/** How long a start waits for what the control topic says already; a broker that is away must not hold it up for ever. */
const CATCH_UP_TIMEOUT_MS = 10_000;

export type ControlChannels = {
  /** The tables to look at. */
  readonly refreshRequests: RefreshRequests['items'];
  /** Resolves when the commands given before this process are in force: no table is to be touched before that. */
  readonly caughtUp: Promise<void>;
};

/** Opens the ways in for operators and the sweep. Errors: config_invalid. */
export async function openControl(parts: ControlContext): Promise<ControlChannels> {
  const { config, context } = parts;
  const { promise: caughtUp, resolve } = Promise.withResolvers<void>();
  const requests = refreshRequests(config.sweep.interval_s === 0 ? null : sweepOptions(parts, caughtUp));
  const control = createControl({
    resolve: (address) => resolveTable(databasesOf(config), address),
    pauses: context.pauses,
    refresh: requests.refresh,
    status: (table) => context.states.of(table),
  });
  await openAdmin(parts, control);
  openTopic(parts, control).then(resolve, resolve);
  return { refreshRequests: requests.items, caughtUp };
}

function sweepOptions({ config, context, ownership, log }: ControlContext, caughtUp: Promise<void>): SweepOptions {
  return {
    intervalMs: config.sweep.interval_s * 1000,
    ready: async () => {
      await caughtUp;
      await untilOwnersKnown(ownership, context.signal);
    },
    owns: ({ id }) => ownership.claim(id),
    tables: () =>
      tablesOf(databasesOf(config), (database, error) => {
        log('warn', 'a database could not be listed for the sweep', { database, error });
      }),
  };
}

const READY_POLL_MS = 200;

async function untilOwnersKnown(ownership: TableOwnership, signal: AbortSignal): Promise<void> {
  while (!ownership.known && !signal.aborted) await sleep(READY_POLL_MS, signal, { ref: false });
}

/** The tables of all databases that can be listed; `failed` is told of the others. */
export async function tablesOf(
  databases: ReadonlyMap<string, string>,
  failed: (database: string, error: unknown) => void,
): Promise<TableRef[]> {
  const lists = [...databases].map(async ([database, uri]) => {
    const names = await listTables(openStore(uri)).catch((error: unknown) => {
      failed(database, error);
      return [];
    });
    return (names ?? []).flatMap((name) => {
      try {
        return [resolveTable(databases, `${database}/${name}`)];
      } catch (error) {
        // A folder whose name no event could address is not a table of ours.
        if (error instanceof SegmentdError) return [];
        throw error;
      }
    });
  });
  return (await Promise.all(lists)).flat();
}

/** A request over HTTP does not wait longer for the broker. */
const PUBLISH_MS = 5_000;

async function openAdmin({ config, context, cleanup, publish }: ControlContext, control: Control): Promise<void> {
  const token = secretOf(config.admin.token, config.admin.token_file);
  if (token === undefined) return;
  const server = await startTablesApi({
    host: config.admin.host,
    port: config.admin.port,
    token,
    commands: COMMANDS,
    run: async (command, table) => {
      const topic = config.kafka.control_topic;
      // Here at once, and then told to all members and to those that come later: the topic has the last word, here too.
      const answer = control.run(command as CommandName, table);
      if (topic !== undefined && command !== 'status') {
        const { id } = resolveTable(databasesOf(config), table);
        const value = Buffer.from(JSON.stringify({ command, table: id }));
        // The topic may be compacted: what is to be done once must not take the place of what is to stay.
        const key = Buffer.from(command === 'refresh' ? `${command} ${id}` : id);
        await publish(topic, [{ key, value }], { deadlineMs: PUBLISH_MS });
      }
      return answer;
    },
    wait: async (address, { version, timeoutMs }, signal) => {
      const { id, uri } = resolveTable(databasesOf(config), address);
      const settings = { version, timeoutMs, signal, policy: context.tables.policy(id) };
      const { covered, latestVersion } = await waitUntilCovered(context.tables.open(uri), settings);
      return { table: id, version, covered, latest_version: latestVersion };
    },
    all: () => ({ tables: context.states.all(), paused: context.pauses.paused() }),
  });
  cleanup.defer(() => server.close());
}

/** Resolves when what the control topic says already is in force, or cannot be heard in time. */
async function openTopic(parts: ControlContext, control: Control): Promise<void> {
  const { config, context, settings, ownership, notifications, log, cleanup } = parts;
  const topic = config.kafka.control_topic;
  await parts.topicsReady;
  if (topic === undefined || context.signal.aborted) return;
  const onRecord = (value: Uint8Array | null, isHistory: boolean) => {
    try {
      const { command, table } = parseCommand(value);
      // What somebody wanted to be done or told, long ago; only what shall be still counts.
      if (isHistory && (command === 'refresh' || command === 'status')) return;
      const status = control.run(command, table);
      // Every member hears every command; the owner is the one that answers.
      if (!isHistory && ownership.isOwner(table)) notifications.send({ type: 'table.status', ...status, table });
    } catch (thrown) {
      const { code, message } = asSegmentdError(thrown);
      log('warn', 'a control record was not understood', { code, error: message });
    }
  };
  const following = followTopic(settings, { topic, groupSuffix: 'control', onRecord }, log);
  cleanup.defer(() => following.stop());
  const late = sleep(CATCH_UP_TIMEOUT_MS, undefined, { ref: false }).then(() => 'late' as const);
  if ((await Promise.race([following.caughtUp, late])) === 'late') {
    log('warn', 'starting before all earlier commands of the control topic were heard', { topic });
  }
}
