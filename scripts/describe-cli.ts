/** docs/cli.md from the command line itself. */
import type { Argument, Command, Option } from 'commander';
import { program } from '../src/commands/cli.ts';
import { EXIT } from '../src/lib/errors.ts';
import { COMMAND_SCHEMAS } from './command-schemas.ts';

const EXIT_MEANINGS: Readonly<Record<keyof typeof EXIT, string>> = {
  ok: 'fine',
  findings: 'findings of `verify`, or a `wait` that timed out',
  usage: 'the command line is not understood',
  declined: 'segmentd refuses the table or the event',
  unavailable: 'a store, a broker or a daemon is not reachable or does not answer as expected',
  bug: 'a bug in segmentd',
  denied: 'a daemon wants its token, or another one',
  config: 'the configuration, or the version of Node',
};

/** What a command does beyond the one line of its help. */
const NOTES: Readonly<Record<string, string>> = {
  run: `Stops on SIGTERM or SIGINT, see [operating.md](operating.md#stop). [configuration.md](configuration.md) lists the options of the file.`,
  index: `Needs neither Kafka nor a configuration; with \`-c\` it keeps the indexes that are configured for the table. Builds what is
missing in parts side by side and shows the progress. [indexes.md](indexes.md) says what each kind is for, and
[index-parameters.md](index-parameters.md) which parameters \`--set\` gives it: \`--column body --kind fts --set language=French --set stem=false\`. An index
that is there keeps its parameters; with others it is refused.`,
  status: `Of a table: what each index covers, with a block for each segment by tier, as high as its rows have digits (\`--segments\` lists them); the last commit of segmentd and its author; the next work. Of a
database, one line per table, problems first: state, coverage, missing rows, rows, segments, the reason why a table is declined, rows that vector indexes hold
back until there are more, and how many indexes are left alone. With \`--daemon\`: the
tables of a running daemon that are covered, retrying after failures, declined or paused. Coverage is never rounded up to 1. Without a
daemon \`status\` goes by the defaults: every index there is of a kind that it keeps, the default tiers. With \`-c\` it goes by the indexes
that are configured, also those that are missing, and names the others; without a table or a database it shows all databases of the file.`,
  wait: `[http-api.md](http-api.md#wait) has the same over HTTP, and says when a version counts as covered. Rows that a vector index holds back
(\`vector.min_rows\`) count: queries find them without the index. Indexes that are left alone do not; where no other is there, the command says so.`,
  optimize: `Does once what \`maintain\` lets the daemon do: merges segments that keep small fragments apart, compacts, compares answers with a scan,
and cleans up last. A compaction that meets an update of its fragments fails as a whole, with \`optimize_conflict\`. \`--dry-run\` says what the cleanup would
free; tagged versions count as if they went.`,
  merge: `Merges as a daemon with the default \`merge.*\` does; \`--to 1\` leaves one segment per index. Runs beside a daemon too.
[merging.md](merging.md) explains the policy.`,
  pause: `Goes through the control listener of \`admin\`, or of \`--daemon\`; when none is configured or it does not answer, over \`kafka.control_topic\`, which every
member reads and which keeps a pause over restarts. Neither being there is an error. Nobody answers over the topic, so the command looks first whether there is
such a table; where it cannot tell, it warns and goes on. [operating.md](operating.md#pause-and-resume) says what a pause does.`,
  'dead-letters': `A replay sends the record to \`kafka.topic\` with the key and headers that it had, oldest first, and then marks its letter with a record in the dead-letter topic, whose
header \`segmentd-replayed\` others can skip: each letter is replayed once, on whichever host. Records that were too large to be kept have to be sent by their producer.`,
  init: `What \`run\` would refuse, such as a table in place of a database, is refused, and no file is written. A folder that is not there yet, a store or a broker
that does not answer, and topics that are missing are warnings. Without a terminal \`--folder\` is needed; without \`--brokers\` there is no Kafka.`,
  doctor: `One line for each thing: \`ok\`, \`warning\` for what may come right by itself, \`error\` with a hint. The exit code is that of the first error. It names
topics that are still to be created, and addresses at which a segmentd answers already. It creates nothing that stays, and joins no group.`,
  top: `Keys: \`/\` filters by name or state, \`s\` sorts by problems, name, lag, missing rows or segments, \`j\` and \`k\`, arrows, space and \`b\` scroll, \`q\` ends.
Keys that come together count one by one. When the daemon stops answering, the first line says so within two seconds, and how old is what stands below.
\`--json\` prints what the daemon says once; \`segmentd status --daemon --json --watch\` prints it again and again.`,
  completions: `\`source <(segmentd completions bash)\`, the same for zsh after \`compinit\`, and \`segmentd completions fish | source\`.`,
  announce: `A table that is not there is refused where this machine can tell, unless \`--force\` says that it is to come. [producers.md](producers.md) has snippets for other producers.`,
  backfill: `Publishes one event for each part of what is missing and follows the table until coverage is 1. Running the command again publishes only what is
still missing. [performance.md](performance.md#backfills-over-many-workers) tells how to choose the parts.`,
};

const code = (text: string) => `\`${text}\``;
/** Text in which Markdown finds neither a tag nor the end of a cell. */
const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('<', '\\<');
const sentence = (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return [];
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`.replace(/ {2,}\|/g, ' |');
  return [line(head), line(head.map(() => '---')), ...rows.map(line), ''];
}

function defaultOf({ defaultValue, defaultValueDescription, negate }: Option): string {
  if (defaultValue === undefined || negate) return '';
  return code(defaultValueDescription ?? String(defaultValue));
}

function optionRow(option: Option): string[] {
  const choices = option.argChoices ? ` (${option.argChoices.map(code).join(', ')})` : '';
  const required = option.mandatory ? ' Required.' : '';
  return [code(option.flags), `${cell(option.description)}${choices}${required && `.${required}`}`, defaultOf(option)];
}

const argumentRow = (it: Argument): string[] => [
  code(it.required ? `<${it.name()}>` : `[${it.name()}]`),
  cell(it.description),
];

/** A command and those below it. */
function section(command: Command, parents: readonly string[]): string[] {
  const names = [...parents, command.name()];
  const usage = [...names, command.usage().replace('[command]', '<command>')].join(' ');
  const options = command
    .createHelp()
    .visibleOptions(command)
    .filter(({ long }) => long !== '--help');
  const note = NOTES[command.name()];
  return [
    `## ${names.join(' ')}`,
    '',
    sentence(command.description()),
    '',
    ...(note === undefined ? [] : [note, '']),
    ...['```', usage, '```', ''],
    ...table(['argument', 'meaning'], command.registeredArguments.map(argumentRow)),
    ...table(['option', 'meaning', 'default'], options.map(optionRow)),
    ...command.commands.flatMap((below) => section(below, names)),
  ];
}

export function cliPage(): string {
  const exits = Object.entries(EXIT).map(([name, exit]) => [String(exit), EXIT_MEANINGS[name as keyof typeof EXIT]]);
  return [
    '# Command line',
    '',
    'Generated by `npm run generate`; do not edit.',
    '',
    'Every command has `--help`; `segmentd --version` prints the version. `--json` prints one JSON object for programs. A command that fails',
    'prints the code of the error and a hint; [errors.md](errors.md) lists all codes.',
    '',
    'A table or database is a folder, a `file:` URI, or the URI of an object store: `s3://bucket/lake/events.lance`, `gs://…`, `az://…`.',
    'Options and credentials of a store come from `-c`, if the place lies in a database of that file, and from `--storage-option`; else the',
    'environment, profiles and the identity of the machine are asked, as LanceDB does. Other users of a machine see its command lines:',
    'secrets are better given in a file, as `--storage-option secret_access_key_file=/run/secrets/key`.',
    '',
    'With a configuration a table is also `<database>/<table>`. A path is what ends in `.lance`, is absolute or begins with `./` or `../`; relative ones count from',
    'the working folder, for every command. `-c` of each command may be left out where `SEGMENTD_CONFIG` names the file.',
    '',
    'On a terminal states have colours, unless `NO_COLOR` is set; `FORCE_COLOR` sets them elsewhere, too. A command that takes longer than two seconds says what it',
    'waits for, on a terminal and without `--json`. Node keeps what it compiled in `$XDG_CACHE_HOME/segmentd`, by default `~/.cache/segmentd`, for faster starts;',
    '`NODE_DISABLE_COMPILE_CACHE=1` switches that off.',
    '',
    ...program().commands.flatMap((command) => section(command, ['segmentd'])),
    '## JSON',
    '',
    'With `--json` standard output gets one JSON object, in any case: the answer, or',
    '`{"error": {"code": "…", "message": "…", "hint": "…"}}` when the command fails. Standard error has the error for people all the same, and',
    'the exit code is as without `--json`. A `verify` with findings and a `wait` that timed out have answers. `status --watch` prints an object',
    'a line. Each has a schema; new fields may come at any time.',
    '',
    ...table(
      ['command', 'schema'],
      Object.entries(COMMAND_SCHEMAS).map(([name, { title }]) => [title, code(`schemas/command-${name}.json`)]),
    ),
    '## Exit codes',
    '',
    ...table(['code', 'meaning'], exits),
  ]
    .join('\n')
    .replace(/\n+$/, '\n');
}
