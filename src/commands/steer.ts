/** `pause`, `resume` and `refresh`: what an operator asks of the daemons for one table. */
import { Command } from 'commander';
import { CONFIGURED_TABLE, caFileOption, configOption, timeoutOption, tokenFileOption } from './arguments.ts';
import type { SteerOptions } from './daemons/send-command.ts';
import type { Invocation } from './terminal/io.ts';

/** Seconds: longer than a broker's restart, shorter than a person's patience. */
const TIMEOUT_S = 15;

type Verb = 'pause' | 'resume' | 'refresh';

export const pauseCommand = (io: Invocation): Command =>
  steer(io, 'pause', 'stop all work on a table: its events wait, and none is lost').option(
    '--force',
    'also a table that is not there yet',
  );

export const resumeCommand = (io: Invocation): Command =>
  steer(io, 'resume', 'take up the work on a paused table again').option('--force', 'also a table that is gone');

export const refreshCommand = (io: Invocation): Command =>
  steer(io, 'refresh', 'look at a table now, as if an append had been announced');

function steer(io: Invocation, verb: Verb, description: string): Command {
  return new Command(verb)
    .description(description)
    .argument('<table>', CONFIGURED_TABLE)
    .addOption(configOption())
    .option(
      '--daemon <url>',
      'control listener of a daemon, instead of the configured one: http://127.0.0.1:9465, https://… or unix:<path>',
    )
    .addOption(tokenFileOption())
    .addOption(caFileOption())
    .addOption(timeoutOption('how long to wait for the daemon or the broker', TIMEOUT_S))
    .option('--json', 'print one JSON object')
    .action(async (table: string, options: SteerOptions) => {
      const { sendCommand } = await import('./daemons/send-command.ts');
      await sendCommand(io, verb, table, options);
    });
}
