import { Command, InvalidArgumentError } from 'commander';
import { CONFIGURED_TABLE, configOption, timeoutOption, versionNumber } from './arguments.ts';
import type { AnnounceOptions } from './daemons/announce-append.ts';
import type { Invocation } from './terminal/io.ts';

/** Seconds: longer than a broker's restart, shorter than a person's patience. */
const TIMEOUT_S = 15;

export function announceCommand(io: Invocation): Command {
  return new Command('announce')
    .description('publish an append event for a table')
    .argument('<table>', CONFIGURED_TABLE)
    .addOption(configOption())
    .option('--brokers <list>', 'host:port[,host:port], instead of kafka.brokers')
    .option('--topic <name>', 'topic, instead of kafka.topic')
    .option('--version <n>', 'version that the append produced', versionNumber)
    .option('--rows <n>', 'rows appended, for the log', count)
    .option('--producer <name>', 'who appended, for the log', 'segmentd announce')
    .addOption(timeoutOption('how long to wait for the broker', TIMEOUT_S))
    .option('--force', 'also a table that is not found')
    .option('--json', 'print one JSON object')
    .action(async (table: string, options: AnnounceOptions) => {
      const { announce } = await import('./daemons/announce-append.ts');
      await announce(io, table, options);
    });
}

function count(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('expected a whole number');
  return Number(text);
}
