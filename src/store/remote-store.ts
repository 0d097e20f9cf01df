/** An object store as an ObjectStore, over the driver of its kind. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, SegmentdError } from '../lib/errors.ts';
import { settleAll } from '../lib/settle-all.ts';
import { normalStoreUri, schemeOf, storeUriProblem } from '../lib/store-uri.ts';
import type { BlobDriver, Failure, Page } from './blob-driver.ts';
import { MOST_REMOVED } from './blob-driver.ts';
import type { BucketRequests } from './bucket-requests.ts';
import { bucketRequests, requestError } from './bucket-requests.ts';
import { proveCondition } from './condition-probe.ts';
import type { ListedObject, ObjectStore, PutResult, SurveyedObject } from './object-store.ts';
import type { OnRequest } from './store-request.ts';

/** How to get at the buckets of one kind of store with one set of options. */
export type Access = {
  readonly kind: BlobDriver['kind'];
  openBucket(bucket: string): BlobDriver;
  /** For the engine, to get at what lies below `root`. */
  engineOptions(root: string): Readonly<Record<string, string>>;
  /** Tells sets of options apart: a place may be reached in several ways. */
  readonly identity: string;
  readonly onRequest?: OnRequest | undefined;
};

export type RemoteStore = ObjectStore & {
  /** Proves that the database can be committed to, once for each. Errors: store_unfit, store_denied, store_unavailable. */
  proveCondition(): Promise<void>;
};

/** Whether a store was made here: no other is remote. */
export const isRemote = (store: ObjectStore): store is RemoteStore => store.remote;

/** Bytes of the longest key that any of the stores takes. */
const MOST_KEY_BYTES = 1_024;

const isTooLong = (key: string) => Buffer.byteLength(key) > MOST_KEY_BYTES;

/** The store of what lies below `root`, a URI that storeUriProblem finds fine, without a slash at its end; no I/O. */
export function remoteStore(root: string, access: Access): RemoteStore {
  const { bucket, prefix } = placeOf(root);
  const requests = bucketRequests(access.openBucket(bucket), bucket, access.onRequest);
  const at = (key: string) => `${prefix}${key}`;
  const below = (folder: string) => (folder === '' ? prefix : at(`${folder}/`));
  const shown = (key: string) => `${root}/${key}`;
  const prove = () => proveDatabase(root, requests, access.identity);
  return {
    kind: access.kind,
    root,
    remote: true,
    listsInOrder: true,
    engineOptions: () => access.engineOptions(root),
    proveCondition: prove,
    readableAt: (location) => {
      const isFit = storeUriProblem(location) === undefined && schemeOf(location) === access.kind;
      return isFit ? remoteStore(normalStoreUri(location), access) : null;
    },
    list: (folder, limit) => listObjects(requests, below(folder), shown(folder), limit),
    folders: (folder) => listFolders(requests, below(folder), shown(folder)),
    survey: (folder) => surveyObjects(requests, below(folder), shown(folder)),
    stat: (key) =>
      findObject(at(key), (whole) =>
        requests.find(`stat ${shown(key)}`, { operation: 'head', run: (driver, signal) => driver.head(whole, signal) }),
      ),
    read: (key) =>
      findObject(at(key), (whole) =>
        requests.find(`read ${shown(key)}`, { operation: 'get', run: (driver, signal) => driver.get(whole, signal) }),
      ),
    async putIfAbsent(key, parts, after) {
      // Rejections are seen below, whichever comes first.
      after?.catch(() => undefined);
      const proof = prove();
      proof.catch(() => undefined);
      const content = Buffer.concat(parts);
      await after;
      await proof;
      return create(requests, at(key), content, shown(key));
    },
    put: (key, content) =>
      requests.must(`write ${shown(key)}`, {
        operation: 'put',
        bytes: content.length,
        run: (driver, signal) => driver.put(at(key), content, signal),
      }),
    importFolder: async (localFolder, folder, names) => {
      const files = names.map((name) => ({ path: join(localFolder, name), key: `${folder}/${name}` }));
      await settleAll(files.map(({ path, key }) => upload(requests, path, at(key), shown(key))));
    },
    // What was put is durable.
    sync: async () => undefined,
    remove: (key) => removeObjects(requests, [at(key)], shown(key)),
    removeFolder: (folder) => removeBelow(requests, below(folder), shown(folder)),
  };
}

function placeOf(root: string): { bucket: string; prefix: string } {
  const [bucket = '', ...folders] = root.slice(root.indexOf('://') + '://'.length).split('/');
  return { bucket, prefix: folders.map((folder) => `${folder}/`).join('') };
}

/** The folder above a table; anything else is taken for a database. */
const databaseOf = (root: string) => root.replace(/\/[^/]+\.lance$/, '');

function proveDatabase(root: string, requests: BucketRequests, identity: string): Promise<void> {
  const database = databaseOf(root);
  const { prefix } = placeOf(database);
  return proveCondition(JSON.stringify([database, identity]), {
    root: database,
    create: async (name, content) =>
      (await create(requests, `${prefix}${name}`, content, `${database}/${name}`)).outcome,
    remove: (name) => removeObjects(requests, [`${prefix}${name}`], `${database}/${name}`),
  });
}

/** Creates with one attempt. Errors: after store_denied and store_unfit nothing was created; after store_unavailable that is not known. */
async function create(requests: BucketRequests, key: string, content: Uint8Array, shown: string): Promise<PutResult> {
  const answer = await requests.ask({
    operation: 'create',
    bytes: content.length,
    run: (driver, signal) => driver.create(key, content, signal),
  });
  if (answer.kind === 'ok') return { outcome: 'created', tag: answer.value };
  if (answer.kind === 'taken') return { outcome: 'exists' };
  throw answer.kind === 'unfit' ? unfit(answer, shown) : requestError(answer, `create ${shown}`);
}

const unfit = ({ message }: Failure, shown: string) =>
  new SegmentdError('store_unfit', `${shown}: the store cannot create an object only if it is not there: ${message}`);

/** A name longer than any can be leads nowhere. */
async function findObject<T>(key: string, find: (key: string) => Promise<T | null>): Promise<T | null> {
  return isTooLong(key) ? null : find(key);
}

/** Pages of a listing, as far as they are taken. */
async function* pagesOf(
  requests: BucketRequests,
  listing: { readonly prefix: string; readonly oneLevel: boolean; readonly limit?: number | undefined },
  shown: string,
): AsyncGenerator<Page> {
  if (isTooLong(listing.prefix)) return;
  let from: string | undefined;
  do {
    const request = { ...listing, from };
    const run = (driver: BlobDriver, signal: AbortSignal) => driver.list(request, signal);
    const page = await requests.must(`list ${shown}`, { operation: 'list', run });
    yield page;
    from = page.next;
  } while (from !== undefined);
}

async function listObjects(
  requests: BucketRequests,
  prefix: string,
  shown: string,
  limit?: number,
): Promise<ListedObject[]> {
  const listed: ListedObject[] = [];
  for await (const { objects } of pagesOf(requests, { prefix, oneLevel: true, limit }, shown)) {
    for (const { key, stat } of objects) {
      // Consoles mark a folder with an object that has its name and nothing after the slash.
      if (key !== prefix) listed.push({ name: key.slice(prefix.length), stat });
    }
    if (limit !== undefined && listed.length >= limit) return listed.slice(0, limit);
  }
  return listed;
}

async function surveyObjects(requests: BucketRequests, prefix: string, shown: string): Promise<SurveyedObject[]> {
  const found: SurveyedObject[] = [];
  for await (const { objects } of pagesOf(requests, { prefix, oneLevel: false }, shown)) {
    for (const { key, stat, modifiedMs } of objects) {
      const name = key.slice(prefix.length);
      // Consoles mark folders with objects whose names end in a slash.
      if (name !== '' && !name.endsWith('/')) found.push({ name, bytes: stat.bytes, modifiedMs });
    }
  }
  return found;
}

async function listFolders(requests: BucketRequests, prefix: string, shown: string): Promise<string[] | null> {
  // A set: where one page ends with a folder, the next may begin with it.
  const names = new Set<string>();
  let isThere = false;
  for await (const { objects, folders } of pagesOf(requests, { prefix, oneLevel: true }, shown)) {
    isThere ||= objects.length > 0 || folders.length > 0;
    for (const folder of folders) names.add(folder.slice(prefix.length));
  }
  return isThere ? [...names] : null;
}

async function upload(requests: BucketRequests, path: string, key: string, shown: string): Promise<void> {
  const action = `upload ${path} to ${shown}`;
  const { size } = await stat(path).catch((error: unknown) => {
    throw new SegmentdError('store_unavailable', `cannot ${action}: ${messageOf(error)}`, { cause: error });
  });
  const file = { path, bytes: size };
  await requests.must(action, {
    operation: 'put',
    bytes: size,
    run: (driver, signal) => driver.upload(file, key, signal),
  });
}

function removeObjects(requests: BucketRequests, keys: readonly string[], shown: string): Promise<void> {
  return requests.must(`remove ${shown}`, {
    operation: 'delete',
    run: (driver, signal) => driver.remove(keys, signal),
  });
}

async function removeBelow(requests: BucketRequests, prefix: string, shown: string): Promise<void> {
  for await (const { objects } of pagesOf(requests, { prefix, oneLevel: false, limit: MOST_REMOVED }, shown)) {
    // What marks a folder comes first, and goes last: a store that lies on a disk does not remove a folder that has something in it.
    const keys = objects.map(({ key }) => key).reverse();
    if (keys.length > 0) await removeObjects(requests, keys, shown);
  }
}
