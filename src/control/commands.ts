/** The commands that an operator can give for a table, over HTTP or the control topic. */
import * as z from 'zod';
import { SegmentdError } from '../lib/errors.ts';
import type { TableRef } from '../model.ts';
import type { Telemetry } from '../telemetry/events.ts';
import type { Pauses } from './pauses.ts';
import type { TableStatus } from './table-states.ts';

/** What takes its time, and is done by the member that owns the table. */
const WORK = ['merge', 'optimize'] as const;
export const COMMANDS = ['refresh', 'pause', 'resume', ...WORK, 'status'] as const;
export type CommandName = (typeof COMMANDS)[number];
export type WorkName = (typeof WORK)[number];

export const isWork = (name: CommandName): name is WorkName => (WORK as readonly string[]).includes(name);

/** Segments that an index may be asked to keep after a merge. */
export const MAX_TO = 1_000_000;

const MAX_BY_CHARS = 256;

const command = z.strictObject({
  command: z.enum(COMMANDS),
  table: z.string().min(1),
  /** The origin of the command, for logs and `/status`. */
  by: z.string().max(MAX_BY_CHARS).optional(),
  /** When it was given: a pause that is read again after a restart is as old as it was. */
  time: z.iso.datetime({ offset: true }).optional(),
  /** Of a merge: most segments that each index is to keep, whatever their size. */
  to: z.int().min(1).max(MAX_TO).optional(),
});
type Command = z.output<typeof command>;

/** Reads a command. Errors: event_not_json, event_invalid. */
export function parseCommand(value: Uint8Array | null): Command {
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(value ?? new Uint8Array(0)));
  } catch (error) {
    throw new SegmentdError('event_not_json', 'a control record is a JSON object', { cause: error });
  }
  const result = command.safeParse(parsed);
  if (!result.success) throw new SegmentdError('event_invalid', z.prettifyError(result.error));
  return result.data;
}

/** Whether a command changes a state that lasts: those of earlier times count as well. */
export const isLasting = (name: CommandName): boolean => name === 'pause' || name === 'resume';

/** The command as a control record. */
export function encodeCommand({ command: name, table, by, time, to }: Command): { key: Buffer; value: Buffer } {
  // The topic may be compacted: what passes must not replace a pause of the same table.
  const key = isLasting(name) ? table : `${name} ${table}`;
  const value = { command: name, table, ...(by ? { by } : {}), ...(time ? { time } : {}), ...(to ? { to } : {}) };
  return { key: Buffer.from(key), value: Buffer.from(JSON.stringify(value)) };
}

/**
 * When a command was given, milliseconds since the epoch: its own time, else `timestamp`, that of its Kafka record. 0 and less stand for
 * none.
 */
export function commandMs(time: Command['time'], timestamp: string): number | undefined {
  const ms = time === undefined ? Number(timestamp) : Date.parse(time);
  return ms > 0 ? ms : undefined;
}

type CommandAnswer = TableStatus & { readonly paused: boolean };

/** How an operator asked for work. `by`: the origin, for logs. `to`: of a merge. */
export type WorkRequest = { readonly by: string; readonly to?: number | undefined };

/** The table's status, with what was begun. */
export type WorkAnswer = CommandAnswer & { readonly work: Readonly<Record<string, unknown>> };

export type Control = {
  /** The table that an address names. Errors: event_table_*, event_database_unknown. */
  resolve(address: string): TableRef;
  /** Does what is asked and returns the table's status. `sinceMs`: when it was asked, now unless given. */
  run(name: Exclude<CommandName, WorkName>, table: TableRef, by: string, sinceMs?: number): CommandAnswer;
  /**
   * Begins work on a table that this member owns; it goes on behind the answer. Errors: the reason why it cannot be done, table_paused,
   * merging_off, maintenance_off, and those of reading the table.
   */
  begin(name: WorkName, table: TableRef, request: WorkRequest): Promise<WorkAnswer>;
};

type ControlParts = Pick<Control, 'resolve' | 'begin'> & {
  readonly pauses: Pauses;
  readonly telemetry: Pick<Telemetry, 'tablePaused' | 'tableResumed'>;
  /** Plans the table soon. */
  refresh(table: TableRef): void;
  status(table: string): TableStatus;
};

export function createControl({ resolve, begin, pauses, telemetry, refresh, status }: ControlParts): Control {
  return {
    resolve,
    begin,
    run(name, table, by, sinceMs) {
      const { id } = table;
      if (name === 'pause' && pauses.pause(id, by, sinceMs)) telemetry.tablePaused({ table: id, by });
      if (name === 'resume' && pauses.resume(id)) telemetry.tableResumed({ table: id, by });
      if (name === 'refresh') refresh(table);
      return { ...status(id), paused: pauses.isPaused(id) };
    },
  };
}
