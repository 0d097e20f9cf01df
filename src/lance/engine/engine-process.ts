/** A process of its own for the engine: what ends it ends nothing else, and it ends with this one. */
import type { ChildProcess, Serializable } from 'node:child_process';
import { fork } from 'node:child_process';
import { extname, join } from 'node:path';

/** Characters of standard error that are kept, for the message of a process that says nothing else. */
const KEPT_CHARACTERS = 2_000;

export type EngineProcess = {
  readonly child: ChildProcess;
  /** Tells it something, unless it has ended or could not be started: of that `ended` tells. Throws when the message cannot be copied. */
  send(message: Serializable): void;
  /** Resolves once it has ended, to how it did, or why it could not be started. */
  readonly ended: Promise<string>;
};

/** What tells more than the last line, which is Node's version after an error that nobody caught. */
const TELLING = /\bError\b|panicked at/;

/** The line of standard error that says most about an end; a panic of the engine has its reason in the next one. */
function tellingLine(said: string): string {
  const lines = said.trim().split('\n');
  const at = lines.findIndex((line) => TELLING.test(line));
  const [first = '', next = ''] = at < 0 ? lines.slice(-1) : lines.slice(at);
  return (first.includes('panicked at') ? `${first} ${next}` : first).trim();
}

/**
 * For the program of such a process: has it end with the one that started it, and gives what ends it. Nothing of it is worth an orderly end, and a signal ends
 * the engine's threads too.
 */
export function endWithParent(): () => void {
  const end = () => void process.kill(process.pid, 'SIGKILL');
  // The channel closes when the parent ends, however it does.
  process.once('disconnect', end);
  return end;
}

/** Starts a program that lies beside this file, in `src` and in what the build makes of it. `env` goes over the environment, and without a value takes a variable out of it. */
export function startEngineProcess(
  program: string,
  env: Readonly<Record<string, string | undefined>> = {},
): EngineProcess {
  const child = fork(join(import.meta.dirname, `${program}${extname(import.meta.filename)}`), [], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    serialization: 'advanced',
    // What this process was started with, such as modules that it imports first, is not for that one.
    execArgv: [],
    env: { ...process.env, ...env },
  });
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = `${said}${text}`.slice(-KEPT_CHARACTERS);
  });
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => {
      const line = tellingLine(said);
      resolve(`its process ended with ${signal ?? code}${line && `: ${line}`}`);
    });
  });
  const send = (message: Serializable) => {
    if (child.connected) child.send(message, () => undefined);
  };
  return { child, send, ended };
}
