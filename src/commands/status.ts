import { Command, InvalidArgumentError } from 'commander';
import { isConfigured } from '../lib/is-configured.ts';
import { caFileOption, tokenFileOption } from './arguments.ts';
import type { StatusOptions } from './daemons/show-status.ts';
import { withPlaceOptions } from './place-options.ts';
import type { Invocation } from './terminal/io.ts';

const WATCH_S = 2;

/** `watch` is true when no number of seconds was given. */
type Options = Omit<StatusOptions, 'watchS'> & { watch?: number | true };

export function statusCommand(io: Invocation): Command {
  return withPlaceOptions(new Command('status'))
    .description(
      'print what the indexes of a table, of a database or of all configured databases cover, or what a daemon says',
    )
    .argument(
      '[place]',
      'folder or URI of a table, ending in .lance, or of a database, which holds such folders; with --config also their names, and all of its databases by default',
    )
    .option('--daemon <url>', 'ask a running daemon instead: http://127.0.0.1:9464, https://… or unix:<path>')
    .addOption(tokenFileOption())
    .addOption(caFileOption())
    .option('--segments', 'of a table: list the segments of each index')
    .option('--json', 'print one JSON object; with --watch one per line')
    .option('-w, --watch [seconds]', 'repeat until interrupted; give it after the table or database', seconds)
    .addHelpText('after', `\nWithout a number --watch repeats every ${WATCH_S} s.`)
    .action(async (place: string | undefined, { watch, ...options }: Options, command: Command) => {
      const { config, daemon } = options;
      if (place !== undefined && daemon !== undefined) command.error('give either a table or database, or --daemon');
      if (place === undefined && daemon === undefined && !isConfigured(config, io.env)) {
        command.error('give either a table, a database, --config or --daemon');
      }
      const { showStatus } = await import('./daemons/show-status.ts');
      await showStatus(io, place, { ...options, watchS: watch === true ? WATCH_S : watch });
    });
}

function seconds(text: string): number {
  const value = Number(text);
  if (!(value >= 0.1 && value <= 86_400)) throw new InvalidArgumentError('expected seconds, 0.1 to 86400');
  return value;
}
