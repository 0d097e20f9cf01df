/** The command line: arguments in, exit code out. Touches nothing of the process but through its `io`. */
import { Command, CommanderError } from 'commander';
import type { ErrorCode } from '../lib/errors.ts';
import { asSegmentdError, EXIT, SegmentdError } from '../lib/errors.ts';
import { VERSION } from '../lib/version.ts';
import { announceCommand } from './announce.ts';
import { backfillCommand } from './backfill.ts';
import { completionsCommand } from './completions.ts';
import { configCommand } from './config.ts';
import { deadLettersCommand } from './dead-letters.ts';
import { doctorCommand } from './doctor.ts';
import { indexCommand } from './index-table.ts';
import { initCommand } from './init.ts';
import { mergeCommand } from './merge.ts';
import { optimizeCommand } from './optimize.ts';
import { runCommand } from './run.ts';
import { statusCommand } from './status.ts';
import { pauseCommand, refreshCommand, resumeCommand } from './steer.ts';
import { errorAnswer } from './terminal/error-answer.ts';
import type { Invocation, Io, Output } from './terminal/io.ts';
import { invocation, processIo } from './terminal/io.ts';
import { printableLines, printJson } from './terminal/output.ts';
import { openPatience } from './terminal/patience.ts';
import { topCommand } from './top.ts';
import { verifyCommand } from './verify.ts';
import { waitCommand } from './wait.ts';

/** All commands with their options; docs/cli.md is written from it. */
export function program(io: Invocation = invocation(processIo())): Command {
  const root = new Command('segmentd')
    .description('The daemon that keeps LanceDB indexes fresh.')
    .version(VERSION)
    // Options after a command are that command's: `announce --version` is a version of the table.
    .enablePositionalOptions();
  for (const command of [
    initCommand(io),
    runCommand(io),
    indexCommand(io),
    statusCommand(io),
    topCommand(io),
    waitCommand(io),
    verifyCommand(io),
    mergeCommand(io),
    optimizeCommand(io),
    pauseCommand(io),
    resumeCommand(io),
    refreshCommand(io),
    announceCommand(io),
    backfillCommand(io),
    deadLettersCommand(io),
    configCommand(io),
    doctorCommand(io),
    completionsCommand(io, () => program()),
  ]) {
    root.addCommand(command);
  }
  return withIo(root, io);
}

/** Commander would write to the process and end it: this command, and every one below, writes to `io` and throws. */
function withIo(command: Command, io: Io): Command {
  const widthOf = ({ isTTY, columns }: Output) => (isTTY && columns ? columns : 80);
  command
    .exitOverride()
    .showHelpAfterError('(--help shows what is accepted)')
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      outputError: (text, write) => write(withoutValues(text)),
      getOutHelpWidth: () => widthOf(io.stdout),
      getErrHelpWidth: () => widthOf(io.stderr),
    });
  for (const below of command.commands) withIo(below, io);
  return command;
}

/** Without what stands behind the = of an option that is not known: its name may be that of a secret, mistyped. */
const withoutValues = (text: string) => text.replace(/(unknown option '[^'=]*=)[^']*/, '$1…');

/** Without `error: `, and without the line about help. */
function usageError({ message }: CommanderError): SegmentdError {
  return new SegmentdError('usage', withoutValues(message).replace(/^error: /, ''));
}

/** Commands that write all the time, or wait for a person. */
const SPEAKS_BY_ITSELF: ReadonlySet<string> = new Set(['run', 'init']);

/** Its names below the root. */
const pathOf = (command: Command): string =>
  command.parent?.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name();

function isQuiet(command: Command): boolean {
  const { json, quiet, watch } = command.opts<{ json?: boolean; quiet?: boolean; watch?: unknown }>();
  return json === true || quiet === true || watch !== undefined;
}

/** What is not found may be so since a path was read otherwise than it was meant. */
const ABOUT_A_PLACE: ReadonlySet<ErrorCode> = new Set([
  ...(['table_not_found', 'database_not_found', 'store_unavailable', 'store_denied'] as const),
  ...(['event_table_outside', 'event_table_invalid', 'event_table_not_found'] as const),
]);

function withPlaceNote(error: SegmentdError, { placeNote }: Invocation): SegmentdError {
  const { code, message, hint } = error;
  if (placeNote === undefined || !ABOUT_A_PLACE.has(code)) return error;
  return new SegmentdError(code, `${message}; ${placeNote}`, { cause: error, hint });
}

/** Runs one command and resolves to its exit code; never rejects. */
export async function run(argv: readonly string[], io: Io = processIo()): Promise<number> {
  const { doing, start, stop, ...streams } = openPatience(io);
  const call = invocation({ ...io, ...streams }, doing);
  try {
    const root = program(call);
    root.hook('preAction', (_, command) => {
      if (!SPEAKS_BY_ITSELF.has(command.name()) && !isQuiet(command)) start(pathOf(command));
    });
    await root.parseAsync([...argv], { from: 'user' });
    return call.exitCode;
  } catch (thrown) {
    // Help and version end with 0 and were printed; usage errors were printed too.
    if (thrown instanceof CommanderError && thrown.exitCode === 0) return EXIT.ok;
    const error = thrown instanceof CommanderError ? usageError(thrown) : withPlaceNote(asSegmentdError(thrown), call);
    // What reads standard output gets one JSON object in any case; standard error has the error for people all the same.
    if (argv.includes('--json')) printJson(call.stdout, errorAnswer(error));
    if (thrown instanceof CommanderError) return EXIT.usage;
    const stack = error.code === 'internal' && thrown instanceof Error ? `\n${thrown.stack}` : '';
    call.stderr.write(`segmentd: ${error.code}: ${printableLines(error.message)}\n  ${error.hint}${stack}\n`);
    return error.exit;
  } finally {
    stop();
  }
}
