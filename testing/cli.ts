/** Runs `segmentd`: in this process, which is fast, or as a process of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { run } from '../src/commands/cli.ts';
import type { Io } from '../src/commands/terminal/io.ts';

/** The program, for a test that has to do more with its process. */
export const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));

export type CliResult = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

export type Started = {
  readonly done: Promise<CliResult>;
  /** What it has written to standard output by now. */
  stdout(): string;
  /** As SIGINT and SIGTERM do. */
  interrupt(): void;
};

/** Starts a command in this process; `env` goes over the environment, `terminal` makes its standard output one of that size. */
export function startSegmentd(
  args: readonly string[],
  { env = {}, terminal }: { env?: Record<string, string>; terminal?: { rows: number; columns: number } } = {},
): Started {
  const written = { stdout: '', stderr: '' };
  const listeners = new Set<(kind: 'interrupt') => void>();
  const io: Io = {
    stdout: { write: (text) => (written.stdout += text), ...(terminal && { isTTY: true, ...terminal }) },
    stderr: { write: (text) => (written.stderr += text) },
    cwd: process.cwd(),
    env: { ...process.env, ...env },
    onInterrupt(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    log: (line) => (written.stdout += line),
  };
  return {
    done: run(args, io).then((code) => ({ code, ...written })),
    stdout: () => written.stdout,
    interrupt: () => {
      for (const listener of listeners) listener('interrupt');
    },
  };
}

/** Runs a command in this process. */
export const segmentd = (args: readonly string[], env: Record<string, string> = {}): Promise<CliResult> =>
  startSegmentd(args, { env }).done;

/** Runs a command as a process of its own: all its output is captured, that of libraries too. */
export async function segmentdProcess(args: readonly string[], env: Record<string, string> = {}): Promise<CliResult> {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  return { code: child.exitCode, stdout, stderr };
}

/** Names of the packages that a command loads, sorted. */
export async function loadedPackages(args: readonly string[]): Promise<string[]> {
  const hook = new URL('./print-packages.ts', import.meta.url).href;
  const { stderr } = await segmentdProcess(args, { NODE_OPTIONS: `--import ${hook}` });
  return JSON.parse(stderr.trimEnd().split('\n').at(-1) ?? '');
}
