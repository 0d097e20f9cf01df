#!/usr/bin/env node
/**
 * Runs the command line and ends the process with its exit code. Nothing else ends it. An older Node has to get as far as to say
 * that it is too old: what is imported at the top, and what stands here, is syntax of Node 14.8 at most.
 */
import { EXIT } from './lib/errors.ts';
import { missesNode } from './lib/node-floor.ts';

const refusal = missesNode(process.versions.node);
if (refusal !== null) {
  process.stderr.write(`${refusal}\n`);
  process.exit(EXIT.config);
}

if (process.argv[2] === 'run') {
  const { heedEarly } = await import('./lib/early-signals.ts');
  heedEarly(process, process.stdin.isTTY || process.stdout.isTTY);
}

// What was compiled once is not compiled at the next start.
const { compileOnce } = await import('./lib/compile-cache.ts');
compileOnce(process.env);

// Without a listener a reader that closes the pipe early, such as `head`, would end the process with a stack and a code of findings.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(EXIT.ok);
  process.stderr.write(`segmentd: cannot write to standard output: ${error.message}\n`);
  process.exit(EXIT.unavailable);
});

const { run } = await import('./commands/cli.ts');
const code = await run(process.argv.slice(2));
// What could not be written, such as to a full disk, is heard of after the command, which would have ended well by then.
await new Promise((resolve) => setImmediate(resolve));
process.exit(code);
