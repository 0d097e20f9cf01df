/** A local folder that behaves like an object store: it lists in order, and each call is a request, noted. The real ones have tests of their own. */
import { localStore } from '../../../src/store/local-store.ts';
import type { ObjectStore } from '../../../src/store/object-store.ts';

export type RemoteLike = {
  readonly store: ObjectStore;
  /** Requests since the last time this was asked, as `operation key`. */
  spent(): string[];
};

export function remoteLike(root: string, more: Partial<ObjectStore> = {}): RemoteLike {
  const inner: ObjectStore = { ...localStore(root), ...more };
  const requests: string[] = [];
  const noted = <Args extends unknown[], T>(operation: string, call: (key: string, ...rest: Args) => Promise<T>) => {
    return (key: string, ...rest: Args): Promise<T> => {
      requests.push(`${operation} ${key}`);
      return call(key, ...rest);
    };
  };
  return {
    spent: () => requests.splice(0),
    store: {
      ...inner,
      kind: 's3',
      remote: true,
      listsInOrder: true,
      list: noted('list', async (folder: string, limit?: number) => {
        const names = (await inner.list(folder)).map(({ name }) => name).sort((a, b) => (a < b ? -1 : 1));
        const listed = names.slice(0, limit).map(async (name) => {
          const stat = await inner.stat(`${folder}/${name}`);
          return { name, ...(stat && { stat }) };
        });
        return Promise.all(listed);
      }),
      stat: noted('stat', (key) => inner.stat(key)),
      read: noted('read', (key) => inner.read(key)),
      put: noted('put', (key, bytes: Uint8Array) => inner.put(key, bytes)),
      putIfAbsent: noted('create', (key, parts: readonly Uint8Array[], after?: Promise<unknown>) =>
        inner.putIfAbsent(key, parts, after),
      ),
    },
  };
}
