/** How fast segmentd would be if it synced nothing, as the ways that it is measured beside: what is left of its time is not the disk's. */
import { linkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { localStore } from '../../src/store/local-store.ts';
import type { ObjectStore } from '../../src/store/object-store.ts';

/** A local store that syncs nothing, for a table that nobody needs: a power failure may leave versions in it that name files that are gone. */
export function unsyncedStore(root: string): ObjectStore {
  const store = localStore(root);
  return {
    ...store,
    sync: async () => undefined,
    async putIfAbsent(key, parts, after) {
      const path = join(root, key);
      const staged = `${path}.staged`;
      writeFileSync(staged, Buffer.concat(parts));
      try {
        await after;
        linkSync(staged, path);
      } finally {
        rmSync(staged);
      }
      return { outcome: 'created', tag: (await store.stat(key))?.tag ?? '' };
    },
  };
}
