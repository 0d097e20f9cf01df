/**
 * The contract of a store: a flat space of keys below one root, `/` between folders. A store does not know what the objects
 * mean. The conformance suite in test/conformance runs over every implementation.
 */

/**
 * Size and identity of an object. `tag` changes when the content changes. Of an object store it is the ETag, which may be a digest: the
 * same bytes written again may keep it.
 */
export type ObjectStat = { readonly bytes: number; readonly tag: string };

/** An object with the tag of exactly this content. */
export type StoredObject = { readonly content: Uint8Array; readonly tag: string };

/** An object of a listing; `stat` where the listing tells it anyway. */
export type ListedObject = { readonly name: string; readonly stat?: ObjectStat };

/** An object of a survey: its path in the folder that was surveyed, and when it was last written, milliseconds by the store's clock. */
export type SurveyedObject = { readonly name: string; readonly bytes: number; readonly modifiedMs: number };

/**
 * - `created`: the object is there, durable, and holds exactly what was given.
 * - `exists`: an object is there, of another writer or of our own attempt whose answer was lost, or others are creating it right now
 *   (409); this call changed nothing.
 */
export type PutResult = { readonly outcome: 'created'; readonly tag: string } | { readonly outcome: 'exists' };

/** What reading needs of a store. */
export type ReadableStore = Pick<ObjectStore, 'root' | 'list' | 'stat' | 'read'>;

/** Kinds of stores; the scheme of their URIs, but for local paths. */
export type StoreKind = 'local' | 's3' | 'gs' | 'az';

/**
 * Errors are SegmentdErrors. After store_denied, store_full and store_unfit nothing was created; after store_unavailable the object
 * may or may not be there, or appear later: the caller has to read it.
 */
export interface ObjectStore {
  readonly kind: StoreKind;
  /** Where the keys live, as an absolute path or URI without a trailing slash. */
  readonly root: string;
  /** Whether each call is a request: it takes milliseconds and is paid for. Else a look costs next to nothing. */
  readonly remote: boolean;
  /** Whether a listing comes in the order of names, so that a reader finds the last version at once. */
  readonly listsInOrder: boolean;
  /** Storage options with which LanceDB's engine reaches the same place. Secrets that lie in files are read anew. */
  engineOptions(): Readonly<Record<string, string>>;
  /** Another place, given as an absolute path or a URI, to read from and nothing else; null for a place of another kind of store. */
  readableAt(location: string): ReadableStore | null;
  /**
   * Objects directly in a folder; none when it does not exist. In the order of their names where `listsInOrder`, else in no order. With
   * `limit`, no more than so many, the first ones.
   */
  list(folder: string, limit?: number): Promise<ListedObject[]>;
  /** Names of the folders directly in a folder, `''` for the root, in no order; null when it does not exist. */
  folders(folder: string): Promise<string[] | null>;
  /**
   * Every object in a folder and in all folders below it, in no order; none when it does not exist. In an object store that is a request
   * for each thousand of them, on a disk a look at each.
   */
  survey(folder: string): Promise<SurveyedObject[]>;
  stat(key: string): Promise<ObjectStat | null>;
  read(key: string): Promise<StoredObject | null>;
  /**
   * Creates the object, atomically and durably, unless there is one. `parts` are written one after the other. It appears only
   * after `after` has resolved, and not at all when that rejects; the time until then is used to get ready.
   */
  putIfAbsent(key: string, parts: readonly Uint8Array[], after?: Promise<unknown>): Promise<PutResult>;
  /** Creates or replaces the object; readers see the old or the new one, whole. A power failure may take it away again. */
  put(key: string, bytes: Uint8Array): Promise<void>;
  /**
   * Moves a local folder, all of whose files are `names`, into the store as `folder`, which must not be there yet; the local one may be gone
   * afterwards. Visible when it resolves, and maybe in part before or when it rejects; durable after `sync`.
   */
  importFolder(localFolder: string, folder: string, names: readonly string[]): Promise<void>;
  /** Makes objects that were imported durable, with the folders that name them. */
  sync(keys: readonly string[]): Promise<void>;
  /** Removes an object; one that is not there is fine. */
  remove(key: string): Promise<void>;
  /** Removes a folder and everything in it; one that is not there is fine. */
  removeFolder(folder: string): Promise<void>;
}
