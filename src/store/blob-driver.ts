/**
 * What differs between object stores: one driver for each, over the store's own SDK. `remote-store.ts` makes an ObjectStore of it. Keys are
 * whole, with the prefix of the store's root. A driver says what went wrong in the words of `Failure`, and tries nothing again by itself
 * where that is asked of it.
 */
import type { ObjectStat, StoredObject, StoreKind } from './object-store.ts';

/** `modifiedMs`: when it was last written, milliseconds by the store's clock; infinite where the store does not say. */
type PagedObject = { readonly key: string; readonly stat: ObjectStat; readonly modifiedMs: number };

/** One page of a listing, in the order of keys. */
export type Page = {
  readonly objects: readonly PagedObject[];
  /** Folders, whole, without the slash at the end; only of a listing that asked for one level. */
  readonly folders: readonly string[];
  /** Where the next page begins, for `from`. */
  readonly next?: string | undefined;
};

export type ListRequest = {
  /** Whole, with a slash at its end or empty. */
  readonly prefix: string;
  /** One level with its folders, or everything below. */
  readonly oneLevel: boolean;
  /** Most objects and folders of a page; the store may give fewer. */
  readonly limit?: number | undefined;
  readonly from?: string | undefined;
};

/** A file on this machine that goes up. */
export type LocalFile = { readonly path: string; readonly bytes: number };

/** Files of more bytes than this go up in parts. */
export const WHOLE_BYTES = 64 * 1024 * 1024;

/** Objects that a driver removes with one call at most. */
export const MOST_REMOVED = 1_000;

/** How often a driver tries a request in all, but for creations: those have one attempt. */
export const ATTEMPTS = 3;

/**
 * What an error means. `missing`: no such object, or no such bucket where the store does not tell the two apart. `taken`: somebody else's
 * object is there, or is being created (412, 409). `denied`: refused; as a creation has one attempt, nothing was created. `throttled`: 503
 * SlowDown, 429. `unfit`: the store says that it does not know what was asked of it (501). `failed`: anything else, a timeout and a 500
 * included: the request may have been carried out.
 */
export type FailureKind = 'missing' | 'taken' | 'denied' | 'throttled' | 'unfit' | 'failed';

export type Failure = { readonly kind: FailureKind; readonly message: string };

/** All reject with errors of the SDK, which `failureOf` understands. Once `signal` has fired nobody waits for the answer any more. */
export interface BlobDriver {
  readonly kind: Exclude<StoreKind, 'local'>;
  list(request: ListRequest, signal: AbortSignal): Promise<Page>;
  /** Rejects for an object that is not there, like `get`: `failureOf` then says `missing`. */
  head(key: string, signal: AbortSignal): Promise<ObjectStat>;
  get(key: string, signal: AbortSignal): Promise<StoredObject>;
  /** Creates the object with one attempt, on the condition that there is none; resolves to its tag. */
  create(key: string, content: Uint8Array, signal: AbortSignal): Promise<string>;
  /** Creates or replaces it; may try again. */
  put(key: string, content: Uint8Array, signal: AbortSignal): Promise<void>;
  /**
   * Uploads a local file, a large one in parts. In every outcome but success they are taken away again, or the store does that by itself
   * after a while.
   */
  upload(file: LocalFile, key: string, signal: AbortSignal): Promise<void>;
  /** Removes objects; those that are not there are fine. */
  remove(keys: readonly string[], signal: AbortSignal): Promise<void>;
  /** What an error of one of these means. */
  failureOf(error: unknown): Failure;
}
