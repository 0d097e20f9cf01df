/** Maps a URI to its store; no other file does. */
import { checkLocalAccess, localStore, realFolder } from './local-store.ts';
import type { ObjectStore } from './object-store.ts';

/** The store of what lies below `uri`, an absolute folder; no I/O. */
export function openStore(uri: string): ObjectStore {
  return localStore(uri);
}

/** Says whether this process may read and write below `uri` and in those `folders` of it. Errors: store_denied, store_unavailable. */
export function checkAccess(uri: string, folders: readonly string[]): Promise<void> {
  return checkLocalAccess(uri, folders);
}

/** The one name of what lies below `uri`, where links make for several. */
export function realLocation(uri: string): Promise<string> {
  return realFolder(uri);
}

/** The kind of store that holds what lies below `uri`. */
export function storeKind(_uri: string): 'local' {
  return 'local';
}
