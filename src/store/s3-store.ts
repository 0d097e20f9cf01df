/**
 * S3 and its compatibles. Conditional creation is PutObject with If-None-Match: 412 and 409 both mean that the name is taken.
 *
 * Two clients share connections and credentials: one tries three times, and one tries once. An attempt that the SDK repeats after a 500 may
 * have been carried out the first time, so that a refusal of the second says nothing about the object.
 */
import { readFile } from 'node:fs/promises';
import type { AgentOptions } from 'node:http';
import type { PutObjectCommandInput, S3Client, S3ClientConfig } from '@aws-sdk/client-s3';
import { asyncLimit } from '../lib/async-limit.ts';
import { SegmentdError } from '../lib/errors.ts';
import type { BlobDriver, Failure, ListRequest, LocalFile, Page } from './blob-driver.ts';
import { ATTEMPTS, WHOLE_BYTES } from './blob-driver.ts';
import { heardStream } from './heard-stream.ts';
import { failureFrom, fieldOf, numberOf, saidBy, textOf } from './sdk-failure.ts';
import { sharedClients } from './shared-clients.ts';
import type { S3Settings } from './storage-options.ts';

type Sdk = typeof import('@aws-sdk/client-s3');
type Clients = { readonly sdk: Sdk; readonly retrying: S3Client; readonly single: S3Client };

/** As LanceDB does with an endpoint and no region: stores with an address of their own take any. */
const ANY_REGION = 'us-east-1';
const CONNECT_MS = 5_000;
/** A connection over which nothing has come for so long is given up. The SDK itself waits for ever. */
const SILENCE_MS = 30_000;
/** A commit sends a few requests at a time, and a status of a hundred tables a few for each of several. */
const CONNECTIONS = 128;

/** The most parts that S3 takes are 10,000: files of more than 156 GiB have larger ones. */
const PART_BYTES = 16 * 1024 * 1024;
const MOST_PARTS = 10_000;
/** Parts of one file on their way at a time, each in memory. */
const PARTS_AT_ONCE = 4;
/** A file is sent from memory, as a stream cannot be sent again. The large ones take turns, so that this holds 128 MiB at most. */
const SMALL_BYTES = 8 * 1024 * 1024;
const largeUploads = asyncLimit(2);

const clientsOf = sharedClients<S3Settings, Clients>(async (settings) => {
  const sdk = await import('@aws-sdk/client-s3');
  const given = clientConfig(settings);
  const config = { ...given, region: given.region ?? (await foundRegion(sdk)) };
  const retrying = new sdk.S3Client({ ...config, maxAttempts: ATTEMPTS });
  const { requestHandler, credentials } = retrying.config;
  const single = new sdk.S3Client({ ...config, requestHandler, credentials, maxAttempts: 1 });
  return { sdk, retrying, single };
});

/**
 * The region of the environment or the profile. Without one LanceDB asks where the bucket lies; this begins anywhere, and S3 says where to go
 * instead.
 */
async function foundRegion({ S3Client }: Sdk): Promise<string> {
  try {
    return await new S3Client({}).config.region();
  } catch {
    return ANY_REGION;
  }
}

function clientConfig(settings: S3Settings): S3ClientConfig {
  const { accessKeyId, secretAccessKey, sessionToken, endpoint } = settings;
  const region = settings.region ?? (endpoint === undefined ? undefined : ANY_REGION);
  const isHostStyle = endpoint === undefined || settings.virtualHostedStyle === true;
  return {
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint }),
    forcePathStyle: !isHostStyle,
    followRegionRedirects: endpoint === undefined,
    ...(accessKeyId !== undefined && secretAccessKey !== undefined
      ? { credentials: { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) } }
      : {}),
    ...(settings.skipSignature === true ? { signer: { sign: async (request) => request } } : {}),
    // Compatibles know neither the trailers nor the checksums that the SDK would send and expect.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // Asking before sending is a round more for each manifest of 2 MB.
    expectContinueHeader: false,
    requestHandler: handlerOptions(settings),
  };
}

function handlerOptions({ connectTimeoutMs, timeoutMs, proxyUrl }: S3Settings) {
  const agent: AgentOptions = { keepAlive: true, maxSockets: CONNECTIONS, ...proxyOptions(proxyUrl) };
  return {
    httpAgent: agent,
    httpsAgent: agent,
    connectionTimeout: connectTimeoutMs ?? CONNECT_MS,
    socketTimeout: SILENCE_MS,
    ...(timeoutMs === undefined ? {} : { requestTimeout: timeoutMs, throwOnRequestTimeout: true }),
    logger: SILENT,
  };
}

const quiet = () => undefined;
/** The SDK would write to the console. */
const SILENT = { debug: quiet, info: quiet, warn: quiet, error: quiet };

/** Node versions whose agents know of proxies: older ones would go around it without a word. */
const PROXY_NODES = [
  [22, 21],
  [24, 5],
] as const;

function proxyOptions(proxyUrl: string | undefined): AgentOptions {
  if (proxyUrl === undefined) return {};
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const known = PROXY_NODES.some(([from, since]) => major === from && minor >= since) || major > 24;
  if (!known) throw new SegmentdError('config_invalid', 'the storage option proxy_url needs Node 22.21, 24.5 or newer');
  return { proxyEnv: { HTTP_PROXY: proxyUrl, HTTPS_PROXY: proxyUrl } };
}

/** The tag is the ETag as it is known everywhere but in headers and listings: without quotes. */
const tagOf = (etag: string | undefined): string => (etag ?? '').replaceAll('"', '');

type Encryption = Pick<PutObjectCommandInput, 'ServerSideEncryption' | 'SSEKMSKeyId' | 'BucketKeyEnabled'>;

/** What every request that stores something has to say. */
function encryption({ serverSideEncryption, sseKmsKeyId, bucketKeyEnabled }: S3Settings): Encryption {
  return {
    ...(serverSideEncryption === undefined
      ? {}
      : { ServerSideEncryption: serverSideEncryption as NonNullable<PutObjectCommandInput['ServerSideEncryption']> }),
    ...(sseKmsKeyId === undefined ? {} : { SSEKMSKeyId: sseKmsKeyId }),
    ...(bucketKeyEnabled === undefined ? {} : { BucketKeyEnabled: bucketKeyEnabled }),
  };
}

const payer = ({ requestPayer }: S3Settings): { RequestPayer?: 'requester' } =>
  requestPayer === true ? { RequestPayer: 'requester' } : {};

/**
 * The driver of one bucket; no I/O until the first request. `settings` is asked for each request, as secrets may have been renewed. Files
 * of more than `wholeBytes` go up in parts of `partBytes`, of which S3 takes none below 5 MiB.
 */
export function s3Driver(
  bucket: string,
  settings: () => S3Settings,
  { wholeBytes = WHOLE_BYTES, partBytes = PART_BYTES } = {},
): BlobDriver {
  const connect = async () => {
    const current = settings();
    return { ...(await clientsOf(current)), at: { Bucket: bucket, ...payer(current) }, store: encryption(current) };
  };
  return {
    kind: 's3',
    async list(request, signal) {
      const { sdk, retrying, at } = await connect();
      return listPage(sdk, retrying, { ...at, ...listInput(request) }, signal);
    },
    async head(key, abortSignal) {
      const { sdk, retrying, at } = await connect();
      const command = new sdk.HeadObjectCommand({ ...at, Key: key });
      const { ContentLength = 0, ETag } = await retrying.send(command, { abortSignal });
      return { bytes: ContentLength, tag: tagOf(ETag) };
    },
    async get(key, abortSignal) {
      const { sdk, retrying, at } = await connect();
      const { Body, ETag } = await retrying.send(new sdk.GetObjectCommand({ ...at, Key: key }), { abortSignal });
      return { content: (await Body?.transformToByteArray()) ?? new Uint8Array(), tag: tagOf(ETag) };
    },
    async create(key, content, abortSignal) {
      const { sdk, single, at, store } = await connect();
      const command = new sdk.PutObjectCommand({ ...at, ...store, Key: key, Body: content, IfNoneMatch: '*' });
      return tagOf((await single.send(command, { abortSignal })).ETag);
    },
    async put(key, content, abortSignal) {
      const { sdk, retrying, at, store } = await connect();
      await retrying.send(new sdk.PutObjectCommand({ ...at, ...store, Key: key, Body: content }), { abortSignal });
    },
    async upload(file, key, signal) {
      const clients = await connect();
      const target = { ...clients.at, ...clients.store, Key: key };
      const send = () =>
        file.bytes > wholeBytes
          ? uploadInParts(clients.retrying, file, target, partBytes, signal)
          : uploadWhole(clients, file, target, signal);
      await (file.bytes > SMALL_BYTES ? largeUploads.run(send, signal) : send());
    },
    async remove(keys, signal) {
      const { sdk, retrying, at } = await connect();
      await removeAll(sdk, retrying, at, keys, signal);
    },
    failureOf: (error) => failureOf(error, bucket),
  };
}

function listInput({ prefix, oneLevel, limit, from }: ListRequest) {
  return {
    Prefix: prefix,
    ...(oneLevel ? { Delimiter: '/' } : {}),
    ...(limit === undefined ? {} : { MaxKeys: limit }),
    ...(from === undefined ? {} : { ContinuationToken: from }),
  };
}

async function listPage(
  sdk: Sdk,
  client: S3Client,
  input: { readonly Bucket: string },
  abortSignal: AbortSignal,
): Promise<Page> {
  const { Contents, CommonPrefixes, IsTruncated, NextContinuationToken } = await client.send(
    new sdk.ListObjectsV2Command(input),
    { abortSignal },
  );
  return {
    objects: (Contents ?? []).map(({ Key = '', Size = 0, ETag, LastModified }) => ({
      key: Key,
      stat: { bytes: Size, tag: tagOf(ETag) },
      modifiedMs: LastModified?.getTime() ?? Number.POSITIVE_INFINITY,
    })),
    folders: (CommonPrefixes ?? []).map(({ Prefix = '' }) => Prefix.replace(/\/$/, '')),
    next: IsTruncated === true ? NextContinuationToken : undefined,
  };
}

type Target = { readonly Bucket: string; readonly Key: string };

async function uploadWhole(
  { sdk, retrying }: Clients,
  file: LocalFile,
  target: Target,
  abortSignal: AbortSignal,
): Promise<void> {
  const command = new sdk.PutObjectCommand({ ...target, Body: await readFile(file.path) });
  await retrying.send(command, { abortSignal });
}

async function uploadInParts(
  client: S3Client,
  file: LocalFile,
  target: Target,
  partBytes: number,
  signal: AbortSignal,
): Promise<void> {
  const { Upload } = await import('@aws-sdk/lib-storage');
  const Body = heardStream(file.path);
  const upload = new Upload({
    client,
    params: { ...target, Body },
    partSize: Math.max(partBytes, Math.ceil(file.bytes / MOST_PARTS)),
    queueSize: PARTS_AT_ONCE,
    leavePartsOnError: false,
  });
  const abort = () => void upload.abort();
  signal.addEventListener('abort', abort, { once: true });
  try {
    await upload.done();
  } finally {
    signal.removeEventListener('abort', abort);
    Body.destroy();
  }
}

async function removeAll(
  sdk: Sdk,
  client: S3Client,
  at: { readonly Bucket: string },
  keys: readonly string[],
  abortSignal: AbortSignal,
): Promise<void> {
  const [first, ...others] = keys;
  if (first === undefined) return;
  if (others.length === 0) {
    await client.send(new sdk.DeleteObjectCommand({ ...at, Key: first }), { abortSignal });
    return;
  }
  const Delete = { Quiet: true, Objects: keys.map((Key) => ({ Key })) };
  const { Errors } = await client.send(new sdk.DeleteObjectsCommand({ ...at, Delete }), { abortSignal });
  const failed = Errors?.find(({ Code }) => Code !== 'NoSuchKey');
  if (failed) throw new KeyError(failed.Code ?? 'Unknown', failed.Message ?? 'the object was not removed');
}

/** Of one key among several that were to be removed: the request itself has succeeded. */
class KeyError extends Error {
  override readonly name: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = code;
  }
}

/** Codes that a removal of several objects tells without a status. */
const STATUS_OF_CODE: Readonly<Record<string, number>> = { AccessDenied: 403, SlowDown: 503 };

function failureOf(error: unknown, bucket: string): Failure {
  const metadata = fieldOf(error, '$metadata');
  // The name is the code of S3, but for errors of connections.
  const name = textOf(error, 'name') ?? 'Error';
  const code = name === 'Error' || name === 'AggregateError' ? (textOf(error, 'code') ?? name) : name;
  const status = numberOf(metadata, 'httpStatusCode') ?? STATUS_OF_CODE[code];
  const failure = failureFrom({ code, status, message: saidBy(error) }, bucket);
  const wasRepeated = (numberOf(metadata, 'attempts') ?? 1) > 1;
  return failure.kind === 'denied' && wasRepeated ? { ...failure, kind: 'failed' } : failure;
}
