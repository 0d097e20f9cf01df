import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cachedFolder, digest } from '../cached-folder.ts';
import { archiveIn, findJava, NoJavaError, runMaven } from '../java.ts';

const POM = join(import.meta.dirname, 'pom.xml');

/** Where the jars lie and how to run them. */
export type Installation = {
  readonly java: string;
  readonly classpath: string;
  /** A class data sharing archive; see archiveIn. */
  readonly archive: string;
};

/** Nothing to run a broker with: says every way out. */
class NoBrokerError extends Error {
  override readonly name = 'NoBrokerError';

  constructor(cause: NoJavaError) {
    const ways = 'set KAFKA_BROKERS=host:port, install Java 17+ and Maven, or run `docker compose up kafka`';
    super(
      `No Kafka broker to run here: ${cause.message}. Do one of these: ${ways} (then KAFKA_BROKERS=127.0.0.1:9092).`,
      { cause },
    );
  }
}

/**
 * Finds Java and the jars of Apache Kafka, downloading them once with Maven into the cache. Safe when several processes do it at
 * once: each downloads aside and the first rename wins.
 */
export async function install(log: (line: string) => void): Promise<Installation> {
  try {
    const java = findJava();
    const pom = await readFile(POM);
    // Named after the pom: another version of Kafka is another folder.
    const home = await cachedFolder(`kafka-${digest(pom)}`, (aside) => download(aside, log));
    return { java: java.path, classpath: join(home, 'libs', '*'), archive: archiveIn(home, java) };
  } catch (error) {
    throw error instanceof NoJavaError ? new NoBrokerError(error) : error;
  }
}

async function download(aside: string, log: (line: string) => void): Promise<void> {
  log('Fetching Apache Kafka with Maven (once)');
  const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${join(aside, 'libs')}`];
  await runMaven(['-f', POM, ...goal]);
}
