/** Which tables a command over HTTP may name on this member. */
import type { CommandName } from '../control/commands.ts';
import type { TableOwnership } from '../control/table-ownership.ts';
import { SegmentdError } from '../lib/errors.ts';
import type { TableRef } from '../model.ts';
import type { PipelineContext } from '../stages/context.ts';
import { forgetGone } from '../stages/forget-gone.ts';

type Here = {
  readonly ownership: Pick<TableOwnership, 'isElsewhere'>;
  readonly pauses: Pick<PipelineContext['pauses'], 'isPaused'>;
};

/**
 * Without a control topic a pause is in force on one member alone, and means nothing on one that does not work on the table. What was
 * paused here can be resumed here. Errors: owner_elsewhere.
 */
export function refuseElsewhere({ ownership, pauses }: Here, command: CommandName, table: string): void {
  const isMeant = command === 'pause' || (command === 'resume' && !pauses.isPaused(table));
  if (isMeant && ownership.isElsewhere(table))
    throw new SegmentdError('owner_elsewhere', `another member owns ${table}`);
}

/**
 * The table, where it lies. Errors: event_table_not_found, catalog_unreadable. A table that cannot be read exists, and so does one whose
 * store does not answer. One that is gone is forgotten, as at a sweep.
 */
export async function existing(
  context: Pick<PipelineContext, 'tables' | 'locate' | 'states' | 'telemetry'>,
  table: TableRef,
  command: CommandName,
): Promise<TableRef> {
  const { id, uri } = table;
  try {
    await context.tables.open(uri).latest();
    return table;
  } catch (error) {
    if (!(error instanceof SegmentdError)) throw error;
    if (error.code !== 'table_not_found') return table;
    const found = await context.locate(table);
    if (found.uri !== uri) return found;
    forgetGone(context, id);
    // Only a pause means anything for a table that is not there. In the hint: what it is called is a matter of HTTP.
    const hint = command === 'pause' ? 'Check the name; ?force=true pauses a table that is yet to come.' : undefined;
    throw new SegmentdError('event_table_not_found', `there is no table ${id}`, { hint });
  }
}
