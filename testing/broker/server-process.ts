import type { ChildProcess } from 'node:child_process';
import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Installation } from './jars.ts';
import { keepArchive } from './jars.ts';
import { CLUSTER_ID } from './server-config.ts';

const START_MS = 60_000;
/** Long enough for a clean stop that also writes the class archive. */
const STOP_MS = 15_000;
const KEPT_LINES = 40;

const HEAP = '-Xms96m -Xmx256m -Xss512k -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=64m';

/** The port was taken between choosing it and binding it. */
export class PortTakenError extends Error {
  override readonly name = 'PortTakenError';
}

export type ServerProcess = {
  readonly pid: number;
  /** Asks it to stop, then makes it; resolves when it is gone. */
  stop(): Promise<void>;
  /** As a power cut would: nothing is flushed. Resolves when it is gone. */
  kill(): Promise<void>;
};

const options = (dir: string): string[] => [
  ...HEAP.split(' '),
  '-Djava.awt.headless=true',
  `-Dlog4j2.configurationFile=file:${join(dir, 'log4j2.properties')}`,
  '-Dlog4j2.disableJmx=true',
  `-Dkafka.logs.dir=${dir}`,
];

/** Formats the data folder, as Kafka wants before a first start; a folder that has data is left as it is. */
export async function formatStorage(
  installation: Installation,
  dir: string,
  further: readonly string[] = [],
): Promise<void> {
  if (existsSync(join(dir, 'data', 'meta.properties'))) return;
  const config = ['-t', CLUSTER_ID, '-c', join(dir, 'server.properties'), '-g', ...further];
  const main = ['-cp', installation.classpath, 'kafka.tools.StorageTool', 'format', ...config];
  await promisify(execFile)(installation.java, [...options(dir), ...sharing(installation), ...main]);
}

/** Runs the server in `dir` (removed with us when `temporary`) until it says that it started. Throws PortTakenError, or an Error with its last lines. */
export async function runServer(
  installation: Installation,
  dir: string,
  { temporary, log }: { temporary: boolean; log: (line: string) => void },
): Promise<ServerProcess> {
  const written = join(dir, 'classes.jsa');
  const classes = sharing(installation, written);
  const main = ['-cp', installation.classpath, 'kafka.Kafka', join(dir, 'server.properties')];
  const child = spawn(installation.java, [...options(dir), ...classes, ...main], { stdio: ['ignore', 'pipe', 'pipe'] });
  const gone = new Promise<void>((done) => {
    child.once('exit', () => done());
    child.once('error', () => done());
  });
  const unleash = killWithParent(child, temporary ? dir : undefined);
  void gone.then(unleash);
  try {
    await started(child, log);
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
      if (child.exitCode !== null) await keepArchive(installation, written);
    },
    async kill() {
      child.kill('SIGKILL');
      await gone;
    },
  };
}

/** Uses the class archive, or has the process write one as it exits. The JVM ignores an archive that does not fit. */
function sharing(installation: Installation, write?: string): string[] {
  const quiet = ['-Xlog:disable', '-Xlog:all=error:stderr'];
  if (existsSync(installation.archive)) return [`-XX:SharedArchiveFile=${installation.archive}`, ...quiet];
  return write === undefined ? [] : [`-XX:ArchiveClassesAtExit=${write}`, ...quiet];
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

async function started(child: ChildProcess, log: (line: string) => void): Promise<void> {
  const last: string[] = [];
  const start = new Promise<void>((resolve, reject) => {
    const watch = (line: string): void => {
      log(line);
      if (line.includes('Kafka Server started')) resolve();
      last.push(line);
      if (last.length > KEPT_LINES) last.shift();
    };
    for (const stream of [child.stdout, child.stderr]) if (stream) createInterface({ input: stream }).on('line', watch);
    child.once('error', reject);
    child.once('close', () => {
      const text = last.join('\n');
      const taken = /failed to bind|BindException|Address already in use/i.test(text);
      reject(taken ? new PortTakenError(text) : new Error(`The Kafka server ended before it was ready:\n${text}`));
    });
  });
  const timer = new AbortController();
  const tooLong = sleep(START_MS, undefined, { signal: timer.signal, ref: false }).then(() => {
    throw new Error(`The Kafka server was not ready after ${START_MS / 1000} s:\n${last.join('\n')}`);
  });
  tooLong.catch(() => undefined);
  await Promise.race([start, tooLong]).finally(() => timer.abort());
}
