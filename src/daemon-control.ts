/** How tables are looked at without an event: the sweep, and what operators ask over HTTP or the control topic. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from './config/schema.ts';
import { databasesOf } from './daemon-kit.ts';
import type { KafkaLog, KafkaSettings } from './kafka/client.ts';
import { followControlTopic } from './kafka/control-topic.ts';
import type { Notifications } from './kafka/notifications.ts';
import { resolveTable } from './kafka/table-address.ts';
import { listTables } from './lance/list-tables.ts';
import { waitUntilCovered } from './lance/wait-until-covered.ts';
import { asSegmentdError, SegmentdError } from './lib/errors.ts';
import type { Releases } from './lib/releases.ts';
import { secretOf } from './lib/secret.ts';
import type { Asked } from './maintenance/asked.ts';
import { askedTables } from './maintenance/asked.ts';
import type { CommandName, Control } from './maintenance/control.ts';
import { COMMANDS, createControl, parseCommand } from './maintenance/control.ts';
import type { SweepOptions } from './maintenance/sweep.ts';
import type { TableRef } from './model.ts';
import type { Kit } from './stages/kit.ts';
import type { TableOwners } from './table-owners.ts';
import { startAdminServer } from './telemetry/admin-server.ts';

export type ControlContext = {
  readonly config: Config;
  readonly settings: KafkaSettings;
  readonly kit: Kit;
  readonly owners: TableOwners;
  readonly notifications: Notifications;
  readonly log: KafkaLog;
  readonly releases: Releases;
};

/** Opens the ways in for operators and starts the sweep; the tables to look at come out. Errors: config_invalid. */
export async function openControl(context: ControlContext): Promise<Asked['items']> {
  const { config, kit } = context;
  const asked = askedTables(config.sweep.interval_s === 0 ? null : sweepOptions(context));
  const control = createControl({
    resolve: (address) => resolveTable(databasesOf(config), address),
    pauses: kit.pauses,
    refresh: asked.refresh,
    status: (table) => kit.telemetry.board.of(table),
  });
  await openAdmin(context, control);
  openTopic(context, control);
  return asked.items;
}

function sweepOptions({ config, kit, owners, log }: ControlContext): SweepOptions {
  return {
    intervalMs: config.sweep.interval_s * 1000,
    ready: () => untilOwnersKnown(owners, kit.signal),
    owns: ({ id }) => owners.owns(id),
    tables: async () => {
      try {
        return await tablesOf(databasesOf(config));
      } catch (error) {
        log('warn', 'the databases could not be listed for the sweep', { error: asSegmentdError(error).message });
        return [];
      }
    },
  };
}

const READY_POLL_MS = 200;

async function untilOwnersKnown(owners: TableOwners, signal: AbortSignal): Promise<void> {
  while (!owners.known && !signal.aborted) await sleep(READY_POLL_MS, undefined, { ref: false });
}

async function tablesOf(databases: ReadonlyMap<string, string>): Promise<TableRef[]> {
  const lists = [...databases].map(async ([database, uri]) =>
    (await listTables(uri)).flatMap((name) => {
      try {
        return [resolveTable(databases, `${database}/${name}`)];
      } catch (error) {
        // A folder whose name no event could address is not a table of ours.
        if (error instanceof SegmentdError) return [];
        throw error;
      }
    }),
  );
  return (await Promise.all(lists)).flat();
}

async function openAdmin({ config, kit, releases }: ControlContext, control: Control): Promise<void> {
  const token = secretOf(config.admin.token, config.admin.token_file);
  if (token === undefined) return;
  const server = await startAdminServer({
    host: config.admin.host,
    port: config.admin.port,
    token,
    commands: COMMANDS,
    run: (command, table) => control.run(command as CommandName, table),
    wait: async (address, { version, timeoutMs }, signal) => {
      const { id, uri } = resolveTable(databasesOf(config), address);
      const settings = { version, timeoutMs, signal, policy: kit.tables.policy(id) };
      const { covered, latestVersion } = await waitUntilCovered(kit.tables.open(uri), settings);
      return { table: id, version, covered, latest_version: latestVersion };
    },
    all: () => ({ tables: kit.telemetry.board.all(), paused: kit.pauses.paused() }),
  });
  releases.push(() => server.close());
}

function openTopic({ config, settings, owners, notifications, log, releases }: ControlContext, control: Control): void {
  const topic = config.kafka.control_topic;
  if (topic === undefined) return;
  const onRecord = (_key: Uint8Array | null, value: Uint8Array | null) => {
    try {
      const { command, table } = parseCommand(value);
      const status = control.run(command, table);
      // Every member hears every command; the owner is the one that answers.
      if (owners.owns(table)) notifications.send({ type: 'table.status', ...status, table });
    } catch (thrown) {
      const { code, message } = asSegmentdError(thrown);
      log('warn', 'a control record was not understood', { code, error: message });
    }
  };
  const following = followControlTopic(settings, topic, onRecord, log);
  releases.push(() => following.stop());
}
