/** A table that is gone is no longer shown as served or retrying; when it comes back, its next batch makes it known again. */
import type { PipelineContext } from './context.ts';

/** Call it when a read found no table. Does nothing for a table that is not known: it is yet to come, or was forgotten already. */
export function forgetGone({ states, telemetry }: Pick<PipelineContext, 'states' | 'telemetry'>, table: string): void {
  if (states.forget(table)) telemetry.tableGone({ table });
}
