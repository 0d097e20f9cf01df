/** An emulator of Google Cloud Storage: fake-gcs-server, behind a shim that teaches it what Lance needs. */
import { runServer } from '../child-server.ts';
import { startGcsShim } from './gcs-shim.ts';
import { goCommand } from './go-tool.ts';
import type { StoreServer } from './store-server.ts';
import { startStore } from './store-server.ts';

const MODULE = 'github.com/fsouza/fake-gcs-server';
const VERSION = '1.56.1';

/** What the constructor of @google-cloud/storage is given. */
export type GcsClientSettings = {
  readonly apiEndpoint: string;
  readonly projectId: string;
  readonly useAuthWithCustomEndpoint: false;
};

export type GcsServer = StoreServer & {
  readonly clientSettings: GcsClientSettings;
  /** The same through a store proxy that listens at `endpoint`. */
  clientSettingsAt(endpoint: string): GcsClientSettings;
  /** Creates a bucket, for `gs://<name>/…`. */
  makeBucket(name: string): Promise<void>;
};

/**
 * Starts fake-gcs-server, which keeps everything in memory; it is built once, where `hasGo()`. Stop it in the end:
 *
 *     const gcs = await startGcsServer();
 *     onTestFinished(() => gcs.stop());
 *     await gcs.makeBucket('lake');
 *     const connection = await connect('gs://lake/db', { storageOptions: gcs.storageOptions });
 *
 * It knows no credentials, lists without pages in its XML API, and takes no multipart upload there: Lance can write files of a few
 * megabytes at most.
 */
export async function startGcsServer(log?: (line: string) => void): Promise<GcsServer> {
  const command = await goCommand(MODULE, VERSION);
  const { port, lifecycle } = await startStore('gcs', (port, temporaryFolder) => {
    const at = ['-scheme', 'http', '-host', '127.0.0.1', '-port', String(port), '-public-host', `127.0.0.1:${port}`];
    return runServer({
      name: 'fake-gcs-server',
      command,
      arguments: [...at, '-backend', 'memory'],
      ready: /server started/,
      temporaryFolder,
      log,
    });
  });
  const shim = await startGcsShim(`http://127.0.0.1:${port}`);
  const storageOptionsAt = (base_url: string): Record<string, string> => ({
    base_url,
    // Any will do.
    bearer_token: 'segmentd-test-token',
    allow_http: 'true',
  });
  const clientSettingsAt = (apiEndpoint: string): GcsClientSettings => ({
    apiEndpoint,
    projectId: 'segmentd-test',
    useAuthWithCustomEndpoint: false,
  });
  return {
    ...lifecycle,
    async stop() {
      await shim.stop();
      await lifecycle.stop();
    },
    endpoint: shim.url,
    storageOptions: storageOptionsAt(shim.url),
    storageOptionsAt,
    clientSettings: clientSettingsAt(shim.url),
    clientSettingsAt,
    async makeBucket(name) {
      const headers = { 'content-type': 'application/json' };
      const body = JSON.stringify({ name });
      const response = await fetch(`${shim.url}/storage/v1/b?project=segmentd-test`, { method: 'POST', headers, body });
      if (!response.ok) throw new Error(`No bucket ${name}: ${response.status} ${await response.text()}`);
    },
  };
}
