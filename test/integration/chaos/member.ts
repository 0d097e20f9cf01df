/** One `segmentd run` as a process whose every word is kept, for tests that end it in all ways. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { freePorts } from '../../../testing/broker/broker.ts';
import type { LogLine } from '../../../testing/daemon-process.ts';
import { until } from '../e2e/world.ts';

const MAIN = fileURLToPath(new URL('../../../src/main.ts', import.meta.url));

export type Member = {
  readonly pid: number;
  /** The log so far. */
  readonly log: readonly LogLine[];
  /** All that was written so far, on both outputs. */
  output(): string;
  /** Exit code, or null after a signal; undefined while it runs. */
  exitCode(): number | null | undefined;
  /** Waits for the end. */
  readonly ended: Promise<number | null>;
  /** Sends a signal and waits for the end. */
  end(signal?: NodeJS.Signals): Promise<number | null>;
  /** Status of a probe, or 0 without an answer. */
  probe(path: '/healthz' | '/readyz'): Promise<number>;
  metrics(): Promise<string>;
  /** What `/status` says. */
  status(): Promise<{ readonly paused: readonly string[] }>;
  untilReady(): Promise<void>;
};

/** Starts it and returns at once; it is killed with the test. `env` goes over the environment, ports are chosen. */
export async function startMember(configFile: string, env: Readonly<Record<string, string>> = {}): Promise<Member> {
  const [port] = await freePorts();
  const child = spawn(process.execPath, [MAIN, 'run', '-c', configFile], {
    env: { ...process.env, SEGMENTD_HTTP_PORT: String(port), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const log: LogLine[] = [];
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line);
    log.push(JSON.parse(line) as LogLine);
  });
  createInterface({ input: child.stderr }).on('line', (line) => lines.push(line));
  let code: number | null | undefined;
  // `close` and not `exit`: by then the last lines were read.
  const ended = once(child, 'close').then(() => {
    code = child.exitCode;
    return child.exitCode;
  });
  const end = (signal: NodeJS.Signals = 'SIGTERM') => {
    child.kill(signal);
    return ended;
  };
  onTestFinished(async () => void (await end('SIGKILL')));
  const url = `http://127.0.0.1:${port}`;
  const probe = (path: string) =>
    fetch(url + path).then(
      ({ status }) => status,
      () => 0,
    );
  return {
    pid: child.pid as number,
    log,
    output: () => lines.join('\n'),
    exitCode: () => code,
    ended,
    end,
    probe,
    status: async () => (await fetch(`${url}/status`)).json() as Promise<{ paused: string[] }>,
    metrics: async () => (await fetch(`${url}/metrics`)).text(),
    untilReady: () =>
      until('the member is ready', async () => {
        if (code !== undefined) throw new Error(`the member ended with ${code}:\n${lines.slice(-20).join('\n')}`);
        return (await probe('/readyz')) === 200;
      }),
  };
}
