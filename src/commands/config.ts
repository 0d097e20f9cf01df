import { Command } from 'commander';
import { configOption } from './arguments.ts';
import type { CheckOptions, PrintOptions } from './daemons/check-config.ts';
import type { Invocation } from './terminal/io.ts';

const load = () => import('./daemons/check-config.ts');

export function configCommand(io: Invocation): Command {
  const command = new Command('config').description('check and print the configuration');
  command
    .command('check')
    .description('load the configuration, look at the files and folders it names, and report every problem')
    .addOption(configOption())
    .option(
      '--online',
      'also ask the brokers for the topics, and try the rights on the tables and the addresses to listen on',
    )
    .action(async (options: CheckOptions) => (await load()).checkConfig(io, options));
  command
    .command('print')
    .description('print the configuration in force, secrets left out')
    .addOption(configOption())
    .action(async (options: PrintOptions) => (await load()).printConfig(io, options));
  command
    .command('defaults')
    .description('print every option with its default')
    .action(async () => (await load()).printDefaults(io));
  return command;
}
