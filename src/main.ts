#!/usr/bin/env node
/** Arguments in, exit code out. The only place that ends the process. */
import { Command, CommanderError } from 'commander';
import { announceCommand } from './commands/announce.ts';
import { backfillCommand } from './commands/backfill.ts';
import { configCommand } from './commands/config.ts';
import { indexCommand } from './commands/index-table.ts';
import { mergeCommand } from './commands/merge.ts';
import { printableLines } from './commands/output.ts';
import { runCommand } from './commands/run.ts';
import { statusCommand } from './commands/status.ts';
import { verifyCommand } from './commands/verify.ts';
import { waitCommand } from './commands/wait.ts';
import { asSegmentdError, EXIT } from './lib/errors.ts';
import { VERSION } from './lib/version.ts';

function program(): Command {
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

async function main(argv: readonly string[]): Promise<number> {
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

// Without a listener a reader that closes the pipe early, such as `head`, would end the process with a stack and a code of findings.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(EXIT.ok);
  process.stderr.write(`segmentd: cannot write to standard output: ${error.message}\n`);
  process.exit(EXIT.unavailable);
});

process.exit(await main(process.argv.slice(2)));
