/** Syncs more files than this process may open, below the folder that is given; its limit of open files comes from whoever starts it. */
import { localStore } from '../../src/store/local-store.ts';

const [root = '', count = '0'] = process.argv.slice(2);
const store = localStore(root);
const keys = Array.from({ length: Number(count) }, (_, at) => `_indices/${at}/file`);
for (const key of keys) await store.put(key, Buffer.from(key));
await store.sync(keys);
process.stdout.write(`synced ${keys.length}`);
