import { Command } from 'commander';
import { CONFIGURED_TABLE, configOption, rowsOption, timeoutOption } from './arguments.ts';
import type { BackfillOptions } from './daemons/share-out.ts';
import type { Invocation } from './terminal/io.ts';

/** Seconds, as for `announce`. */
const TIMEOUT_S = 15;

export function backfillCommand(io: Invocation): Command {
  return new Command('backfill')
    .description('share out what the indexes of a table miss to all running daemons')
    .argument('<table>', CONFIGURED_TABLE)
    .addOption(configOption())
    .addOption(rowsOption('--rows-per-segment <n>', 'instead of backfill.rows_per_segment'))
    .option('--no-wait', 'publish the events and end')
    .option('--dry-run', 'print the events and publish nothing')
    .addOption(timeoutOption('how long to wait for the broker', TIMEOUT_S))
    .option('--json', 'print one JSON object')
    .action(async (table: string, options: BackfillOptions) => {
      const { backfill } = await import('./daemons/share-out.ts');
      await backfill(io, table, options);
    });
}
