import { Command } from 'commander';
import { configOption } from './arguments.ts';
import type { RunOptions } from './daemons/run-daemon.ts';
import type { Invocation } from './terminal/io.ts';

export function runCommand(io: Invocation): Command {
  return new Command('run')
    .description('keep the indexes of the configured databases fresh')
    .addOption(configOption())
    .option('--quiet', 'log warnings and errors only')
    .action(async (options: RunOptions) => {
      const { runDaemon } = await import('./daemons/run-daemon.ts');
      await runDaemon(io, options);
    });
}
