import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ServerProcess } from '../child-server.ts';
import { runServer } from '../child-server.ts';
import { keepArchive, sharing } from '../java.ts';
import type { Installation } from './jars.ts';
import { CLUSTER_ID } from './server-config.ts';

const HEAP = '-Xms96m -Xmx256m -Xss512k -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=64m';

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
  await promisify(execFile)(installation.java, [...options(dir), ...sharing(installation.archive), ...main]);
}

/** Runs Kafka in `dir` (removed with us when `temporary`) until it says that it started. Throws as runServer does. */
export async function runKafka(
  installation: Installation,
  dir: string,
  { temporary, log }: { temporary: boolean; log: (line: string) => void },
): Promise<ServerProcess> {
  const written = join(dir, 'classes.jsa');
  const classes = sharing(installation.archive, written);
  const main = ['-cp', installation.classpath, 'kafka.Kafka', join(dir, 'server.properties')];
  const server = await runServer({
    name: 'The Kafka server',
    command: installation.java,
    arguments: [...options(dir), ...classes, ...main],
    ready: /Kafka Server started/,
    temporaryFolder: temporary ? dir : undefined,
    log,
  });
  return {
    ...server,
    async stop() {
      const clean = await server.stop();
      if (clean) await keepArchive(installation.archive, written);
      return clean;
    },
  };
}
