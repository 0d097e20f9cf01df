/** segmentd as a process that kills itself at a given point, or is killed. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { Arming } from './kill-points.ts';

const pathOf = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

export type Mortal = {
  readonly pid: number;
  /** Resolves when it takes records, or fails when it ends before. */
  readonly ready: Promise<void>;
  /** Resolves once the process knows the point at which it kills itself. */
  arm(arming: Arming): Promise<void>;
  /** Resolves with the signal that ended it, or fails after `withinMs` with the process killed. */
  death(withinMs: number): Promise<NodeJS.Signals | null>;
  /** Ends it as an orchestrator would; its exit code. */
  stop(): Promise<number | null>;
  kill(): void;
};

/** What is left of the environment without what segmentd would take for options of its own, such as those of this test. */
const withoutOptions = (env: NodeJS.ProcessEnv) =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('SEGMENTD_')));

export function startMortal(configFile: string, preloads: readonly string[], env: Record<string, string>): Mortal {
  const imports = ['die-at.ts', 'use-watched-merge.ts', ...preloads].flatMap((file) => ['--import', pathOf(file)]);
  const child = spawn(process.execPath, [...imports, pathOf('../../../src/main.ts'), 'run', '-c', configFile], {
    env: { ...withoutOptions(process.env), ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const { stdout, stderr } = child;
  if (!stdout || !stderr) throw new Error('segmentd could not be started');
  const complaints = text(stderr);
  let told: Arming | undefined;
  const exit = once(child, 'exit');
  const ready = readyIn(stdout).then(async (isReady) => {
    if (!isReady) throw new Error(`it ended before it was ready: ${await complaints}`);
  });
  return {
    pid: child.pid ?? 0,
    ready,
    async arm(arming) {
      told = arming;
      const answer = once(child, 'message');
      child.send(arming);
      const early = exit.then(async () =>
        Promise.reject(new Error(`it died before it was armed: ${await complaints}`)),
      );
      await Promise.race([answer, early]);
    },
    async death(withinMs) {
      const late = setTimeout(() => child.kill('SIGTERM'), withinMs);
      await exit;
      clearTimeout(late);
      if (child.signalCode !== 'SIGKILL') {
        const when = told ? `it came by ${told.point} less than ${told.nth} times` : 'nobody killed it';
        throw new Error(`${when}: ${child.exitCode} ${await complaints}`);
      }
      return child.signalCode;
    },
    async stop() {
      child.kill('SIGTERM');
      await exit;
      return child.exitCode;
    },
    kill: () => void child.kill('SIGKILL'),
  };
}

/** Resolves when the log of a process says that it takes records. */
async function readyIn(log: Readable): Promise<boolean> {
  let ready = false;
  const { promise, resolve } = Promise.withResolvers<boolean>();
  createInterface({ input: log })
    .on('line', (line) => {
      const { event, state } = JSON.parse(line) as Record<string, unknown>;
      ready ||= event === 'stateChanged' && state === 'running';
      if (ready) resolve(true);
    })
    .on('close', () => resolve(ready));
  return promise;
}
