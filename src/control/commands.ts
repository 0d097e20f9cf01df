/** What an operator can ask of a table, whichever way the question comes. */
import * as z from 'zod';
import { SegmentdError } from '../lib/errors.ts';
import type { TableRef } from '../model.ts';
import type { Pauses } from './pauses.ts';

export const COMMANDS = ['refresh', 'pause', 'resume', 'status'] as const;
export type CommandName = (typeof COMMANDS)[number];

const command = z.strictObject({ command: z.enum(COMMANDS), table: z.string().min(1) });

/** Reads a command. Errors: event_not_json, event_invalid. */
export function parseCommand(value: Uint8Array | null): z.output<typeof command> {
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

export type Control = {
  /** Does what is asked and returns the table's status. Errors: event_table_*, event_database_unknown. */
  run(name: CommandName, address: string): Readonly<Record<string, unknown>>;
};

export type ControlParts = {
  resolve(address: string): TableRef;
  readonly pauses: Pauses;
  /** Plans the table soon. */
  refresh(table: TableRef): void;
  status(table: string): Readonly<Record<string, unknown>>;
};

export function createControl({ resolve, pauses, refresh, status }: ControlParts): Control {
  return {
    run(name, address) {
      const table = resolve(address);
      if (name === 'pause') pauses.pause(table.id);
      if (name === 'resume') pauses.resume(table.id);
      if (name === 'refresh') refresh(table);
      return { ...status(table.id), table: table.id, paused: pauses.isPaused(table.id) };
    },
  };
}
