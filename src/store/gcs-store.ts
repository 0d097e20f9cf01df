/**
 * Google Cloud Storage, through its JSON API. Conditional creation is an upload with ifGenerationMatch=0: 412 means that the name is taken.
 *
 * The tag is the generation: the one thing that listings, metadata, downloads and uploads all tell in the same spelling. It is another
 * one for each time that an object is written.
 *
 * Requests go through the SDK's authenticated client, large files through the SDK itself. Its downloads are streams that lose the error of
 * an answer after which they tried again, and an error that nobody hears ends the process; and one request of it that is not to be tried
 * again ends the retries of all others.
 */
import { readFile } from 'node:fs/promises';
import type { Storage } from '@google-cloud/storage';
import type { AuthClient } from 'google-auth-library';
import { asyncLimit } from '../lib/async-limit.ts';
import { messageOf, SegmentdError } from '../lib/errors.ts';
import type { BlobDriver, Failure, ListRequest, Page } from './blob-driver.ts';
import { ATTEMPTS, WHOLE_BYTES } from './blob-driver.ts';
import type { ObjectStat } from './object-store.ts';
import { failureFrom, fieldOf, numberOf, saidBy, textOf } from './sdk-failure.ts';
import { sharedClients } from './shared-clients.ts';
import type { GcsSettings } from './storage-options.ts';

/** What a client is made of. `key`: credentials as JSON, read anew for each request, as they may be renewed. */
type Access = { readonly bearerToken?: string; readonly key?: string; readonly baseUrl?: string };

const SCOPES = ['https://www.googleapis.com/auth/devstorage.read_write'];
/** Of the SDK's uploads: pauses that do not grow, as they are one to two seconds long as it is. */
const PAUSE_FACTOR = 1;
/** Of a resumable upload; in memory, to be sent again. */
const PART_BYTES = 16 * 1024 * 1024;
/** GCS removes one object with each request. */
const REMOVED_AT_ONCE = 16;
const CONTENT_TYPE = 'application/octet-stream';

const clientOf = sharedClients<Access, Storage>(async (access) => {
  const { IdempotencyStrategy, Storage } = await import('@google-cloud/storage');
  const authClient = await authClientOf(access);
  return new Storage({
    // With credentials also where the address is not Google's.
    ...(access.baseUrl === undefined ? {} : { apiEndpoint: access.baseUrl, useAuthWithCustomEndpoint: true }),
    ...(authClient === undefined ? {} : { authClient }),
    retryOptions: {
      autoRetry: true,
      maxRetries: ATTEMPTS - 1,
      retryDelayMultiplier: PAUSE_FACTOR,
      // Without a condition too: nobody else writes to the names that files go to.
      idempotencyStrategy: IdempotencyStrategy.RetryAlways,
    },
  });
});

async function accessOf(settings: GcsSettings): Promise<Access> {
  const { bearerToken, serviceAccountPath, serviceAccountKey, applicationCredentials, baseUrl } = settings;
  const address = baseUrl === undefined ? {} : { baseUrl };
  if (bearerToken !== undefined) return { ...address, bearerToken };
  const path = serviceAccountPath ?? (serviceAccountKey === undefined ? applicationCredentials : undefined);
  const key = path === undefined ? serviceAccountKey : await readKey(path);
  return { ...address, ...(key === undefined ? {} : { key }) };
}

function readKey(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((error: unknown) => {
    throw new SegmentdError('config_invalid', `cannot read ${path}: ${messageOf(error)}`, { cause: error });
  });
}

/** Undefined for the default chain. */
async function authClientOf({ bearerToken, key }: Access): Promise<AuthClient | undefined> {
  if (bearerToken === undefined && key === undefined) return undefined;
  const { JWT, OAuth2Client, UserRefreshClient } = await import('google-auth-library');
  if (bearerToken !== undefined) {
    const client = new OAuth2Client();
    client.setCredentials({ access_token: bearerToken });
    return client;
  }
  const parsed = parsedKey(key ?? '');
  const field = (name: string) => textOf(parsed, name) ?? '';
  switch (field('type')) {
    case 'service_account':
      return new JWT({ email: field('client_email'), key: field('private_key'), scopes: SCOPES });
    case 'authorized_user':
      return new UserRefreshClient({
        clientId: field('client_id'),
        clientSecret: field('client_secret'),
        refreshToken: field('refresh_token'),
      });
    default:
      throw new SegmentdError(
        'config_invalid',
        'the credentials for gs:// are neither of a service_account nor of an authorized_user; LanceDB reads no others',
      );
  }
}

function parsedKey(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's message quotes what it read, which is a key.
    throw new SegmentdError('config_invalid', 'the credentials for gs:// are not JSON');
  }
}

type ApiRequest = {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Below the address of the API. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  readonly attempts: number;
  readonly signal: AbortSignal;
};

type ApiAnswer = { readonly headers: Headers; readonly data: unknown };

/** Asks the JSON API. What it says is JSON, but for the content of an object, which is an ArrayBuffer. */
async function askApi(client: Storage, request: ApiRequest): Promise<ApiAnswer> {
  const { method, path, query, body, attempts, signal } = request;
  return client.authClient.request({
    method,
    url: `${client.apiEndpoint}${path}?${new URLSearchParams(query)}`,
    responseType: query.alt === 'media' ? 'arraybuffer' : 'json',
    ...(body === undefined ? {} : { body: Buffer.from(body), headers: { 'content-type': CONTENT_TYPE } }),
    signal,
    retry: attempts > 1,
    retryConfig: { retry: attempts - 1, noResponseRetries: attempts - 1, httpMethodsToRetry: [method] },
  });
}

/**
 * The driver of one bucket; no I/O until the first request. `settings` is asked for each request, as secrets may have been renewed. Files
 * of more than `wholeBytes` go up in parts of `partBytes`, multiples of 256 KiB. Nothing of them is to be seen before the last one; Google
 * discards those of an upload that does not come to its end after a week.
 */
export function gcsDriver(
  bucket: string,
  settings: () => GcsSettings,
  { wholeBytes = WHOLE_BYTES, partBytes = PART_BYTES } = {},
): BlobDriver {
  const connect = async () => clientOf(await accessOf(settings()));
  const objects = `/storage/v1/b/${bucket}/o`;
  const objectAt = (key: string) => `${objects}/${encodeURIComponent(key)}`;
  const read = async (path: string, query: Record<string, string>, signal: AbortSignal) =>
    askApi(await connect(), { method: 'GET', path, query, attempts: ATTEMPTS, signal });
  const write = async (key: string, body: Uint8Array, { attempts, query = {} }: WriteOptions, signal: AbortSignal) => {
    const path = `/upload${objects}`;
    const whole = { uploadType: 'media', name: key, fields: 'generation', ...query };
    return askApi(await connect(), { method: 'POST', path, query: whole, body, attempts, signal });
  };
  return {
    kind: 'gs',
    list: async (request, signal) => pageOf((await read(objects, listQuery(request), signal)).data as ListAnswer),
    head: async (key, signal) =>
      statOf((await read(objectAt(key), { fields: 'size,generation' }, signal)).data as Metadata),
    async get(key, signal) {
      const { data, headers } = await read(objectAt(key), { alt: 'media' }, signal);
      const tag = headers.get('x-goog-generation');
      if (tag === null) throw new Error('the answer has no x-goog-generation');
      return { content: new Uint8Array(data as ArrayBuffer), tag };
    },
    async create(key, content, signal) {
      const { data } = await write(key, content, { attempts: 1, query: { ifGenerationMatch: '0' } }, signal);
      return statOf(data as Metadata).tag;
    },
    async put(key, content, signal) {
      await write(key, content, { attempts: ATTEMPTS }, signal);
    },
    async upload(file, key) {
      const parts = file.bytes > wholeBytes ? { resumable: true, chunkSize: partBytes } : { resumable: false };
      await (await connect())
        .bucket(bucket)
        .upload(file.path, { destination: key, contentType: CONTENT_TYPE, ...parts });
    },
    async remove(keys, signal) {
      const client = await connect();
      const limit = asyncLimit(REMOVED_AT_ONCE);
      const request = { method: 'DELETE', query: {}, attempts: ATTEMPTS, signal } as const;
      const removeOne = (key: string) => askApi(client, { ...request, path: objectAt(key) }).catch(unlessMissing);
      await Promise.all(keys.map((key) => limit.run(() => removeOne(key))));
    },
    failureOf: (error) => failureOf(error, bucket),
  };
}

type WriteOptions = { readonly attempts: number; readonly query?: Readonly<Record<string, string>> };

function unlessMissing(error: unknown): void {
  if (statusOf(error) !== 404) throw error;
}

function listQuery({ prefix, oneLevel, limit, from }: ListRequest): Record<string, string> {
  return {
    prefix,
    fields: 'items(name,size,generation,updated),prefixes,nextPageToken',
    ...(oneLevel ? { delimiter: '/' } : {}),
    ...(limit === undefined ? {} : { maxResults: `${limit}` }),
    ...(from === undefined ? {} : { pageToken: from }),
  };
}

/** As the API words it: numbers of 64 bits are texts. */
type Metadata = {
  readonly name?: string;
  readonly size?: string;
  readonly generation?: string;
  readonly updated?: string;
};
type ListAnswer = {
  readonly items?: readonly Metadata[];
  readonly prefixes?: readonly string[];
  readonly nextPageToken?: string;
};

const statOf = ({ size, generation }: Metadata): ObjectStat => ({ bytes: Number(size), tag: generation ?? '' });

const pageOf = ({ items = [], prefixes = [], nextPageToken }: ListAnswer): Page => ({
  objects: items.map((item) => ({
    key: item.name ?? '',
    stat: statOf(item),
    modifiedMs: item.updated === undefined ? Number.POSITIVE_INFINITY : Date.parse(item.updated),
  })),
  folders: prefixes.map((prefix) => prefix.replace(/\/$/, '')),
  next: nextPageToken,
});

/** Of the answer; the SDK's own uploads tell it as the code of the error. */
const statusOf = (error: unknown) =>
  numberOf(fieldOf(error, 'response'), 'status') ?? numberOf(error, 'status') ?? numberOf(error, 'code');

function failureOf(error: unknown, bucket: string): Failure {
  const errors = fieldOf(error, 'errors');
  const reason = Array.isArray(errors) ? textOf(errors[0], 'reason') : undefined;
  // Whoever gives out tokens says what was wrong in another way.
  const grant = textOf(fieldOf(fieldOf(error, 'response'), 'data'), 'error');
  const code = grant ?? textOf(error, 'code') ?? reason ?? textOf(error, 'name') ?? 'Error';
  return failureFrom({ code, status: statusOf(error), message: saidBy(error) }, bucket);
}
