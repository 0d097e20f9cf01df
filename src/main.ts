#!/usr/bin/env node
/** Runs the command line and ends the process with its exit code. Nothing else ends it. */
import { run } from './commands/cli.ts';
import { EXIT } from './lib/errors.ts';

// Without a listener a reader that closes the pipe early, such as `head`, would end the process with a stack and a code of findings.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(EXIT.ok);
  process.stderr.write(`segmentd: cannot write to standard output: ${error.message}\n`);
  process.exit(EXIT.unavailable);
});

process.exit(await run(process.argv.slice(2)));
