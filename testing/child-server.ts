/** A server as a child process: awaited until it takes requests, and gone when we are. */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

const START_MS = 60_000;
/** Long enough for a JVM's clean stop that also writes a class archive. */
const STOP_MS = 15_000;
const POLL_MS = 20;
const KEPT_LINES = 40;
/** As Java, Go and Node say it. */
const PORT_TAKEN = /failed to bind|BindException|Address already in use/i;

/** The port was taken between choosing it and binding it. */
export class PortTakenError extends Error {
  override readonly name = 'PortTakenError';
}

export type ServerCommand = {
  /** What errors call it, such as `The Kafka server`. */
  readonly name: string;
  readonly command: string;
  readonly arguments: readonly string[];
  /** Occurs in the line of its output that says that it takes requests; or, for a server that says nothing, a URL that it answers. */
  readonly ready: RegExp | URL;
  /** Removed if this process ends before the server. */
  readonly temporaryFolder?: string | undefined;
  readonly log?: ((line: string) => void) | undefined;
};

export type ServerProcess = {
  readonly pid: number;
  /** Asks it to stop, then makes it. Resolves when it is gone: true when it went by itself. */
  stop(): Promise<boolean>;
  /** As a power cut would: nothing is flushed. Resolves when it is gone. */
  kill(): Promise<void>;
};

/** Runs a server until it says that it takes requests. Throws PortTakenError, or an Error with its last lines. */
export async function runServer(server: ServerCommand): Promise<ServerProcess> {
  const child = spawn(server.command, server.arguments, { stdio: ['ignore', 'pipe', 'pipe'] });
  const gone = new Promise<void>((done) => {
    child.once('exit', () => done());
    child.once('error', () => done());
  });
  const unleash = killWithParent(child, server.temporaryFolder);
  void gone.then(unleash);
  try {
    await started(child, server);
  } catch (error) {
    child.kill('SIGKILL');
    await gone;
    throw error;
  }
  return {
    pid: child.pid ?? 0,
    async stop() {
      child.kill('SIGCONT');
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
      await gone;
      clearTimeout(timer);
      return child.exitCode !== null;
    },
    async kill() {
      child.kill('SIGKILL');
      await gone;
    },
  };
}

/**
 * A shell that reads until our end of its pipe closes, which the kernel does however this process ends, and then kills the
 * server and removes `dir`: a test runner that was killed leaves nothing behind. Returns how to call it off.
 */
function killWithParent(child: ChildProcess, dir: string | undefined): () => void {
  if (child.pid === undefined) return () => undefined;
  const script = 'cat >/dev/null; kill -KILL "$1" 2>/dev/null; test -z "$2" || rm -rf -- "$2"';
  const guard = spawn('sh', ['-c', script, 'sh', String(child.pid), dir ?? ''], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  guard.unref();
  return () => {
    // The whole group: the shell alone would leave `cat` behind, and its end would then kill a process id used anew.
    if (guard.pid !== undefined && guard.exitCode === null) process.kill(-guard.pid, 'SIGKILL');
  };
}

async function started(child: ChildProcess, { name, ready, log }: ServerCommand): Promise<void> {
  const last: string[] = [];
  const start = new Promise<void>((resolve, reject) => {
    const watch = (line: string): void => {
      log?.(line);
      if (ready instanceof RegExp && ready.test(line)) resolve();
      last.push(line);
      if (last.length > KEPT_LINES) last.shift();
    };
    for (const stream of [child.stdout, child.stderr]) if (stream) createInterface({ input: stream }).on('line', watch);
    child.once('error', reject);
    child.once('close', () => {
      const text = last.join('\n');
      reject(
        PORT_TAKEN.test(text) ? new PortTakenError(text) : new Error(`${name} ended before it was ready:\n${text}`),
      );
    });
  });
  const timer = new AbortController();
  const tooLong = sleep(START_MS, undefined, { signal: timer.signal, ref: false }).then(() => {
    throw new Error(`${name} was not ready after ${START_MS / 1000} s:\n${last.join('\n')}`);
  });
  tooLong.catch(() => undefined);
  const answer = ready instanceof URL ? [answered(ready, timer.signal)] : [];
  await Promise.race([start, tooLong, ...answer]).finally(() => timer.abort());
}

/** Resolves when the URL is answered, whatever the status, and also when the wait is over. */
async function answered(url: URL, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    const ok = await fetch(url).then(
      () => true,
      () => false,
    );
    if (ok) return;
    await sleep(POLL_MS);
  }
}
