/** The daemon as a process of its own, and what its log tells. */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));

export type LogLine = Readonly<Record<string, unknown>> & { readonly event?: string; readonly time?: string };

export type DaemonProcess = {
  readonly url: string;
  readonly pid: number;
  /** Its exit code, or null where a signal ended it. */
  readonly ended: Promise<number | null>;
  /** Ends it as an orchestrator would, with SIGTERM; its exit code. Another signal on request. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
};

/**
 * Starts `segmentd run` and waits until it is ready. `onLog` gets each line of its JSON log; `env` goes over the environment. `program`: what
 * Node is to run, with flags of its own in front.
 */
export async function startDaemonProcess(
  configFile: string,
  port: number,
  onLog: (line: LogLine) => void,
  env: Readonly<Record<string, string>> = {},
  program: readonly string[] = [MAIN],
): Promise<DaemonProcess> {
  const child = spawn(process.execPath, [...program, 'run', '-c', configFile], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit').then(([code]) => code as number | null);
  createInterface({ input: child.stdout }).on('line', (line) => onLog(JSON.parse(line) as LogLine));
  const url = `http://127.0.0.1:${port}`;
  try {
    await untilReady(child, url);
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
  return {
    url,
    pid: child.pid as number,
    ended,
    stop(signal = 'SIGTERM') {
      child.kill(signal);
      return ended;
    },
  };
}

const READY_WITHIN_MS = 60_000;

async function untilReady(child: ChildProcess, url: string): Promise<void> {
  const deadline = Date.now() + READY_WITHIN_MS;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`the daemon ended with exit code ${child.exitCode}`);
    const ready = await fetch(`${url}/readyz`).then(
      (answer) => answer.ok,
      () => false,
    );
    if (ready) return;
    if (Date.now() > deadline) throw new Error('the daemon did not become ready');
    await sleep(100);
  }
}
