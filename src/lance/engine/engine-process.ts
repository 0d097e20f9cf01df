/** A process of its own for the engine: what ends it ends nothing else, and it ends with this one. */
import type { ChildProcess } from 'node:child_process';
import { fork } from 'node:child_process';
import { extname, join } from 'node:path';

/** Characters of standard error that are kept, for the message of a process that says nothing else. */
const KEPT_CHARACTERS = 2_000;

export type EngineProcess = {
  readonly child: ChildProcess;
  /** Resolves once it has ended, to how it did. */
  readonly ended: Promise<string>;
};

/** Starts a program that lies beside this file, in `src` and in what the build makes of it. `env` goes over the environment. */
export function startEngineProcess(program: string, env: Readonly<Record<string, string>> = {}): EngineProcess {
  const child = fork(join(import.meta.dirname, `${program}${extname(import.meta.filename)}`), [], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    serialization: 'advanced',
    env: { ...process.env, ...env },
  });
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = `${said}${text}`.slice(-KEPT_CHARACTERS);
  });
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => {
      const lastLine = said.trim().split('\n').at(-1) ?? '';
      resolve(`its process ended with ${signal ?? code}${lastLine && `: ${lastLine}`}`);
    });
  });
  return { child, ended };
}
