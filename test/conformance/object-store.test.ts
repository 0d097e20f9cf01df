import { ListMultipartUploadsCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe } from 'vitest';
import { azureDriver } from '../../src/store/azure-store.ts';
import { gcsDriver } from '../../src/store/gcs-store.ts';
import { localStore } from '../../src/store/local-store.ts';
import { s3Driver } from '../../src/store/s3-store.ts';
import { azureSettings, gcsSettings, s3Settings } from '../../src/store/storage-options.ts';
import { LONG } from '../../testing/long.ts';
import { startAzurite } from '../../testing/stores/azurite.ts';
import { startGcsServer } from '../../testing/stores/gcs-server.ts';
import { hasGo } from '../../testing/stores/go-tool.ts';
import { startS3Server } from '../../testing/stores/s3-server.ts';
import { tempDir } from '../../testing/temp-dir.ts';
import type { Backend } from './remote-suite.ts';
import { openRemote, remoteSuite, rootIn, secretSuite } from './remote-suite.ts';
import { storeSuite } from './store-suite.ts';

/** The first start on a machine downloads or builds the server. */
const START_MS = 600_000;
const BUCKET = 'bucket';

describe('the local file system', () => {
  storeSuite(async () => localStore(await tempDir()), 'of writings');
});

/** Runs both suites over a store, whose server runs meanwhile. */
function remote(
  name: string,
  tags: 'of writings' | 'of contents',
  start: () => Promise<Backend>,
  more?: (backend: () => Backend) => void,
): void {
  describe(name, () => {
    let started: Backend | undefined;
    beforeAll(async () => {
      started = await start();
    }, START_MS);
    afterAll(() => started?.server.stop());
    const backend = () => {
      if (started === undefined) throw new Error(`${name} does not run`);
      return started;
    };
    storeSuite(async () => openRemote(rootIn(backend()), backend().server.storageOptions), tags);
    remoteSuite(backend);
    more?.(backend);
  });
}

async function startS3(): Promise<Backend> {
  const server = await startS3Server();
  await server.makeBucket(BUCKET);
  const { endpoint, region, accessKeyId, secretAccessKey } = server;
  const client = new S3Client({
    endpoint,
    region,
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
  });
  return {
    kind: 's3',
    server,
    bucket: BUCKET,
    driver: (bucket, options, limits) => s3Driver(bucket, () => s3Settings(options, {}), limits),
    isPart: ({ query }) => query.includes('partNumber='),
    async partsLeft() {
      const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: BUCKET }));
      return Uploads.length;
    },
  };
}

async function startAzure(): Promise<Backend> {
  const server = await startAzurite();
  await server.makeContainer(BUCKET);
  return {
    kind: 'az',
    server,
    bucket: BUCKET,
    driver: (bucket, options, limits) => azureDriver(bucket, () => azureSettings(options, {}), limits),
    isPart: ({ query }) => /comp=block(&|$)/.test(query),
  };
}

async function startGcs(): Promise<Backend> {
  const server = await startGcsServer();
  await server.makeBucket(BUCKET);
  return {
    kind: 'gs',
    server,
    bucket: BUCKET,
    driver: (bucket, options, limits) => gcsDriver(bucket, () => gcsSettings(options, {}), limits),
    isPart: ({ query, method }) => query.includes('uploadType=resumable') && method === 'PUT',
  };
}

remote('S3', 'of contents', startS3, (backend) => secretSuite(backend, { secret_access_key: 'wrong' }));
// A download of 360 MB, and a build of some minutes where nothing is cached.
if (LONG)
  remote('Azure Blob Storage', 'of writings', startAzure, (backend) =>
    secretSuite(backend, { account_key: 'd3Jvbmc=' }),
  );
// The emulator lets anybody in.
if (LONG && hasGo()) remote('Google Cloud Storage', 'of writings', startGcs);
