/** A real S3 server: s3proxy, which needs nothing that the Kafka broker does not need. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cachedFolder } from '../cached-folder.ts';
import type { ServerProcess } from '../child-server.ts';
import { runServer } from '../child-server.ts';
import type { Java } from '../java.ts';
import { archiveIn, findJava, keepArchive, NoJavaError, runMaven, sharing } from '../java.ts';
import type { S3Server } from './s3-access.ts';
import { ACCESS_KEY_ID, SECRET_ACCESS_KEY, s3Server } from './s3-access.ts';
import { startStore } from './store-server.ts';

const VERSION = '4.1.0';
const ARTIFACT = `org.gaul:s3proxy:${VERSION}:jar:jar-with-dependencies`;
const JAR = `s3proxy-${VERSION}-jar-with-dependencies.jar`;
const HEAP = '-Xmx256m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC';

export type S3ServerOptions = {
  /**
   * Where objects lie: `memory` (the default), which holds 200 MB and forgets them when the server ends; or an absolute folder, for
   * more, and for what has to outlive a crash.
   */
  readonly backend?: string;
  readonly log?: (line: string) => void;
};

/**
 * Starts s3proxy, downloading it once. Stop it in the end:
 *
 *     const s3 = await startS3Server();
 *     onTestFinished(() => s3.stop());
 *     await s3.makeBucket('lake');
 *     const connection = await connect('s3://lake/db', { storageOptions: s3.storageOptions });
 *
 * It honours `If-None-Match: *`. Throws where there is no Java or Maven.
 */
export async function startS3Server(options: S3ServerOptions = {}): Promise<S3Server> {
  const { java, home } = await install().catch((error: unknown) => {
    if (!(error instanceof NoJavaError)) throw error;
    throw new Error(`No S3 server to run here: ${error.message}. Install Java 17+ and Maven.`, { cause: error });
  });
  const backend = options.backend ?? 'memory';
  if (backend !== 'memory') await mkdir(backend, { recursive: true });
  const { port, lifecycle } = await startStore('s3', async (port, folder) => {
    await writeFile(join(folder, 's3proxy.properties'), properties(port, backend));
    return run({ java, home, folder, log: options.log });
  });
  return s3Server(port, lifecycle);
}

async function install(): Promise<{ java: Java; home: string }> {
  const java = findJava();
  const home = await cachedFolder(`s3proxy-${VERSION}`, (aside) =>
    runMaven(['dependency:copy', `-Dartifact=${ARTIFACT}`, `-DoutputDirectory=${aside}`]),
  );
  return { java, home };
}

function properties(port: number, backend: string): string {
  const store =
    backend === 'memory'
      ? { 'jclouds.provider': 'transient-nio2' }
      : { 'jclouds.provider': 'filesystem-nio2', 'jclouds.filesystem.basedir': backend };
  const entries = {
    's3proxy.endpoint': `http://127.0.0.1:${port}`,
    's3proxy.authorization': 'aws-v2-or-v4',
    's3proxy.identity': ACCESS_KEY_ID,
    's3proxy.credential': SECRET_ACCESS_KEY,
    ...store,
  };
  return Object.entries(entries)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');
}

type Run = {
  readonly java: Java;
  readonly home: string;
  readonly folder: string;
  readonly log: S3ServerOptions['log'];
};

async function run({ java, home, folder, log }: Run): Promise<ServerProcess> {
  const archive = archiveIn(home, java);
  const written = join(folder, 'classes.jsa');
  const main = ['-jar', join(home, JAR), '--properties', join(folder, 's3proxy.properties')];
  const server = await runServer({
    name: 's3proxy',
    command: java.path,
    arguments: [...HEAP.split(' '), ...sharing(archive, written), ...main],
    ready: /Started \S*\.Server@/,
    temporaryFolder: folder,
    log,
  });
  return {
    ...server,
    async stop() {
      const clean = await server.stop();
      if (clean) await keepArchive(archive, written);
      return clean;
    },
  };
}
