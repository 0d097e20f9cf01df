import { Command, InvalidArgumentError } from 'commander';
import { askDaemon, formatDaemonStatus } from './daemons/daemon-status.ts';
import { formatDatabaseStatus, inspectDatabase } from './tables/database-status.ts';
import type { PlaceOptions } from './tables/places.ts';
import { findPlace, located, withPlaceOptions } from './tables/places.ts';
import { formatTableStatus, inspectOneTable } from './tables/table-status.ts';
import type { Invocation } from './terminal/io.ts';
import { printJson, printLine } from './terminal/output.ts';
import type { Look } from './terminal/watch.ts';
import { watch } from './terminal/watch.ts';

const WATCH_S = 2;

/** `watch` is true when no number of seconds was given. */
type Options = PlaceOptions & { daemon?: string; json?: boolean; watch?: number | true };

export function statusCommand(io: Invocation): Command {
  return withPlaceOptions(new Command('status'))
    .description('print what the indexes of a table or of all tables of a database cover, or what a daemon says')
    .argument(
      '[uri]',
      'folder or URI of a table, ending in .lance, or of a database, which holds such folders; with --config also their names',
    )
    .option('--daemon <url>', 'ask a running daemon instead, such as http://127.0.0.1:9464')
    .option('--json', 'print one JSON object; with --watch one per line')
    .option('-w, --watch [seconds]', 'repeat until interrupted; give it after the uri', seconds)
    .addHelpText('after', `\nWithout a number --watch repeats every ${WATCH_S} seconds.`)
    .action((uri: string | undefined, options: Options, command: Command) => status(io, uri, options, command));
}

function seconds(text: string): number {
  const value = Number(text);
  if (!(value >= 0.1 && value <= 86_400)) throw new InvalidArgumentError('expected seconds, 0.1 to 86400');
  return value;
}

async function status(io: Invocation, uri: string | undefined, options: Options, command: Command): Promise<void> {
  const { daemon, json = false } = options;
  if ((uri === undefined) === (daemon === undefined)) command.error('give either a table, a database or --daemon');
  const look =
    daemon === undefined
      ? await lookAt(io, uri as string, options)
      : lookOf(() => askDaemon(daemon), formatDaemonStatus);
  if (options.watch !== undefined) {
    await watch(io, look, { intervalMs: (options.watch === true ? WATCH_S : options.watch) * 1000, json });
    return;
  }
  const seen = await look();
  if (json) printJson(io.stdout, seen.json);
  else printLine(io.stdout, seen.text);
}

async function lookAt(io: Invocation, given: string, options: PlaceOptions): Promise<Look> {
  const place = await located(findPlace(io, given, options));
  return place.isTable
    ? lookOf(inspectOneTable(place), formatTableStatus)
    : lookOf(() => inspectDatabase(place), formatDatabaseStatus);
}

function lookOf<T>(see: () => Promise<T>, format: (seen: T) => string): Look {
  return async () => {
    const seen = await see();
    return { json: seen, text: format(seen) };
  };
}
