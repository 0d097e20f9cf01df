/** Mounts a file system that may only be read, in a mount name space of its own, and prints what the store and the scratch say. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SegmentdError } from '../../src/lib/errors.ts';
import { openScratch } from '../../src/lib/scratch.ts';
import { localStore } from '../../src/store/local-store.ts';

const [root = '', folder = ''] = process.argv.slice(2);
const mount = (...args: string[]) => execFileSync('mount', ['-t', 'tmpfs', ...args, 'tiny', root]);
mount();
mkdirSync(join(root, 'v'));
writeFileSync(join(root, 'v', '1'), 'x');
mount('-o', 'remount,ro');
const store = localStore(root);
const said = (run: () => Promise<unknown>) =>
  run().catch((error: unknown) =>
    // Not out of the message, which names a temporary folder: its name may look like a code.
    error instanceof SegmentdError ? `${error.code} ${(error.cause as NodeJS.ErrnoException)?.code}` : String(error),
  );
process.stdout.write(
  JSON.stringify({
    read: await said(async () => (await store.read('v/1'))?.content.length),
    list: await said(() => store.list('v')),
    createInFolder: await said(() => store.putIfAbsent('v/2', [new Uint8Array(1)])),
    createInNew: await said(() => store.putIfAbsent('new/deep/2', [new Uint8Array(1)])),
    put: await said(() => store.put('new/2', new Uint8Array(1))),
    importFolder: await said(() => store.importFolder(folder, 'new/deep/3', ['file'])),
    remove: await said(() => store.remove('v/1')),
    removeFolder: await said(() => store.removeFolder('v')),
    scratch: await said(() => openScratch(join(root, 'not', 'yet'))),
  }),
);
