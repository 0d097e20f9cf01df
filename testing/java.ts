/** Java and Maven, as the machine has them. */
import { execFile, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { digest } from './cached-folder.ts';

/** What Kafka 4.x brokers and s3proxy need. */
const MIN_JAVA = 17;

/** There is no Java or Maven to run, or Maven cannot fetch. */
export class NoJavaError extends Error {
  override readonly name = 'NoJavaError';
}

export type Java = { readonly path: string; readonly version: string };

/** The Java of JAVA_HOME, else of the PATH. Throws NoJavaError where there is none that is new enough. */
export function findJava(): Java {
  const home = process.env.JAVA_HOME;
  const path = home ? join(home, 'bin', 'java') : 'java';
  const { error, stderr } = spawnSync(path, ['-version'], { encoding: 'utf8' });
  if (error) throw new NoJavaError(`Java was not found (${path})`, { cause: error });
  const major = Number(/version "(\d+)/.exec(stderr)?.[1] ?? 0);
  if (major < MIN_JAVA)
    throw new NoJavaError(`${path} is Java ${major || 'of an unknown version'}, not ${MIN_JAVA} or newer`);
  return { path, version: stderr };
}

/** Has Maven fetch something. Throws NoJavaError when it cannot. */
export async function runMaven(args: readonly string[]): Promise<void> {
  await promisify(execFile)('mvn', ['-B', '-q', ...args]).catch((cause: unknown) => {
    const missing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
    throw new NoJavaError(missing ? 'Maven (mvn) was not found' : `Maven could not fetch the jars: ${cause}`, {
      cause,
    });
  });
}

/** Where the class data sharing archive of a program lies: it halves its start. Absent until a first run has stopped cleanly. */
export const archiveIn = (home: string, java: Java): string => join(home, `${digest(java.version)}.jsa`);

/** Flags that use the archive, or have the process write one as it exits. The JVM ignores an archive that does not fit. */
export function sharing(archive: string, write?: string): string[] {
  const quiet = ['-Xlog:disable', '-Xlog:all=error:stderr'];
  if (existsSync(archive)) return [`-XX:SharedArchiveFile=${archive}`, ...quiet];
  return write === undefined ? [] : [`-XX:ArchiveClassesAtExit=${write}`, ...quiet];
}

/** Keeps an archive that a process wrote at its exit; a reader sees all of it or none. */
export async function keepArchive(archive: string, written: string): Promise<void> {
  if (!existsSync(written) || existsSync(archive)) return;
  const aside = `${archive}.${process.pid}`;
  await copyFile(written, aside);
  await rename(aside, archive);
}
