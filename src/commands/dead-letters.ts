import { Command, InvalidArgumentError } from 'commander';
import { atLeastOne, configOption, timeoutOption } from './arguments.ts';
import type { ListOptions, ReplayOptions, ShowOptions } from './daemons/letter-commands.ts';
import type { Invocation } from './terminal/io.ts';

/** Seconds: longer than a broker's restart, shorter than a person's patience. */
const TIMEOUT_S = 15;
const LIMIT = 50;

const load = () => import('./daemons/letter-commands.ts');

export function deadLettersCommand(io: Invocation): Command {
  const command = new Command('dead-letters').description('list, show and replay records that segmentd could not use');
  withFilter(withBroker(command.command('list')))
    .description('list dead letters, newest first')
    .option('--limit <n>', 'most letters to list', atLeastOne, LIMIT)
    .option('--json', 'print one JSON object')
    .action(async (options: ListOptions) => (await load()).listLetters(io, options));
  withBroker(command.command('show'))
    .description('show one dead letter in full: reason, origin, key, headers, value')
    .argument('<position>', 'its place in the dead-letter topic, as list gives it: <partition>:<offset>', position)
    .option('--json', 'print one JSON object')
    .action(async (at: string, options: ShowOptions) => (await load()).showLetter(io, at, options));
  withFilter(withBroker(command.command('replay')))
    .description('send the records of dead letters to the topic of append events again, each letter once')
    .option('--all', 'every dead letter there is; without it, at least one filter is needed')
    .option('--again', 'also letters that were replayed before')
    .option('--dry-run', 'print what would be sent and send nothing')
    .option('--json', 'print one JSON object')
    .action(async (options: ReplayOptions, own: Command) => {
      const { all, code, table, since, until, position: at } = options;
      const isFiltered = [code, table, since, until, at].some((it) => it !== undefined);
      if (isFiltered === (all === true)) own.error('give either a filter or --all');
      await (await load()).replayLetters(io, options);
    });
  return command;
}

function withBroker(command: Command): Command {
  return command.addOption(configOption()).addOption(timeoutOption('how long to wait for the broker', TIMEOUT_S));
}

function withFilter(command: Command): Command {
  return command
    .option('--code <code...>', 'with one of these error codes')
    .option('--table <table>', 'of this table, as <database>/<table>, path or URI, as far as the record names one')
    .option('--since <time>', 'dead since then: ISO 8601, or how long ago, such as 2h', moment)
    .option('--until <time>', 'dead until then, likewise', moment)
    .option('--position <position...>', 'at these places in the dead-letter topic: <partition>:<offset>', positions);
}

function position(text: string): string {
  if (!/^\d{1,9}:\d{1,19}$/.test(text)) throw new InvalidArgumentError('expected <partition>:<offset>, such as 0:17');
  return text;
}

const positions = (text: string, before: readonly string[] = []) => [...before, position(text)];

const AGO: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds since the epoch. */
function moment(text: string): number {
  const [, count, unit = ''] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  const ms = count === undefined ? Date.parse(text) : Date.now() - Number(count) * (AGO[unit] ?? 0);
  if (!Number.isFinite(ms)) throw new InvalidArgumentError('expected a time such as 2026-11-29T07:00:00Z, or 2h');
  return ms;
}
