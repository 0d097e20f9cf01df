/** The command line: arguments in, exit code out. Ends no process, so that tests and docs can call it. */
import { Command, CommanderError } from 'commander';
import { asSegmentdError, EXIT } from '../lib/errors.ts';
import { VERSION } from '../lib/version.ts';
import { announceCommand } from './announce.ts';
import { backfillCommand } from './backfill.ts';
import { configCommand } from './config.ts';
import { indexCommand } from './index-table.ts';
import { mergeCommand } from './merge.ts';
import { printableLines } from './output.ts';
import { runCommand } from './run.ts';
import { statusCommand } from './status.ts';
import { verifyCommand } from './verify.ts';
import { waitCommand } from './wait.ts';

/** All commands with their options; docs/cli.md is written from it. */
export function program(): Command {
  const root = new Command('segmentd')
    .description('The daemon that keeps LanceDB BTREE indexes fresh.')
    .version(VERSION)
    // Options after a command are that command's: `announce --version` is a version of the table.
    .enablePositionalOptions()
    .showHelpAfterError('(--help shows what is accepted)');
  for (const command of [
    runCommand(),
    indexCommand(),
    statusCommand(),
    waitCommand(),
    verifyCommand(),
    mergeCommand(),
    announceCommand(),
    backfillCommand(),
    configCommand(),
  ]) {
    root.addCommand(command);
  }
  return exitOverridden(root);
}

/** Commander would end the process itself; thrown instead, for every command below too. */
function exitOverridden(command: Command): Command {
  command.exitOverride();
  for (const below of command.commands) exitOverridden(below);
  return command;
}

/** Runs one command and resolves to its exit code; never rejects. */
export async function run(argv: readonly string[]): Promise<number> {
  try {
    await program().parseAsync([...argv], { from: 'user' });
    // A command that has findings to report sets the code itself.
    return Number(process.exitCode ?? EXIT.ok);
  } catch (thrown) {
    // Help and version end with 0 and were printed; usage errors were printed too.
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? EXIT.ok : EXIT.usage;
    const error = asSegmentdError(thrown);
    const stack = error.code === 'internal' && thrown instanceof Error ? `\n${thrown.stack}` : '';
    process.stderr.write(`segmentd: ${error.code}: ${printableLines(error.message)}\n  ${error.hint}${stack}\n`);
    return error.exit;
  }
}
