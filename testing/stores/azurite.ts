/** Microsoft's emulator of Azure Blob Storage. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cachedFolder } from '../cached-folder.ts';
import { runServer } from '../child-server.ts';
import type { StoreServer } from './store-server.ts';
import { startStore } from './store-server.ts';

/** Not a dependency of this package: it takes 360 MB. */
const VERSION = '3.37.0';
/** The account that every Azurite has, with the key that Microsoft published for it. */
const ACCOUNT_NAME = 'devstoreaccount1';
const ACCOUNT_KEY = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

export type Azurite = StoreServer & {
  readonly accountName: string;
  readonly accountKey: string;
  /** Creates a container, for `az://<name>/…`. */
  makeContainer(name: string): Promise<void>;
};

/**
 * Starts Azurite, installing it once; it keeps everything in memory. Stop it in the end:
 *
 *     const azurite = await startAzurite();
 *     onTestFinished(() => azurite.stop());
 *     await azurite.makeContainer('lake');
 *     const connection = await connect('az://lake/db', { storageOptions: azurite.storageOptions });
 *
 * It answers 409 to those who lose a race of `If-None-Match: *`, and closes idle connections after five seconds.
 */
export async function startAzurite(log?: (line: string) => void): Promise<Azurite> {
  const home = await cachedFolder(`azurite-${VERSION}`, install);
  const main = join(home, 'node_modules', 'azurite', 'dist', 'src', 'blob', 'main.js');
  const flags = ['--inMemoryPersistence', '--silent', '--skipApiVersionCheck', '--disableTelemetry'];
  const { port, lifecycle } = await startStore('azurite', (port, temporaryFolder) =>
    runServer({
      name: 'Azurite',
      command: process.execPath,
      arguments: [main, '--blobHost', '127.0.0.1', '--blobPort', String(port), ...flags],
      ready: /successfully listens/,
      temporaryFolder,
      log,
    }),
  );
  const endpoint = `http://127.0.0.1:${port}`;
  const storageOptionsAt = (at: string): Record<string, string> => ({
    account_name: ACCOUNT_NAME,
    account_key: ACCOUNT_KEY,
    azure_storage_endpoint: `${at}/${ACCOUNT_NAME}`,
    allow_http: 'true',
  });
  return {
    ...lifecycle,
    endpoint,
    accountName: ACCOUNT_NAME,
    accountKey: ACCOUNT_KEY,
    storageOptions: storageOptionsAt(endpoint),
    storageOptionsAt,
    async makeContainer(name) {
      const { BlobServiceClient, StorageSharedKeyCredential } = await import('@azure/storage-blob');
      const credential = new StorageSharedKeyCredential(ACCOUNT_NAME, ACCOUNT_KEY);
      await new BlobServiceClient(`${endpoint}/${ACCOUNT_NAME}`, credential).createContainer(name);
    },
  };
}

async function install(aside: string): Promise<void> {
  const quiet = ['--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  await promisify(execFile)('npm', ['install', '--prefix', aside, ...quiet, `azurite@${VERSION}`]);
}
