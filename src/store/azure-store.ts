/**
 * Azure Blob Storage. Conditional creation is Put Blob with If-None-Match: 409 BlobAlreadyExists and 412 both mean that the name is taken.
 * Two clients share connections and credentials, one with and one without retries.
 */
import type { TokenCredential } from '@azure/identity';
import type {
  BlobItem,
  BlobPrefix,
  BlobServiceClient,
  ContainerClient,
  StorageSharedKeyCredential,
} from '@azure/storage-blob';
import { asyncLimit } from '../lib/async-limit.ts';
import { SegmentdError } from '../lib/errors.ts';
import type { BlobDriver, Failure, ListRequest, Page } from './blob-driver.ts';
import { ATTEMPTS, WHOLE_BYTES } from './blob-driver.ts';
import { heardStream } from './heard-stream.ts';
import { failureFrom, fieldOf, numberOf, saidBy, textOf } from './sdk-failure.ts';
import { sharedClients } from './shared-clients.ts';
import type { AzureSettings } from './storage-options.ts';

type Sdk = typeof import('@azure/storage-blob');
type Clients = { readonly retrying: BlobServiceClient; readonly single: BlobServiceClient };

/** Azure's SDK would wait four seconds before a second attempt. */
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 8_000;
/** Of one file: so many are held in memory. */
const PARTS_AT_ONCE = 4;
const PART_BYTES = 16 * 1024 * 1024;
/** Batches would be another API, with other errors and rights. */
const REMOVED_AT_ONCE = 16;

const clientsOf = sharedClients<AzureSettings, Clients>(async (settings) => {
  const sdk = await import('@azure/storage-blob');
  const open = await opener(sdk, settings);
  return { retrying: open(ATTEMPTS), single: open(1) };
});

/** How to make a client that makes so many attempts. */
async function opener(sdk: Sdk, settings: AzureSettings): Promise<(maxTries: number) => BlobServiceClient> {
  const optionsOf = (maxTries: number) => ({
    retryOptions: { maxTries, retryDelayInMs: FIRST_PAUSE_MS, maxRetryDelayInMs: LONGEST_PAUSE_MS },
  });
  const credential = await credentialOf(sdk, settings);
  if (credential === 'emulator') {
    return (tries) => sdk.BlobServiceClient.fromConnectionString('UseDevelopmentStorage=true', optionsOf(tries));
  }
  const address = addressOf(settings);
  if (credential !== 'sas') return (tries) => new sdk.BlobServiceClient(address, credential, optionsOf(tries));
  const signed = `${address}?${settings.sasToken?.replace(/^\?/, '')}`;
  return (tries) => new sdk.BlobServiceClient(signed, undefined, optionsOf(tries));
}

function addressOf({ endpoint, accountName, useEmulator }: AzureSettings): string {
  if (endpoint !== undefined) return endpoint.replace(/\/+$/, '');
  if (useEmulator === true) return `http://127.0.0.1:10000/${accountName ?? 'devstoreaccount1'}`;
  return `https://${accountNameOf(accountName)}.blob.core.windows.net`;
}

function accountNameOf(accountName: string | undefined): string {
  if (accountName !== undefined) return accountName;
  throw new SegmentdError('config_invalid', 'the storage option account_name is missing');
}

type Credential = StorageSharedKeyCredential | TokenCredential | 'sas' | 'emulator';

async function credentialOf(sdk: Sdk, settings: AzureSettings): Promise<Credential> {
  const { accountName, accountKey, clientId, clientSecret, tenantId, sasToken, useEmulator } = settings;
  if (accountKey !== undefined) {
    const name = useEmulator === true ? (accountName ?? 'devstoreaccount1') : accountNameOf(accountName);
    return new sdk.StorageSharedKeyCredential(name, accountKey);
  }
  if (clientId !== undefined && clientSecret !== undefined && tenantId !== undefined) {
    const { ClientSecretCredential } = await import('@azure/identity');
    return new ClientSecretCredential(tenantId, clientId, clientSecret);
  }
  if (sasToken !== undefined) return 'sas';
  if (useEmulator === true) return 'emulator';
  const { DefaultAzureCredential } = await import('@azure/identity');
  return new DefaultAzureCredential();
}

/** The tag is the ETag as listings spell it: without quotes. It is another one for each time that a blob is written. */
const tagOf = (etag: string | undefined): string => (etag ?? '').replaceAll('"', '');

/**
 * The driver of one container; no I/O until the first request. `settings` is asked for each request, as secrets may have been renewed.
 * Files of more than `wholeBytes` go up in blocks of `partBytes`; Azure discards blocks that were never committed after a week.
 */
export function azureDriver(
  container: string,
  settings: () => AzureSettings,
  { wholeBytes = WHOLE_BYTES, partBytes = PART_BYTES } = {},
): BlobDriver {
  const containerOf = async (client: keyof Clients) =>
    (await clientsOf(settings()))[client].getContainerClient(container);
  return {
    kind: 'az',
    list: async (request, signal) => listPage(await containerOf('retrying'), request, signal),
    async head(key, abortSignal) {
      const blob = (await containerOf('retrying')).getBlobClient(key);
      const { contentLength = 0, etag } = await blob.getProperties({ abortSignal });
      return { bytes: contentLength, tag: tagOf(etag) };
    },
    async get(key, abortSignal) {
      const blob = (await containerOf('retrying')).getBlobClient(key);
      // A body that breaks off is continued, on the condition that the blob is the same.
      const { readableStreamBody, etag } = await blob.download(0, undefined, {
        abortSignal,
        maxRetryRequests: ATTEMPTS - 1,
      });
      const chunks: Uint8Array[] = [];
      for await (const chunk of readableStreamBody ?? []) chunks.push(Buffer.from(chunk));
      return { content: Buffer.concat(chunks), tag: tagOf(etag) };
    },
    async create(key, content, abortSignal) {
      const blob = (await containerOf('single')).getBlockBlobClient(key);
      const conditions = { ifNoneMatch: '*' };
      return tagOf((await blob.upload(content, content.length, { abortSignal, conditions })).etag);
    },
    async put(key, content, abortSignal) {
      const blob = (await containerOf('retrying')).getBlockBlobClient(key);
      await blob.upload(content, content.length, { abortSignal });
    },
    async upload(file, key, abortSignal) {
      const blob = (await containerOf('retrying')).getBlockBlobClient(key);
      const open = () => heardStream(file.path);
      if (file.bytes <= wholeBytes) await blob.upload(open, file.bytes, { abortSignal });
      else await blob.uploadStream(open(), partBytes, PARTS_AT_ONCE, { abortSignal });
    },
    async remove(keys, abortSignal) {
      const target = await containerOf('retrying');
      const limit = asyncLimit(REMOVED_AT_ONCE);
      const removeOne = (key: string) =>
        target.getBlobClient(key).deleteIfExists({ abortSignal, deleteSnapshots: 'include' });
      await Promise.all(keys.map((key) => limit.run(() => removeOne(key))));
    },
    failureOf: (error) => failureOf(error, container),
  };
}

/** Of a listing; only of one level it has folders. */
type Segment = { readonly blobItems: readonly BlobItem[]; readonly blobPrefixes?: readonly BlobPrefix[] };

async function listPage(client: ContainerClient, request: ListRequest, abortSignal: AbortSignal): Promise<Page> {
  const { prefix, oneLevel, limit, from } = request;
  const options = { prefix, abortSignal };
  const listing = oneLevel ? client.listBlobsByHierarchy('/', options) : client.listBlobsFlat(options);
  const paging = {
    ...(limit === undefined ? {} : { maxPageSize: limit }),
    ...(from === undefined ? {} : { continuationToken: from }),
  };
  for await (const { segment, continuationToken } of listing.byPage(paging)) {
    const { blobItems, blobPrefixes = [] }: Segment = segment;
    return {
      objects: blobItems.map(({ name, properties }) => ({
        key: name,
        stat: { bytes: properties.contentLength ?? 0, tag: tagOf(properties.etag) },
        modifiedMs: properties.lastModified.getTime(),
      })),
      folders: blobPrefixes.map(({ name }) => name.replace(/\/$/, '')),
      next: continuationToken || undefined,
    };
  }
  return { objects: [], folders: [] };
}

function failureOf(error: unknown, container: string): Failure {
  // An answer without a body, to a HEAD, has its code in a header.
  const code = textOf(error, 'code') ?? textOf(fieldOf(error, 'details'), 'errorCode') ?? textOf(error, 'name');
  const status = numberOf(error, 'statusCode');
  return failureFrom({ code: code ?? 'Error', status, message: saidBy(error) }, container);
}
