import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { makeOnce } from '../cached-folder.ts';

const POM = join(import.meta.dirname, 'pom.xml');
/** Kafka 4.x brokers refuse an older runtime. */
const MIN_JAVA = 17;
/** Written last, so that a folder without it is a download that was interrupted. */
const ASIDE = 'download-';
/** A download takes seconds; one this old was killed. */
const ABANDONED_MS = 3_600_000;

/** Where the jars lie and how to run them. */
export type Installation = {
  readonly java: string;
  readonly classpath: string;
  /** A class data sharing archive: halves the start of a broker. Absent until a first broker has stopped cleanly. */
  readonly archive: string;
};

/** Nothing to run a broker with: says every way out. */
class NoBrokerError extends Error {
  override readonly name = 'NoBrokerError';

  constructor(reason: string, options?: ErrorOptions) {
    const ways = 'set KAFKA_BROKERS=host:port, install Java 17+ and Maven, or run `docker compose up kafka`';
    super(
      `No Kafka broker for the tests: ${reason}. Do one of these: ${ways} (then KAFKA_BROKERS=127.0.0.1:9092).`,
      options,
    );
  }
}

/**
 * Finds Java and the jars of Apache Kafka, downloading them once with Maven into `SEGMENTD_CACHE_DIR` (default: `.cache` in
 * the repository). Safe when several processes do it at once: each downloads aside and the first rename wins.
 */
export async function install(log: (line: string) => void): Promise<Installation> {
  const java = findJava();
  const pom = await readFile(POM);
  const cache = resolve(process.env.SEGMENTD_CACHE_DIR || join(import.meta.dirname, '..', '..', '.cache'));
  // Named after the pom: another version of Kafka is another folder, so nothing stale is ever mixed in.
  const home = join(cache, `kafka-${digest(pom)}`);
  await mkdir(cache, { recursive: true });
  await removeAbandoned(cache);
  await makeOnce(home, ASIDE, (aside) => download(aside, log));
  return { java: java.path, classpath: join(home, 'libs', '*'), archive: join(home, `${digest(java.version)}.jsa`) };
}

/** Keeps an archive that a broker wrote at its exit; a reader sees all of it or none. */
export async function keepArchive(installation: Installation, written: string): Promise<void> {
  if (!existsSync(written) || existsSync(installation.archive)) return;
  const aside = `${installation.archive}.${process.pid}`;
  await copyFile(written, aside);
  await rename(aside, installation.archive);
}

const digest = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex').slice(0, 12);

function findJava(): { path: string; version: string } {
  const home = process.env.JAVA_HOME;
  const path = home ? join(home, 'bin', 'java') : 'java';
  const { error, stderr } = spawnSync(path, ['-version'], { encoding: 'utf8' });
  if (error) throw new NoBrokerError(`Java was not found (${path})`, { cause: error });
  const major = Number(/version "(\d+)/.exec(stderr)?.[1] ?? 0);
  if (major < MIN_JAVA)
    throw new NoBrokerError(`${path} is Java ${major || 'of an unknown version'}, not ${MIN_JAVA} or newer`);
  return { path, version: stderr };
}

async function download(aside: string, log: (line: string) => void): Promise<void> {
  log('Fetching Apache Kafka with Maven (once)');
  const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${join(aside, 'libs')}`];
  await promisify(execFile)('mvn', ['-B', '-q', '-f', POM, ...goal]).catch((cause: unknown) => {
    const missing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
    throw new NoBrokerError(missing ? 'Maven (mvn) was not found' : `Maven could not fetch the jars: ${cause}`, {
      cause,
    });
  });
}

async function removeAbandoned(cache: string): Promise<void> {
  for (const name of await readdir(cache)) {
    const path = join(cache, name);
    if (!name.startsWith(ASIDE) || Date.now() - (await stat(path)).mtimeMs < ABANDONED_MS) continue;
    await rm(path, { recursive: true, force: true });
  }
}
