/** Maps a URI to its store; no other file does. */
import { localStore } from './local-store.ts';
import type { ObjectStore } from './object-store.ts';

/** The store of what lies below `uri`, an absolute folder; no I/O. */
export function openStore(uri: string): ObjectStore {
  return localStore(uri);
}
