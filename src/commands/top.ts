import { Command } from 'commander';
import { caFileOption, configOption, tokenFileOption } from './arguments.ts';
import type { TopOptions } from './daemons/show-top.ts';
import type { Invocation } from './terminal/io.ts';

export function topCommand(io: Invocation): Command {
  return new Command('top')
    .description(
      'show the tables of a running daemon, live: problems first, with keys to filter, sort and scroll; without a terminal, or with --json, once',
    )
    .addOption(configOption())
    .option(
      '--daemon <url>',
      'the daemon: http://…, https://… or unix:<path>; default: http.host and http.port with --config, else http://127.0.0.1:9464',
    )
    .addOption(tokenFileOption())
    .addOption(caFileOption())
    .option('--json', 'print one JSON object, and end')
    .action(async (options: TopOptions) => {
      const { showTop } = await import('./daemons/show-top.ts');
      await showTop(io, options);
    });
}
