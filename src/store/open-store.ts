/** Maps a URI to its store; no other file does. */
import { SegmentdError } from '../lib/errors.ts';
import { isStoreUri, normalStoreUri, schemeOf, shownUri, storeUriProblem } from '../lib/store-uri.ts';
import { withoutValues } from '../lib/without-values.ts';
import { azureDriver } from './azure-store.ts';
import type { BlobDriver } from './blob-driver.ts';
import { gcsDriver } from './gcs-store.ts';
import { checkLocalAccess, localStore, realFolder } from './local-store.ts';
import type { ObjectStore, StoreKind } from './object-store.ts';
import { isRemote, remoteStore } from './remote-store.ts';
import { s3Driver } from './s3-store.ts';
import {
  azureSettings,
  engineStorageOptions,
  gcsSettings,
  resolveStorageOptions,
  s3Settings,
} from './storage-options.ts';
import type { OnRequest } from './store-request.ts';

/** LanceDB's storage options, as they were configured: `<name>_file` names a file that holds the value. */
export type StorageOptions = Readonly<Record<string, string>>;

/** A database or table, and how to get in. */
export type StorePlace = { readonly uri: string; readonly storageOptions?: StorageOptions };

/**
 * The store of what lies below `uri`, an absolute folder or the URI of an object store; no I/O. `onRequest` is told of each request.
 * Errors: usage for the URI of a store that segmentd does not serve.
 */
export function openStore(uri: string, storageOptions: StorageOptions = {}, onRequest?: OnRequest): ObjectStore {
  const kind = storeKind(uri);
  if (kind === 'local') return localStore(uri);
  const problem = storeUriProblem(uri);
  if (problem !== undefined) throw new SegmentdError('usage', `${shownUri(uri)} ${problem}`);
  return remoteStore(normalStoreUri(uri), {
    kind,
    openBucket: (bucket) => openBucket(kind, bucket, storageOptions),
    engineOptions: (root) => engineStorageOptions(root, storageOptions),
    identity: JSON.stringify(storageOptions),
    onRequest,
  });
}

/** A driver whose errors tell no value of an option: SDKs quote what they were given. */
function openBucket(kind: BlobDriver['kind'], bucket: string, storageOptions: StorageOptions): BlobDriver {
  const driver = driverOf(kind, bucket, storageOptions);
  return {
    ...driver,
    failureOf(error) {
      const failure = driver.failureOf(error);
      return { ...failure, message: withoutValues(failure.message, valuesOf(storageOptions)) };
    },
  };
}

/** As far as they can be read. */
function valuesOf(storageOptions: StorageOptions): string[] {
  try {
    return Object.values(resolveStorageOptions(storageOptions));
  } catch {
    return Object.values(storageOptions);
  }
}

function driverOf(kind: BlobDriver['kind'], bucket: string, storageOptions: StorageOptions): BlobDriver {
  const resolved = () => resolveStorageOptions(storageOptions);
  if (kind === 's3') return s3Driver(bucket, () => s3Settings(resolved(), process.env));
  if (kind === 'gs') return gcsDriver(bucket, () => gcsSettings(resolved(), process.env));
  return azureDriver(bucket, () => azureSettings(resolved(), process.env));
}

/** Opens what lies in one of these databases with the options of that database, and anything else without options. */
export function storesIn(databases: Iterable<StorePlace>, onRequest?: OnRequest): (uri: string) => ObjectStore {
  const places = [...databases];
  return (uri) => {
    const place = places.find(({ uri: base }) => uri === base || uri.startsWith(`${base}/`));
    return openStore(uri, place?.storageOptions, onRequest);
  };
}

/**
 * Says whether this process may read and write in a store and in those `folders` of it. In an object store there are no folders to look
 * at: the first level is listed, and one that nobody else looks at is created and removed. Errors: store_denied, store_unavailable,
 * store_unfit.
 */
export async function checkAccess(store: ObjectStore, folders: readonly string[]): Promise<void> {
  if (!isRemote(store)) return checkLocalAccess(store.root, folders);
  await store.folders('');
  await store.proveCondition();
}

/** The one name of what lies below `uri`, where links make for several. */
export async function realLocation(uri: string): Promise<string> {
  return storeKind(uri) === 'local' ? realFolder(uri) : uri;
}

/** The kind of store that holds what lies below `uri`. */
export function storeKind(uri: string): StoreKind {
  return isStoreUri(uri) ? schemeOf(uri) : 'local';
}
