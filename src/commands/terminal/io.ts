/** What a command has of its process. A test hands in its own, and so runs commands side by side in one process. */
import type { Environment } from '../../config/env.ts';
import type { ExitCode } from '../../lib/errors.ts';
import { EXIT } from '../../lib/errors.ts';
import { watchParent } from '../../lib/parent-watch.ts';
import { keyReader } from './keys.ts';

/** Standard output or standard error. */
export type Output = {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  /** Size of the terminal. */
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
};

export type Interrupt = 'interrupt' | 'hangup' | 'reload';

export type Io = {
  readonly stdout: Output;
  readonly stderr: Output;
  /** Relative paths count from here. */
  readonly cwd: string;
  readonly env: Environment;
  /**
   * Calls `listener` for each request to end: `interrupt` for SIGINT and SIGTERM, `hangup` for the end of the npm that started the
   * process, and for SIGHUP when it was started from a terminal, which sends that when it closes. Otherwise SIGHUP is `reload`. The
   * function it returns stops that.
   */
  onInterrupt(listener: (kind: Interrupt) => void): () => void;
  /** Asks a question on the terminal; undefined where there is none to ask. The answer is trimmed. */
  readonly ask?: ((question: string) => Promise<string>) | undefined;
  /** Calls `listener` for each key; undefined where there is no keyboard. The function it returns stops that. */
  readonly onKeys?: ((listener: (key: string) => void) => () => void) | undefined;
  /** Takes the daemon's log, line by line; unless given, that is written to standard output synchronously. */
  readonly log?: (line: string) => void;
};

/** One call of the command line. A command that has findings to report sets the exit code; errors are thrown. */
export type Invocation = Io & {
  exitCode: ExitCode;
  /** How a path on the command line was read, for an error about what is not found there. */
  placeNote?: string | undefined;
  /** Says what the command waits for, should it take long. */
  readonly doing: (what: string) => void;
};

export const invocation = (io: Io, doing: Invocation['doing'] = () => undefined): Invocation => ({
  ...io,
  doing,
  exitCode: EXIT.ok,
});

const INTERRUPTS = ['SIGINT', 'SIGTERM'] as const;

const isTerminal = () => process.stdin.isTTY || process.stdout.isTTY;

/** The io of this process. */
export const processIo = (): Io => ({
  stdout: process.stdout,
  stderr: process.stderr,
  cwd: process.cwd(),
  env: process.env,
  ...(process.stdin.isTTY && process.stderr.isTTY && { ask }),
  ...(process.stdin.isTTY && { onKeys }),
  onInterrupt(listener) {
    const interrupt = () => listener('interrupt');
    const hangup = () => listener('hangup');
    // Asked now: a terminal that has been closed is none any more.
    const onHangup = isTerminal() ? hangup : () => listener('reload');
    for (const signal of INTERRUPTS) process.on(signal, interrupt);
    process.on('SIGHUP', onHangup);
    const unwatch = watchParent(hangup);
    return () => {
      for (const signal of INTERRUPTS) process.off(signal, interrupt);
      process.off('SIGHUP', onHangup);
      unwatch();
    };
  },
});

async function ask(question: string): Promise<string> {
  const { createInterface } = await import('node:readline/promises');
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return (await lines.question(question)).trim();
  } finally {
    lines.close();
  }
}

function onKeys(listener: (key: string) => void): () => void {
  const keysOf = keyReader();
  // Keys that are pressed fast, or pasted, come together.
  const heard = (bytes: Buffer) => {
    for (const key of keysOf(bytes)) listener(key);
  };
  process.stdin.setRawMode(true).resume().on('data', heard);
  return () => {
    process.stdin.off('data', heard).setRawMode(false).pause();
  };
}
