/** Versity's S3 gateway: a second S3 server, and one that tells Kafka of its objects. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runServer } from '../child-server.ts';
import { goCommand } from './go-tool.ts';
import type { S3Server } from './s3-access.ts';
import { ACCESS_KEY_ID, REGION, SECRET_ACCESS_KEY, s3Server } from './s3-access.ts';
import { startStore } from './store-server.ts';

const MODULE = 'github.com/versity/versitygw/cmd/versitygw';
const VERSION = '1.8.0';

export type VersitygwOptions = {
  /**
   * Where it publishes `s3:ObjectCreated` events: `url` is one `host:port`. The topic has to be there. The first record is a test event,
   * as S3 sends one: an object without `Records`.
   */
  readonly eventKafka?: { readonly url: string; readonly topic: string };
  readonly log?: (line: string) => void;
};

/**
 * Starts versitygw on a folder of its own, which outlives `kill` and `restart`; it is built once, where `hasGo()`. Used as
 * startS3Server is.
 */
export async function startVersitygw(options: VersitygwOptions = {}): Promise<S3Server> {
  const command = await goCommand(MODULE, VERSION);
  const { port, lifecycle } = await startStore('versitygw', async (port, folder) => {
    const buckets = join(folder, 'buckets');
    await mkdir(buckets, { recursive: true });
    const access = ['--access', ACCESS_KEY_ID, '--secret', SECRET_ACCESS_KEY, '--region', REGION];
    const events = await eventFlags(folder, options.eventKafka);
    return runServer({
      name: 'versitygw',
      command,
      arguments: ['--quiet', '--port', `127.0.0.1:${port}`, '--keep-alive', ...access, ...events, 'posix', buckets],
      // Its banner comes before it has bound the port.
      ready: new URL(`http://127.0.0.1:${port}/`),
      temporaryFolder: folder,
      log: options.log,
    });
  });
  return s3Server(port, lifecycle);
}

async function eventFlags(folder: string, kafka: VersitygwOptions['eventKafka']): Promise<string[]> {
  if (kafka === undefined) return [];
  const filter = join(folder, 'event-filter.json');
  await writeFile(filter, JSON.stringify({ 's3:ObjectCreated:*': true }));
  return ['--event-kafka-url', kafka.url, '--event-kafka-topic', kafka.topic, '--event-filter', filter];
}
